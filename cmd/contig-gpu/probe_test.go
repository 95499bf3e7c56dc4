package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest/golden"
)

// A probeCohort is a folder of features with labels that follow from them: grade and sex more or less, age nearly, noise not at all.
type probeCohort struct {
	dir    string // features
	labels string
}

// makeProbeCohort writes features of n persons with images each, and their labels, changed by edit where it is set.
func makeProbeCohort(t *testing.T, n, images int, edit func(row map[string]string, i int)) probeCohort {
	t.Helper()
	const width = 12
	c := probeCohort{filepath.Join(t.TempDir(), "features"), filepath.Join(t.TempDir(), "labels.tsv")}
	if err := os.MkdirAll(filepath.Join(c.dir, "per-image"), 0o700); err != nil {
		t.Fatal(err)
	}
	code, noise := golden.Fill("probe code", n*3, -1, 1), golden.Fill("probe noise", n*width, -0.3, 0.3)
	luck := golden.Uniform("probe luck", 2*n)
	columns := []string{"person_id", "grade", "sex", "age", "noise", "drusen", "edema"}
	labels, persons, pictures := strings.Join(columns, "\t")+"\n", "person_id\tsplit\trow\n", "person_id\timage\tsplit\trow\n"
	var mean, each [][]float32
	for i := range n {
		z := code[i*3 : i*3+3]
		id, split := fmt.Sprintf("%04d", i), []string{"train", "train", "train", "validation", "test", "test"}[i%6]
		grade := min(3, max(0, int(2*(z[0]+1)+0.4*luck[i])))
		row := map[string]string{"person_id": id, "grade": fmt.Sprint(grade), "sex": []string{"f", "m"}[b2i(z[1]+0.5*(luck[n+i]-0.5) > 0)], "age": fmt.Sprintf("%.3f", 60+10*z[2]+luck[i]),
			"noise": fmt.Sprint(int(2 * luck[n+i])), "drusen": fmt.Sprint(b2i(z[0] > 0.6)), "edema": fmt.Sprint(b2i(z[1] > 0))}
		if edit != nil {
			edit(row, i)
		}
		var cells []string
		for _, k := range columns {
			cells = append(cells, row[k])
		}
		labels += strings.Join(cells, "\t") + "\n"
		persons += fmt.Sprintf("%s\t%s\t%d\n", id, split, i)
		sum := make([]float32, width)
		for k := range images {
			v := make([]float32, width)
			for j := range v {
				v[j] = float32(5 + z[j%3]*float64(1+j) + noise[i*width+j]) // copies of one image
				sum[j] += v[j] / float32(images)
			}
			each = append(each, v)
			pictures += fmt.Sprintf("%s\t%s_%d.png\t%s\t%d\n", id, id, k, split, i*images+k)
		}
		mean = append(mean, sum)
	}
	for name, text := range map[string]string{"persons.tsv": persons, "per-image/images.tsv": pictures} {
		mustDo(t, os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600))
	}
	mustDo(t, os.WriteFile(c.labels, []byte(labels), 0o600))
	mustDo(t, writeNPY(filepath.Join(c.dir, "features.npy"), width, mean))
	mustDo(t, writeNPY(filepath.Join(c.dir, "per-image", "features.npy"), width, each))
	return c
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func metricsIn(t *testing.T, dir string) (m probeMetrics) {
	t.Helper()
	mustDo(t, json.Unmarshal(read(t, dir, "metrics.json"), &m))
	return m
}

func (c probeCohort) probe(t *testing.T, args ...string) (probeMetrics, string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	must(t, append([]string{"probe", "--features", c.dir, "--labels", c.labels, "--out", out}, args...)...)
	return metricsIn(t, out), out
}

func value(t *testing.T, m map[string]probeValue, name string) float64 {
	t.Helper()
	v := m[name]
	if v.Value == nil || v.Low == nil || !(*v.Low <= *v.Value && *v.Value <= *v.High) {
		t.Fatalf("%s is %+v", name, v)
	}
	return *v.Value
}

