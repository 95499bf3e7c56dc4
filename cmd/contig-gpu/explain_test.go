package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A trained is a small cohort, and a network that was trained on it for a few steps.
type trained struct{ cohort, run string }

func trainTiny(t *testing.T, cohort string, more ...string) trained {
	t.Helper()
	run := filepath.Join(t.TempDir(), "run")
	must(t, small(cohort, run, append([]string{"--max-steps", "3"}, more...)...)...)
	return trained{cohort, run}
}

// explain returns the arguments of an explain by the run folder.
func (x trained) explain(out string, more ...string) []string {
	return append([]string{"explain", "--run", x.run, "--out", out, "--device", "cpu"}, more...)
}

// tsv reads a table with a header, as a row by the first column.
func tsv(t *testing.T, path ...string) (head []string, rows [][]string) {
	t.Helper()
	for i, l := range strings.Split(strings.TrimSuffix(string(read(t, path...)), "\n"), "\n") {
		if f := strings.Split(l, "\t"); i == 0 {
			head = f
		} else {
			rows = append(rows, f)
		}
	}
	return head, rows
}

// matrixOf reads a .npy of two dimensions as writeNPY writes it.
func matrixOf(t *testing.T, path string) [][]float32 {
	t.Helper()
	b := read(t, path)
	var rows, columns int
	if _, err := fmt.Sscanf(string(b[bytes.Index(b, []byte("'shape': (")):]), "'shape': (%d, %d)", &rows, &columns); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	b = b[len(b)-4*rows*columns:]
	out := make([][]float32, rows)
	for i := range out {
		for j := range columns {
			k := 4 * (i*columns + j)
			out[i] = append(out[i], math.Float32frombits(uint32(b[k])|uint32(b[k+1])<<8|uint32(b[k+2])<<16|uint32(b[k+3])<<24))
		}
	}
	return out
}

