package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/model/eval"
)

// TestHeldoutOfARun: what the last evaluations leave is of the metrics' last lines and has no ids; who the dots are is for the owner. A
// report is whole without it, and shows nothing of what is damaged or of another step.
func TestHeldoutOfARun(t *testing.T) {
	cohort, dir := tiny(t), filepath.Join(t.TempDir(), "run")
	must(t, small(cohort, dir, "--max-steps", "6")...)
	rows, err := readMetrics(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := readHeldout(dir).byKind()
	for _, kind := range []string{"validation", "test"} {
		lines := report.Of(rows, kind)
		last, h := lines[len(lines)-1], found[kind]
		if h.Step != last.Step || h.Encoder.Persons < 4 || h.Encoder.Spread <= 0 || h.Encoder.Dimensions != 512 || len(h.Queries) != min(8, last.Retrieval["all"].Candidates) {
			t.Errorf("%s of step %d: %+v", kind, last.Step, h)
		}
		for name, r := range last.Retrieval {
			if c := h.Recall[name]; r.Candidates > 0 && (c.K[len(c.K)-1] != r.Candidates || c.ToGenetics[0] < r.ImageToGenetics.R1-1e-4 || c.ToGenetics[0] > r.ImageToGenetics.R1+1e-4) {
				t.Errorf("%s, %s: %+v, want %+v", kind, name, c, r)
			}
		}
	}
	holdDots(t, cohort, dir, found)
	page := func() string { must(t, "report", dir); return string(read(t, dir, reportName)) }
	if text := page(); !strings.Contains(text, "of the variance") || !strings.Contains(text, "effective rank</th>") || !strings.Contains(text, "Recall@k, for every k") {
		t.Error("the page lacks the embedding")
	}
	for _, damage := range []func(string) error{func(path string) error { return os.WriteFile(path, []byte(`{"validation":`), 0o644) }, os.Remove} {
		if err := damage(filepath.Join(dir, heldoutName)); err != nil {
			t.Fatal(err)
		}
		if text := page(); !strings.Contains(text, "No embedding was recorded") || strings.Contains(text, "of the variance") || !strings.Contains(text, `data-modality="all"`) {
			t.Error("the page of a run without a record of its embedding")
		}
	}
	must(t, small(cohort, dir, "--max-steps", "1", "--overwrite")...)
	if f := readHeldout(dir); f.Validation.Step != 1 || f.Test.Step != 1 {
		t.Errorf("after another training in its place: %+v", f)
	}
}

// holdDots: a line a dot, of persons of the split that it has, in an order that tells nothing, and none of them outside of private/.
func holdDots(t *testing.T, cohort, dir string, found map[string]eval.Heldout) {
	t.Helper()
	splits, ids := map[string]string{}, map[string][]string{}
	for _, f := range readPrivate(dir, splitName, "person_id split") {
		splits[f[0]] = f[1]
	}
	for _, f := range readPrivate(dir, dotsName, dotsHead) {
		if f[1] != fmt.Sprint(len(ids[f[0]])) {
			t.Errorf("the dot %s of %s stands in place %d", f[1], f[0], len(ids[f[0]]))
		}
		ids[f[0]] = append(ids[f[0]], f[2])
	}
	for kind, splitsOf := range map[string][]string{"validation": {"validation"}, "test": {"test", "train", "validation"}} {
		m := found[kind].Map
		if len(m.X) < 4 || len(ids[kind]) != len(m.X) || !slices.IsSorted(m.X) || !slices.Equal(slices.Sorted(slices.Values(m.Splits)), splitsOf) {
			t.Errorf("%s: %d dots, %d ids, splits %v", kind, len(m.X), len(ids[kind]), m.Splits)
			continue
		}
		for i, id := range ids[kind] {
			if m.Splits[m.Split[i]] != splits[id] {
				t.Errorf("%s: dot %d is of %s, its participant of %s", kind, i, m.Splits[m.Split[i]], splits[id])
			}
		}
		if kind == "test" && slices.IsSorted(ids[kind]) {
			t.Error("dots stand in the order of the participants")
		}
	}
	info, err := os.Stat(filepath.Join(dir, privateName, dotsName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if raw := string(read(t, dir, heldoutName)); strings.Contains(raw, "S0000") {
		t.Error("the public file has ids")
	}
}

// TestReportIsColoured: the map by a column of a table, of numbers or of words; what cannot be is said.
func TestReportIsColoured(t *testing.T) {
	cohort, dir := tiny(t), filepath.Join(t.TempDir(), "run")
	must(t, small(cohort, dir, "--max-steps", "2")...)
	var words strings.Builder
	words.WriteString("eid,site,id2\n")
	for i := 1; i <= 40; i++ {
		fmt.Fprintf(&words, "S%06d,%s,x\n", i, []string{"north", "south"}[i%2])
	}
	file := filepath.Join(t.TempDir(), "site:s.csv")
	if err := os.WriteFile(file, []byte(words.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, "report", "--color", file+":site", dir)
	if page := string(read(t, dir, reportName)); !strings.Contains(page, "By site") || !strings.Contains(page, "north (") || !strings.Contains(page, "south (") || strings.Contains(page, "no value (") {
		t.Error("the page is not coloured by site")
	}
	must(t, "report", "--color", filepath.Join(cohort, "covariates.tsv")+":age", dir)
	if page := string(read(t, dir, reportName)); !strings.Contains(page, "By age") || !strings.Contains(page, "below ") || !strings.Contains(page, " and more (") {
		t.Error("the page is not coloured by age")
	}
	before := string(read(t, dir, reportName))
	for _, c := range []struct {
		color, code string
		exit        int
	}{{file + ":sight", "E815", 1}, {filepath.Join(cohort, "nothing.tsv") + ":age", "E104", 1}, {"site", "FILE:COLUMN", 2}, {":site", "FILE:COLUMN", 2}, {file + ":", "FILE:COLUMN", 2}} {
		if code, _, errs := exec(t, "report", "--color", c.color, dir); code != c.exit || !strings.Contains(errs, c.code) {
			t.Errorf("%s: %d, %s", c.color, code, errs)
		}
	}
	others := filepath.Join(t.TempDir(), "others.tsv")
	if err := os.WriteFile(others, []byte("id\tage\nX1\t4\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := exec(t, "report", "--color", others+":age", dir); code != 1 || !strings.Contains(errs, "E815") {
		t.Errorf("of others: %d, %s", code, errs)
	}
	if code, _, _ := exec(t, "report", "--color", file+":site", "--out", filepath.Join(t.TempDir(), "x.html"), dir); code != 2 {
		t.Errorf("with --out: %d", code)
	}
	if err := os.Remove(filepath.Join(dir, privateName, dotsName)); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := exec(t, "report", "--color", file+":site", dir); code != 1 || !strings.Contains(errs, "E816") {
		t.Errorf("without private/: %d, %s", code, errs)
	}
	if string(read(t, dir, reportName)) != before {
		t.Error("a report that could not be coloured was written")
	}
}

// TestClasses: many numbers are ranges of as many participants each, few values are words, and what few have is not named.
func TestClasses(t *testing.T) {
	var values []string
	for i := range 50 {
		values = append(values, fmt.Sprint(float64(i)/2))
	}
	c := classes("age", append(values, "NA", ""))
	counts := map[int]int{}
	for _, k := range c.Class {
		counts[k]++
	}
	if !c.Ordered || fmt.Sprint(counts) != "map[-1:2 0:10 1:10 2:10 3:10 4:10]" || c.Classes[0] != "below 5" || c.Classes[1] != "5 to 10" || c.Classes[4] != "20 and more" {
		t.Errorf("%v, %v", counts, c.Classes)
	}
	values = nil
	for word, n := range map[string]int{"a": 9, "b": 8, "c": 7, "d": 6, "e": 5, "rare": 4, "unique-id": 1} {
		values = append(values, slices.Repeat([]string{word}, n)...)
	}
	c = classes("kind", append(values, "nan"))
	if c.Ordered || !slices.Equal(c.Classes, []string{"a", "b", "c", "d", "other values"}) || c.Class[len(values)] != -1 {
		t.Errorf("%v", c.Classes)
	}
	for i, v := range values {
		if want := min(4, slices.Index([]string{"a", "b", "c", "d", v}, v)); c.Class[i] != want {
			t.Errorf("%s is of class %d", v, c.Class[i])
		}
	}
	few := classes("sex", slices.Concat(slices.Repeat([]string{"0"}, 20), slices.Repeat([]string{"1"}, 20)))
	if few.Ordered || !slices.Equal(few.Classes, []string{"0", "1"}) {
		t.Errorf("two numbers: %v", few.Classes)
	}
}

// TestPictures: pictures of participants only where they are asked for, and only for the owner of the run.
func TestPictures(t *testing.T) {
	cohort, dir := tiny(t), filepath.Join(t.TempDir(), "run")
	must(t, small(cohort, dir, "--max-steps", "2")...)
	path := filepath.Join(dir, privateName, picturesName)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("pictures that nobody asked for: %v", err)
	}
	must(t, small(cohort, dir, "--max-steps", "2", "--overwrite", "--pictures")...)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	page := string(read(t, path))
	test := readHeldout(dir).Test
	if n := strings.Count(page, "<h2>Query "); n != len(test.Queries) {
		t.Errorf("%d of %d queries", n, len(test.Queries))
	}
	hits := 0
	for i, q := range test.Queries {
		if q.ToGenetics <= 4 {
			hits++
		}
		if q.ToImage <= 4 {
			hits++
		}
		if want := fmt.Sprintf("own genetics at rank %v of %d", q.ToGenetics, q.Candidates); !strings.Contains(page, want) {
			t.Errorf("query %d: the page lacks %q", i, want)
		}
	}
	if n := strings.Count(page, `<img class="hit"`); n < hits {
		t.Errorf("%d framed, want %d", n, hits)
	}
	if n := strings.Count(page, `<img alt="training image"`); n != 8 { // a batch
		t.Errorf("%d training images", n)
	}
	if n := strings.Count(page, "<img"); n != 8+11*len(test.Queries) || strings.Contains(page, "S0000") || strings.Contains(page, "<script") {
		t.Errorf("%d pictures of %d queries", n, len(test.Queries))
	}
	must(t, small(cohort, dir, "--max-steps", "2", "--overwrite")...)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("pictures of the training before: %v", err)
	}
}

// TestSessionsAreKept: each process that worked on a run, with the steps that it took; marks in the curves show where one went on.
func TestSessionsAreKept(t *testing.T) {
	cohort, dir := tiny(t), filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := &stopper{after: "epoch 1, step", stop: cancel}
	var errs strings.Builder
	if err := run(ctx, small(cohort, dir, "--epochs", "3"), stop, &errs); err == nil {
		t.Fatal("it was not interrupted")
	}
	must(t, small(cohort, dir, "--epochs", "3", "--resume")...)
	k := readRecord(dir)
	if len(k.History) != 2 || k.Sessions != 2 || k.History[0].From != 0 || k.History[0].To != k.History[1].From || k.History[1].From == 0 || k.History[1].To != k.Steps || k.Steps != k.Total {
		t.Errorf("%+v, %d of %d steps", k.History, k.Steps, k.Total)
	}
	for _, s := range k.History {
		if s.Started == "" || s.Ended < s.Started || s.Host == "" || s.Device == "" {
			t.Errorf("%+v", s)
		}
	}
	page := string(read(t, dir, reportName))
	if want := fmt.Sprintf("resumed after step %d<", k.History[1].From); !strings.Contains(page, want) || !strings.Contains(page, "What the time went into") || !strings.Contains(page, "Planned for the training") {
		t.Errorf("the page lacks %q", want)
	}
	if k.Planned == 0 || k.Look == nil || k.Look.Images != 32 || len(k.Look.Sides) != 32 || k.Look.Sides[0] != 32 || !slices.IsSorted(k.Look.Brightness) || k.Look.Of != 40 || k.Look.TrainedAt != 32 {
		t.Errorf("%d bytes planned; %+v", k.Planned, k.Look)
	}
}

// TestFlowOfARun: how many were left at each step, and of which modality how many features.
func TestFlowOfARun(t *testing.T) {
	cohort, dir := tiny(t), filepath.Join(t.TempDir(), "run")
	gone := filepath.Join(cohort, "withdrawn.txt")
	if err := os.WriteFile(gone, []byte("S000003\nS000004\nS000007\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	change(t, filepath.Join(cohort, "data.toml"), func(b []byte) []byte { return append(b, "\n[ids]\nremove = \"withdrawn.txt\"\n"...) })
	must(t, small(cohort, dir, "--max-steps", "1")...)
	k, sum := readRecord(dir), 0
	want := map[string][2]int{"in the manifest": {40, 0}, "lists of participants": {37, 3}, "joined with genetics": {37, 0}}
	for _, f := range k.Flow {
		if w, ok := want[f.Step]; ok && f.Of == report.Participants {
			if f.Remain != w[0] || f.Removed != w[1] || (f.Why == "") != (w[1] == 0) {
				t.Errorf("%+v", f)
			}
			delete(want, f.Step)
		}
		if f.Part {
			sum += f.Remain
		}
		if f.Of == "burden" && f.Remain != 4 {
			t.Errorf("%+v", f)
		}
	}
	if len(want) > 0 || sum != 37 {
		t.Errorf("%v are not there, %d in splits: %+v", want, sum, k.Flow)
	}
	if page := string(read(t, dir, reportName)); !strings.Contains(page, "37 remain, 3 removed: not in a keep list, or in a remove list") {
		t.Error("the page lacks the flow")
	}
}