// TestProbeTasks: every task by both methods finds what is in the features, and what is written holds together: n, intervals, predictions by persons, modes, a page that names nobody.
func TestProbeTasks(t *testing.T) {
	c := makeProbeCohort(t, 240, 1, nil)
	for _, x := range []struct {
		task, target, metric string
		least                float64
	}{{"auto", "grade", "roc_auc_macro", 0.8}, {"ordinal", "grade", "quadratic_kappa", 0.7}, {"classes", "sex", "roc_auc", 0.85}, {"labels", "drusen,edema", "roc_auc_macro", 0.85}, {"auto", "age", "r2", 0.8}, {"traits", "age,noise", "r2.age", 0.8}} {
		for _, method := range []string{"linear", "knn"} {
			m, out := c.probe(t, "--target", x.target, "--task", x.task, "--method", method, "--weights", map[string]string{"linear": "exp", "knn": "distance"}[method])
			if got := value(t, m.Metrics, x.metric); got < x.least || m.N != 80 || m.Persons != 80 || m.Split != "test" || m.SplitBy != "run" {
				t.Errorf("%s %s: %s is %v of %d rows by %s", x.target, method, x.metric, got, m.N, m.SplitBy)
			}
			if m.Validation == nil || m.Validation.N != 40 {
				t.Errorf("%s %s: validation %+v", x.target, method, m.Validation)
			}
			rows := keyed(t, out, "private", "predictions.tsv")
			if len(rows) != 120 || rows[0]["person_id"] != "0003" {
				t.Errorf("%d predictions, %v", len(rows), rows[0])
			}
			for path, mode := range map[string]os.FileMode{"private": 0o700, "private/predictions.tsv": 0o600} {
				if st, err := os.Stat(filepath.Join(out, path)); err != nil || st.Mode().Perm() != mode {
					t.Errorf("%s: %v, %v", path, st.Mode(), err)
				}
			}
			page := strings.ReplaceAll(string(read(t, out, "report.html")), "<wbr>", "")
			for _, row := range rows {
				if strings.Contains(page, ">"+row["person_id"]+"<") || strings.Contains(string(read(t, out, "metrics.json")), `"`+row["person_id"]+`"`) {
					t.Fatalf("the page or the metrics name %s", row["person_id"])
				}
			}
			if !strings.Contains(page, x.metric) || !strings.Contains(page, "<svg") || strings.Contains(page, "NaN") {
				t.Errorf("%s %s: the page lacks the metric or a figure", x.target, method)
			}
		}
	}
}

// TestProbeSameBytes: persons in another order, and threads, change no byte of the metrics (P29).
func TestProbeSameBytes(t *testing.T) {
	c := makeProbeCohort(t, 120, 1, nil)
	args := []string{"--target", "grade", "--task", "classes", "--split", "random", "--fractions", "0.3,1"}
	first, out := c.probe(t, append(args, "--threads", "1")...)
	for _, path := range []string{c.labels, filepath.Join(c.dir, "persons.tsv")} {
		lines := strings.Split(strings.TrimSuffix(string(read(t, path)), "\n"), "\n")
		slices.Reverse(lines[1:])
		mustDo(t, os.WriteFile(path, []byte(strings.Join(lines, "\r\n")+"\r\n"), 0o600))
	}
	_, again := c.probe(t, append(args, "--threads", "3")...)
	if string(read(t, out, "metrics.json")) != string(read(t, again, "metrics.json")) {
		t.Error("the order of labels or the number of threads changed the metrics")
	}
	if len(first.Fractions) != 2 || first.Fractions[0].Trained != 22 || first.Fractions[1].Trained != 72 {
		t.Errorf("fractions %+v", first.Fractions)
	}
}

// TestProbeIntervalsOfPersons: two copies of every image leave value and interval as they are (P12, P26).
func TestProbeIntervalsOfPersons(t *testing.T) {
	byImage := func(images int) probeMetrics {
		c := makeProbeCohort(t, 90, images, nil)
		text := "image\tsex\n"
		for _, row := range keyed(t, c.labels) {
			for k := range images {
				text += fmt.Sprintf("%s_%d.png\t%s\n", row["person_id"], k, row["sex"])
			}
		}
		mustDo(t, os.WriteFile(c.labels, []byte(text), 0o600))
		m, _ := c.probe(t, "--target", "sex", "--task", "classes")
		return m
	}
	one, two := byImage(1), byImage(2)
	if two.N != 2*one.N || two.Persons != one.Persons {
		t.Errorf("%d rows of %d persons, and %d of %d", one.N, one.Persons, two.N, two.Persons)
	}
	for _, name := range []string{"accuracy", "roc_auc", "quadratic_kappa"} {
		a, b := one.Metrics[name], two.Metrics[name]
		if a.Value == nil {
			continue
		}
		if math.Abs(*a.Value-*b.Value) > 1e-9 || math.Abs(*a.Low-*b.Low) > 1e-9 || math.Abs(*a.High-*b.High) > 1e-9 {
			t.Errorf("%s: %v [%v, %v] and %v [%v, %v]", name, *a.Value, *a.Low, *a.High, *b.Value, *b.Low, *b.High)
		}
	}
}