func toFloat(t *testing.T, s string) float64 {
	t.Helper()
	if s == "NA" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestExplain: the files of the contract, their columns and order; what is private and what is not; that tables, matrices and completeness tell the
// same story; and that the same seed writes the same bytes.
func TestExplain(t *testing.T) {
	x, out := trainTiny(t, tiny(t)), filepath.Join(t.TempDir(), "out")
	text := must(t, x.explain(out, "--method", "ig,deeplift,gradient-input", "--persons", "test", "--reference", "12", "--maps", "1", "--image-method", "gradient,gradcam", "--direction", "burden:GENE0001")...)
	for _, want := range []string{"reference: 12 training persons who have every modality", "device: cpu, ", ", float32: ", "memory: ", "completeness gap of ig", "it is not a cause"} {
		if !strings.Contains(text, want) {
			t.Errorf("explain printed no %q:\n%s", want, text)
		}
	}
	var s summary
	if err := json.Unmarshal(read(t, out, "explain.json"), &s); err != nil {
		t.Fatal(err)
	}
	persons := strings.Fields(string(read(t, out, "private", "persons.txt")))
	if s.Persons != len(persons) || s.Reference != 12 || !slices.Equal(s.Methods, []string{"ig", "deeplift", "gradient-input"}) || len(s.Completeness) != 4 || len(s.Discoveries) != 4 || len(s.Agreement["snps"]) != 3 {
		t.Errorf("explain.json: %+v", s)
	}
	for _, name := range []string{"snps", "pgs", "burden", "covariates"} {
		checkModality(t, out, name, persons)
		if _, tried := s.Completeness[name]["gradient-input"]; tried {
			t.Error("gradient times input is not complete, and has a gap")
		}
		for _, table := range []string{name + ".tsv", name + ".groups.tsv"} {
			for _, row := range second(tsv(t, out, table)) {
				if q, least := toFloat(t, row[12]), min(1, 4*float64(s.Modalities[name].P)); q < least*(1-1e-6) || math.IsNaN(least) {
					t.Errorf("%s: %s has q %g, less than the modality's %g", table, row[0], q, least)
				}
			}
		}
		if ig, lift := s.Completeness[name]["ig"], s.Completeness[name]["deeplift"]; !(ig.Worst <= 0.01) || !(lift.Worst < 1e-6) {
			t.Errorf("%s: gaps %v and %v", name, ig, lift)
		}
	}
	checkModes(t, out, persons)
	again := filepath.Join(t.TempDir(), "again")
	must(t, x.explain(again, "--method", "ig,deeplift,gradient-input", "--persons", "test", "--reference", "12")...)
	for _, name := range []string{"snps.tsv", "pgs.groups.tsv", "explain.json", "private/burden.ig.npy", "private/completeness.tsv"} {
		if !bytes.Equal(read(t, out, name), read(t, again, name)) {
			t.Errorf("two runs wrote different %s", name)
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

// checkModality compares a modality's table with its matrix.
func checkModality(t *testing.T, out, name string, persons []string) {
	t.Helper()
	head, rows := tsv(t, out, name+".tsv")
	if strings.Join(head, " ") != "feature chromosome position counted_allele group mean_abs mean sd low high decoy_mean_abs p q" {
		t.Fatalf("%s: columns %v", name, head)
	}
	a := matrixOf(t, filepath.Join(out, "private", name+".ig.npy"))
	if len(a) != len(persons) || len(a[0]) != len(rows) {
		t.Fatalf("%s: %d x %d values, of %d persons and %d features", name, len(a), len(a[0]), len(persons), len(rows))
	}
	_, features := tsv(t, out, "private", "features.tsv")
	column := map[string]int{}
	for _, f := range features {
		if f[0] == name {
			column[f[2]], _ = strconv.Atoi(f[1])
		}
	}
	last := math.Inf(1)
	for _, r := range rows {
		mean, n := 0.0, 0.0
		for _, row := range a {
			if v := float64(row[column[r[0]]]); !math.IsNaN(v) {
				mean, n = mean+math.Abs(v), n+1
			}
		}
		got := toFloat(t, r[5])
		if math.Abs(got-mean/n) > 1e-6*mean/n || got > last || !(toFloat(t, r[8]) <= got && got <= toFloat(t, r[9])) {
			t.Errorf("%s: %s has mean |A| %v in [%s, %s] after %v, its matrix %v", name, r[0], got, r[8], r[9], last, mean/n)
		}
		last = got
	}
	_, complete := tsv(t, out, "private", "completeness.tsv")
	for _, c := range complete {
		if c[1] == name && c[2] == "ig" {
			sum := 0.0
			for _, v := range a[slices.Index(persons, c[0])] {
				sum += float64(v)
			}
			if want := toFloat(t, c[5]); math.Abs(sum-want) > 1e-6 {
				t.Errorf("%s: attributions add up to %v, completeness.tsv says %v", name, sum, want)
			}
		}
	}
}

// checkModes: ids stand under private alone, which its owner alone can read.
func checkModes(t *testing.T, out string, ids []string) {
	t.Helper()
	err := filepath.WalkDir(out, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		in := strings.HasPrefix(path, filepath.Join(out, "private"))
		if in && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !in && !e.IsDir() && bytes.Contains(read(t, path), []byte(ids[0])) {
			t.Errorf("%s has the id of a person", path)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), ".*")); len(left) > 0 {
		t.Errorf("explain left %v", left)
	}
}

// TestExplainShowsNoParticipant: of participants the report has no id, no picture and no value of a single person unless --pictures asks for it.
func TestExplainShowsNoParticipant(t *testing.T) {
	x, out := trainTiny(t, tellingCohort(t)), filepath.Join(t.TempDir(), "out")
	args := []string{"--reference", "10", "--maps", "1", "--image-method", "gradient", "--test", "none"}
	text := must(t, x.explain(out, args...)...)
	for _, name := range []string{"explain.json", reportName, "snps.tsv", "burden.groups.tsv", "covariates.details.tsv"} {
		if bytes.Contains(read(t, out, name), []byte(telltale)) {
			t.Errorf("%s has ids", name)
		}
	}
	if strings.Contains(text, telltale) {
		t.Errorf("explain printed ids: %s", text)
	}
	page := string(read(t, out, reportName))
	if strings.Contains(page, "data:image/png") || !strings.Contains(page, "left out") || strings.Contains(page, "A dot is a person") {
		t.Error("the report shows participants")
	}
	must(t, x.explain(out, append(args, "--pictures", "--overwrite")...)...)
	if page := string(read(t, out, reportName)); !strings.Contains(page, "data:image/png") || !strings.Contains(page, "A dot is a person") {
		t.Error("--pictures shows nothing")
	}
}

// TestExplainGoesOn: what an interruption leaves is not the folder asked for, and --resume makes of it what an uninterrupted run makes.
func TestExplainGoesOn(t *testing.T) {
	x, dir := trainTiny(t, tiny(t)), t.TempDir()
	out, whole := filepath.Join(dir, "out"), filepath.Join(dir, "whole")
	must(t, x.explain(whole, "--reference", "10", "--test", "none")...)
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{after: "explanations of persons", do: cancel}
	var errs bytes.Buffer
	if code := finish(run(ctx, x.explain(out, "--reference", "10", "--test", "none"), w, &errs), &errs); code == 0 {
		t.Fatalf("the interrupted run ended well: %s", w.String())
	}
	work, _ := filepath.Glob(filepath.Join(dir, ".out*unfinished"))
	if _, err := os.Stat(out); err == nil || len(work) != 1 || !strings.Contains(w.String(), "--resume") {
		t.Fatalf("left %v, printed %s", work, w.String())
	}
	if code, _, errs := exec(t, x.explain(out, "--reference", "9", "--test", "none", "--resume")...); code != 1 || !strings.HasPrefix(errs, "contig-gpu: E908") || !strings.Contains(errs, "reference") {
		t.Errorf("another reference: exit code %d, %s", code, errs)
	}
	must(t, x.explain(out, "--reference", "10", "--test", "none", "--resume")...)
	for _, name := range []string{"snps.tsv", "covariates.groups.tsv", "explain.json", "private/pgs.ig.npy", "private/top.tsv"} {
		if !bytes.Equal(read(t, out, name), read(t, whole, name)) {
			t.Errorf("%s differs from an uninterrupted run's", name)
		}
	}
	if work, _ := filepath.Glob(filepath.Join(dir, ".*")); len(work) > 0 {
		t.Errorf("left %v", work)
	}
}

// TestExplainGroups: genes, traits and windows group features; what matches nothing is told.
func TestExplainGroups(t *testing.T) {
	x, dir := trainTiny(t, tiny(t)), t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		mustDo(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	quick := []string{"--reference", "10", "--method", "gradient-input", "--overwrite", "--test", "groups"}
	genes := file("genes.bed", "chr1\t0\t250000000\tALL_OF_1\nchr2\t0\t250000000\tALL_OF_2\n")
	out := filepath.Join(dir, "out")
	must(t, x.explain(out, append(quick, "--genes", genes, "--names", file("names.tsv", "SYN000001\tHeight\nSYN000002\tHeight\n"))...)...)
	if _, rows := tsv(t, out, "snps.groups.tsv"); !slices.ContainsFunc(rows, func(r []string) bool { return r[0] == "ALL_OF_1" && r[4] == "gene" && r[1] == "1" }) || !slices.ContainsFunc(rows, func(r []string) bool { return r[0] == "chromosome 2" && r[4] == "chromosome" }) {
		t.Errorf("groups of variants: %v", rows)
	}
	if _, rows := tsv(t, out, "pgs.groups.tsv"); len(rows) != 2 || !slices.ContainsFunc(rows, func(r []string) bool { return r[0] == "Height" && r[4] == "trait" }) {
		t.Errorf("groups of scores: %v", rows)
	}
	text := must(t, x.explain(out, append(quick, "--window", "1000", "--genes", file("far.tsv", "gene\tchrom\tstart\tend\nFAR\tY\t1\t2\n"), "--names", file("none.tsv", "x\ty\n"), "--build", "GRCh38")...)...)
	if !strings.Contains(text, "W901") || !strings.Contains(text, "W902") {
		t.Errorf("tables without a match: %s", text)
	}
	if _, rows := tsv(t, out, "snps.groups.tsv"); rows[0][4] != "window" {
		t.Errorf("groups of variants: %v", rows)
	}
}