// TestProbeAbsentClasses: a class that test lacks is undefined and left out of means (P2); one that training lacks has probability 0, and changes nothing of the others (P8); one class in test has no AUC, in JSON without NaN (P3).
func TestProbeAbsentClasses(t *testing.T) {
	inTest := func(i int) bool { return i%6 >= 4 }
	lacks := makeProbeCohort(t, 240, 1, func(row map[string]string, i int) {
		if inTest(i) && row["grade"] == "3" {
			row["grade"] = "NA"
		}
	})
	m, _ := lacks.probe(t, "--target", "grade", "--task", "ordinal")
	if m.Metrics["roc_auc.3"].Undefined == "" || m.Metrics["roc_auc.0"].Value == nil || m.Metrics["roc_auc_macro"].Value == nil || len(m.Names) != 4 {
		t.Errorf("a class that test lacks: %+v", m.Metrics)
	}
	extra := makeProbeCohort(t, 240, 1, func(row map[string]string, i int) {
		if row["grade"] == "3" {
			row["grade"] = "2"
		}
		if i == 10 { // in test
			row["grade"] = "5"
		}
	})
	plain := makeProbeCohort(t, 240, 1, func(row map[string]string, i int) {
		if row["grade"] == "3" {
			row["grade"] = "2"
		}
	})
	_, a := extra.probe(t, "--target", "grade", "--task", "classes")
	_, b := plain.probe(t, "--target", "grade", "--task", "classes")
	with, without := keyed(t, a, "private", "predictions.tsv"), keyed(t, b, "private", "predictions.tsv")
	for i := range with {
		if with[i]["prediction"] != without[i]["prediction"] || with[i]["score_1"] != without[i]["score_1"] || with[i]["score_5"] != "0" {
			t.Fatalf("a class of test alone changed a prediction: %v, %v", with[i], without[i])
		}
	}
	one := makeProbeCohort(t, 240, 1, func(row map[string]string, i int) {
		if inTest(i) {
			row["sex"] = "f"
		}
	})
	m, out := one.probe(t, "--target", "sex", "--task", "classes")
	if m.Metrics["roc_auc"].Undefined == "" || m.Metrics["matthews_corrcoef"].Undefined == "" || !strings.Contains(string(read(t, out, "report.html")), "undefined") {
		t.Errorf("one class in test: %+v", m.Metrics)
	}
}

// TestProbeLearnsNothingOfTest: labels of test that are drawn by lot leave every prediction as it was, and of 20 such cohorts nearly all have an interval that holds chance (P9).
func TestProbeLearnsNothingOfTest(t *testing.T) {
	var first []map[string]string
	chance := 0
	for seed := range 20 {
		luck := golden.Uniform(fmt.Sprint("labels of test ", seed), 120)
		c := makeProbeCohort(t, 120, 1, func(row map[string]string, i int) {
			if i%6 >= 4 {
				row["sex"] = []string{"f", "m"}[b2i(luck[i] > 0.5)]
			}
		})
		m, out := c.probe(t, "--target", "sex", "--task", "classes")
		rows := keyed(t, out, "private", "predictions.tsv")
		if first == nil {
			first = rows
		}
		for i := range rows {
			if rows[i]["score_m"] != first[i]["score_m"] {
				t.Fatal("labels of test changed a prediction")
			}
		}
		if v := m.Metrics["roc_auc"]; *v.Low <= 0.5 && *v.High >= 0.5 {
			chance++
		}
	}
	if chance < 17 {
		t.Errorf("%d of 20 intervals hold chance", chance)
	}
}

// TestProbeAgainst: the same features differ by nothing, noise differs, by paired intervals.
func TestProbeAgainst(t *testing.T) {
	c := makeProbeCohort(t, 240, 1, nil)
	blind := filepath.Join(t.TempDir(), "blind")
	mustDo(t, os.CopyFS(blind, os.DirFS(c.dir)))
	noise, rows := golden.Fill("probe blind", 240*12, -1, 1), [][]float32{}
	for i := range 240 {
		row := make([]float32, 12)
		for j := range row {
			row[j] = float32(noise[i*12+j])
		}
		rows = append(rows, row)
	}
	mustDo(t, writeNPY(filepath.Join(blind, "features.npy"), 12, rows))
	m, out := c.probe(t, "--target", "sex", "--task", "classes", "--against", c.dir+","+blind)
	if len(m.Against) != 2 || *m.Against[0].Difference["roc_auc"].High != 0 || *m.Against[1].Difference["roc_auc"].Low <= 0.1 {
		t.Errorf("%+v", m.Against)
	}
	if page := string(read(t, out, "report.html")); !strings.Contains(page, "Against other encoders") {
		t.Error("the page does not compare")
	}
}

// TestProbeProblems: bad input is one error with the right number, and leaves nothing behind.
func TestProbeProblems(t *testing.T) {
	c := makeProbeCohort(t, 60, 1, nil)
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "labels.tsv")
		mustDo(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for name, x := range map[string]struct {
		want string
		args []string
	}{
		"strangers":     {"E1013", []string{"--labels", file("person_id\tx\nA\t1\nB\t0\n"), "--target", "x"}},
		"one class":     {"E1012", []string{"--labels", file("person_id\tx\n0000\t1\n0004\t1\n"), "--target", "x", "--task", "classes"}},
		"no such":       {"E1011", []string{"--labels", c.labels, "--target", "grad"}},
		"train alone":   {"E1014", []string{"--labels", file("person_id\tx\n0000\t1\n0001\t0\n"), "--target", "x", "--split", "run"}},
		"one in train":  {"E1014", []string{"--labels", file("person_id\tx\n0000\t1\n0004\t0\n"), "--target", "x", "--split", "run"}},
		"fractions":     {"want numbers", []string{"--labels", c.labels, "--target", "x", "--fractions", "2"}},
		"both":          {"give --features, or", []string{"--labels", c.labels, "--target", "x", "--checkpoint", "y"}},
		"no features":   {"E1001", []string{"--labels", c.labels, "--target", "sex", "--features", t.TempDir()}},
		"random of dir": {"needs --images", []string{"--labels", c.labels, "--target", "sex", "--against", "random"}},
	} {
		out := filepath.Join(t.TempDir(), "out")
		code, _, errs := exec(t, append([]string{"probe", "--features", c.dir, "--out", out}, x.args...)...)
		if code == 0 || !strings.Contains(errs, x.want) {
			t.Errorf("%s: %d, %s; want %s", name, code, errs, x.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: the folder was made", name)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	args := []string{"probe", "--features", c.dir, "--labels", c.labels, "--target", "sex", "--out", out}
	must(t, args...)
	if code, _, errs := exec(t, args...); code != 1 || !strings.Contains(errs, "E130") { // P28
		t.Errorf("a second run: %d, %s", code, errs)
	}
	must(t, append(args, "--overwrite")...)
}

// TestProbeOfCheckpoint: an encoder embeds the images itself, as embed does, and is compared with a random one and with weights of another file.
func TestProbeOfCheckpoint(t *testing.T) {
	cohort, run, dir := tiny(t), filepath.Join(t.TempDir(), "run"), t.TempDir()
	must(t, small(cohort, run, "--max-steps", "2")...)
	emb, whole := filepath.Join(dir, "emb"), filepath.Join(dir, "whole.safetensors")
	must(t, "embed", "--run", run, "--images", cohort+"/images.tsv", "--out", emb)
	must(t, "export", "--run", run, "--out", whole)
	text := "person_id\tx\n"
	for i, row := range keyed(t, emb, "persons.tsv") {
		text += fmt.Sprintf("%s\t%d\n", row["person_id"], i%2)
	}
	labels := filepath.Join(dir, "labels.tsv")
	mustDo(t, os.WriteFile(labels, []byte(text), 0o600))
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	must(t, "probe", "--features", emb, "--labels", labels, "--target", "x", "--split", "random", "--out", a)
	must(t, "probe", "--checkpoint", run, "--images", cohort+"/images.tsv", "--labels", labels, "--target", "x", "--split", "random", "--against", "random,"+run+","+whole, "--out", b)
	if string(read(t, a, "private", "predictions.tsv")) != string(read(t, b, "private", "predictions.tsv")) {
		t.Error("features of the checkpoint are not those of embed")
	}
	m := metricsIn(t, b)
	if len(m.Against) != 3 || *m.Against[1].Difference["accuracy"].Value != 0 || *m.Against[2].Difference["log_loss"].Value != 0 || *m.Against[0].Difference["log_loss"].Value == 0 {
		t.Errorf("%+v", m.Against)
	}
}
