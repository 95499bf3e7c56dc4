package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/downstream"
	"contig-gpu/model/measure"
)

// A tuneCohort is images with labels by person and by image, and a data.toml with a target.
type tuneCohort struct{ images, labels, byImage, data string }

func makeTuneCohort(t *testing.T) tuneCohort {
	t.Helper()
	dir := tiny(t)
	own := t.TempDir()
	c := tuneCohort{filepath.Join(dir, "images.tsv"), filepath.Join(own, "labels.tsv"), filepath.Join(own, "image-labels.tsv"), filepath.Join(own, "data.toml")}
	persons, images := "person_id\tsplit\tgrade\tsex\tage\tbmi\tdrusen\tedema\n", "image\tsplit\tgrade\n"
	seen := map[string]int{}
	for _, row := range keyed(t, c.images) {
		id := row["person_id"]
		i, ok := seen[id]
		if !ok {
			i = len(seen)
			seen[id] = i
			split := []string{"train", "train", "validation", "test"}[i%4]
			age, edema := fmt.Sprint(50+i%17), fmt.Sprint(i/4%2)
			if i%8 == 5 {
				age, edema = "NA", "NA"
			}
			persons += fmt.Sprintf("%s\t%s\t%d\t%s\t%s\t%d\t%d\t%s\n", id, split, i/4%3, []string{"f", "m"}[i/4%2], age, 20+i%5, i/4%3/2, edema)
		}
		images += fmt.Sprintf("%s\t%s\t%d\n", row["image"], []string{"train", "train", "validation", "test"}[i%4], i/4%3)
	}
	mustDo(t, os.WriteFile(c.labels, []byte(persons), 0o600))
	mustDo(t, os.WriteFile(c.byImage, []byte(images), 0o600))
	mustDo(t, os.WriteFile(c.data, []byte("[target.grades]\nlabels = \"labels.tsv\"\ncolumn = \"grade\"\ntask = \"ordinal\"\n[target.sex]\nlabels = \"labels.tsv\"\ncolumn = \"sex\"\n"), 0o600))
	return c
}

// tuned returns the command of a short training into a run folder.
func (c tuneCohort) tuned(run string, args ...string) []string {
	return append([]string{"finetune", "--images", c.images, "--run", run, "--encoder", "resnet18", "--image-size", "32", "--batch", "8", "--epochs", "1", "--keep", "0", "--device", "cpu", "--threads", "2"}, args...)
}

// TestFinetuneTasks: of every task metrics.json keeps its contract, its values are those of model/measure by the predictions that are written, no file
// but the private ones names a person, and the test split alone is told of.
func TestFinetuneTasks(t *testing.T) {
	c := makeTuneCohort(t)
	for _, x := range []struct {
		task, target, labels, metric string
		names                        int
	}{{"classes", "sex", c.labels, "roc_auc", 2}, {"ordinal", "grade", c.byImage, "quadratic_kappa", 3}, {"labels", "drusen,edema", c.labels, "roc_auc_macro", 2}, {"traits", "age,bmi", c.labels, "r2_mean", 2}} {
		run := filepath.Join(t.TempDir(), "run")
		must(t, c.tuned(run, "--labels", x.labels, "--target", x.target, "--task", x.task)...)
		m := metricsIn(t, run)
		if m.Task != x.task || m.Target != x.target || m.Split != "test" || m.SplitBy != "labels" || len(m.Names) != x.names || m.N == 0 || m.Persons == 0 || m.Validation == nil {
			t.Errorf("%s: %+v", x.task, m)
		}
		if v, ok := m.Metrics[x.metric]; !ok || (v.Value == nil) == (v.Undefined == "") {
			t.Errorf("%s: %s is %+v", x.task, x.metric, v)
		}
		again := measuredAgain(t, run, m)
		if len(again) < 8 {
			t.Fatalf("%s: %d metrics", x.task, len(again))
		}
		for _, r := range again {
			v := m.Metrics[r.Name]
			switch {
			case r.Undefined != "" && v.Undefined == "", r.Undefined == "" && v.Value == nil:
				t.Errorf("%s: %s is %+v, by the predictions %+v", x.task, r.Name, v, r)
			case r.Undefined == "" && r.Name != "mse_sum" && !(math.Abs(*v.Value-r.Value) <= 1e-12*max(1, math.Abs(r.Value)) && math.Abs(*v.Low-r.Low) <= 1e-12*max(1, math.Abs(r.Low))):
				t.Errorf("%s: %s is %v from %v, by the predictions %v from %v", x.task, r.Name, *v.Value, *v.Low, r.Value, r.Low)
			}
		}
		namesNobody(t, run)
	}
}

// namesNobody checks that what may be passed on has no id, and that what has is its owner's alone.
func namesNobody(t *testing.T, run string) {
	t.Helper()
	for _, name := range []string{"report.html", "metrics.json", "metrics.jsonl", "config.toml"} {
		if text := string(read(t, run, name)); strings.Contains(text, "S0000") {
			t.Errorf("%s names a person", name)
		}
	}
	for path, mode := range map[string]os.FileMode{"private": 0o700, "private/predictions.tsv": 0o600, "private/split.tsv": 0o600} {
		if st, err := os.Stat(filepath.Join(run, path)); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v", path, err)
		}
	}
	if page := string(read(t, run, "report.html")); !strings.Contains(page, "<svg") && !strings.Contains(page, "Confusion") || strings.Contains(page, "NaN") {
		t.Error("the page has no figure")
	}
}

// measuredAgain computes all metrics of the test rows of predictions.tsv.
func measuredAgain(t *testing.T, run string, m probeMetrics) []measure.Result {
	t.Helper()
	task, pred := &downstream.Task{Kind: downstream.Kind(m.Task), Names: m.Names}, &downstream.Predictions{Scale: []float64{1, 1, 1}}
	number := func(text string) float64 {
		v, err := strconv.ParseFloat(strings.ReplaceAll(text, "NA", "NaN"), 64)
		mustDo(t, err)
		return v
	}
	index := map[string]int{}
	for i, n := range m.Names {
		index[n] = i
	}
	for _, row := range keyed(t, run, "private", "predictions.tsv") {
		if row["split"] != "test" {
			continue
		}
		task.Person, task.Class = append(task.Person, row["person_id"]), append(task.Class, index[row["truth"]])
		if m.Task == "ordinal" {
			pred.Grade = append(pred.Grade, index[row["prediction"]])
		}
		for _, n := range m.Names {
			pred.Score = append(pred.Score, number(row["score_"+n]))
			if m.Task == "labels" || m.Task == "traits" {
				v := number(row["truth_"+n])
				task.Trait, task.Known, task.Has = append(task.Trait, v), append(task.Known, !math.IsNaN(v)), append(task.Has, v == 1)
			}
		}
	}
	return measure.Intervals(downstream.Metrics(task, pred), measure.UnitsOf(task.Person), len(task.Person))
}

// TestFinetuneGoesOn: a run that is resumed with no other flag than its folder ends in the same bytes, tells the same, and fits of fractions and other encoders go on
// with it; a run folder in use, other labels and other settings are one error each.
func TestFinetuneGoesOn(t *testing.T) {
	turn.Share(t)
	c := makeTuneCohort(t)
	run, half := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "half")
	args := func(dir string, more ...string) []string {
		return c.tuned(dir, append([]string{"--labels", c.labels, "--target", "grade", "--task", "ordinal", "--schedule", "constant", "--warmup", "0", "--fractions", "0.5,1", "--against", "random", "--freeze-epochs", "1", "--epochs", "2"}, more...)...)
	}
	must(t, args(run)...)
	must(t, args(half, "--epochs", "1")...)
	must(t, "finetune", "--run", half, "--resume", "--epochs", "2")
	for _, path := range []string{"checkpoints/last.safetensors", "fits/fraction-0.5/checkpoints/last.safetensors", "fits/against-1/checkpoints/last.safetensors", "private/predictions.tsv"} {
		if string(read(t, run, path)) != string(read(t, half, path)) {
			t.Errorf("%s differs after resuming", path)
		}
	}
	m := metricsIn(t, run)
	if len(m.Fractions) != 2 || len(m.Against) != 1 || m.Fractions[0].Trained >= m.Fractions[1].Trained {
		t.Errorf("%+v", m)
	}
	if v := m.Against[0].Difference["accuracy"]; v.Value == nil || *v.Value != 0 || *v.High != 0 {
		t.Errorf("a random encoder against itself: %+v", v)
	}
	if code, _, errs := exec(t, args(run)...); code != 1 || !strings.Contains(errs, "E705") {
		t.Errorf("a run folder in use: %d, %s", code, errs)
	}
	if code, _, errs := exec(t, "finetune", "--run", half, "--resume", "--lr", "0.5"); code != 1 || !strings.Contains(errs, "E703") {
		t.Errorf("another rate: %d, %s", code, errs)
	}
	text := string(read(t, c.labels))
	mustDo(t, os.WriteFile(c.labels, []byte(strings.Replace(text, "\ttrain\t0\t", "\ttrain\t2\t", 1)), 0o600))
	if code, _, errs := exec(t, "finetune", "--run", half, "--resume"); code != 1 || !strings.Contains(errs, "E702") {
		t.Errorf("other labels: %d, %s", code, errs)
	}
	must(t, args(run, "--overwrite", "--fractions", "1", "--against", "")...)
}

// TestFinetuneFromARun: the encoder is that of the run, with its size of images, by a target of data.toml; frozen it stays as it is; the fine-tuned network is embedded, probed and
// exported as any other.
func TestFinetuneFromARun(t *testing.T) {
	c, from := makeTuneCohort(t), filepath.Join(t.TempDir(), "from")
	must(t, small(filepath.Dir(c.images), from, "--max-steps", "1")...)
	run, out := filepath.Join(t.TempDir(), "run"), t.TempDir()
	must(t, "finetune", "--checkpoint", from, "--images", c.images, "--data", c.data, "--target", "grades", "--run", run, "--batch", "8", "--epochs", "1", "--keep", "0", "--freeze", "--device", "cpu", "--threads", "2")
	m := metricsIn(t, run)
	if m.Target != "grades" || m.Task != "ordinal" || !strings.Contains(m.Method, "stays") {
		t.Errorf("%+v", m)
	}
	export := func(run, name string) string {
		path := filepath.Join(out, name)
		must(t, "export", "--run", run, "--out", path)
		raw := read(t, path)
		return string(raw[len(raw)-1<<20:]) // of the tensors
	}
	if export(from, "a.safetensors") != export(run, "b.safetensors") {
		t.Error("the frozen encoder is not that of the run")
	}
	page := string(read(t, run, "report.html"))
	if code, _, errs := exec(t, "report", run); code != 2 || !strings.Contains(errs, "--resume writes it anew") || string(read(t, run, "report.html")) != page {
		t.Errorf("report of a fine-tuning: %d, %s", code, errs)
	}
	must(t, "embed", "--run", run, "--images", c.images, "--out", filepath.Join(out, "emb"))
	if rows := keyed(t, out, "emb", "persons.tsv"); rows[0]["split"] != "train" || rows[3]["split"] != "test" {
		t.Errorf("splits of the fine-tuning are not kept: %v", rows[:4])
	}
	must(t, "eval", "--run", run, "--images", c.images, "--data", c.data, "--out", filepath.Join(out, "eval"))
	if code, _, errs := exec(t, c.tuned(filepath.Join(t.TempDir(), "x"), "--checkpoint", from, "--labels", c.labels, "--target", "sex", "--encoder", "resnet50")...); code != 1 || !strings.Contains(errs, "E706") {
		t.Errorf("another encoder: %d, %s", code, errs)
	}
}

// TestFinetuneProblems: bad input is one error with the right number, or an honest NA, and leaves nothing behind.
func TestFinetuneProblems(t *testing.T) {
	c := makeTuneCohort(t)
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "labels.tsv")
		mustDo(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	var ids []string
	for _, row := range keyed(t, c.labels) {
		ids = append(ids, row["person_id"])
	}
	column := func(of func(i int) string) string {
		text := "person_id\tsplit\tx\ty\n"
		for i, id := range ids {
			text += fmt.Sprintf("%s\t%s\t%s\t%s\n", id, []string{"train", "train", "validation", "test"}[i%4], of(i), "NA")
		}
		return file(text)
	}
	for name, x := range map[string]struct {
		want string
		args []string
	}{
		"strangers":      {"E1013", []string{"--labels", file("person_id\tx\nA\t1\nB\t0\n"), "--target", "x"}},
		"one class":      {"E1012", []string{"--labels", column(func(int) string { return "1" }), "--target", "x", "--task", "classes"}},
		"all unknown":    {"E1012", []string{"--labels", c.labels, "--labels", column(func(int) string { return "NA" }), "--target", "x", "--task", "ordinal"}},
		"labels unknown": {"E1014", []string{"--labels", column(func(int) string { return "NA" }), "--target", "x,y", "--task", "labels"}},
		"one in train":   {"E1014", []string{"--labels", column(func(i int) string { return fmt.Sprint(b2i(i%4 == 3)) }), "--target", "x", "--split", "labels"}},
		"no such column": {"E1011", []string{"--labels", c.labels, "--target", "grad"}},
		"no such target": {"is grades meant", []string{"--data", c.data, "--target", "grade"}},
		"no labels":      {"--labels is required", []string{"--target", "grade"}},
		"no target":      {"--target is required", []string{"--labels", c.labels}},
		"both":           {"give one of them", []string{"--labels", c.labels, "--target", "sex", "--freeze", "--freeze-epochs", "2"}},
		"best":           {"did you mean roc_auc", []string{"--labels", c.labels, "--target", "sex", "--best", "roc_acu"}},
		"fractions":      {"finetune: --fractions: want numbers", []string{"--labels", c.labels, "--target", "sex", "--fractions", "2"}},
		"no checkpoint":  {"no such file", []string{"--labels", c.labels, "--target", "sex", "--checkpoint", filepath.Join(t.TempDir(), "x.safetensors")}},
	} {
		run := filepath.Join(t.TempDir(), "run")
		code, _, errs := exec(t, c.tuned(run, x.args...)...)
		if code == 0 || !strings.Contains(errs, x.want) || strings.Count(errs, "contig-gpu: ") != 1 {
			t.Errorf("%s: %d, %s; want %s", name, code, errs, x.want)
		}
		if _, err := os.Stat(run); err == nil {
			t.Errorf("%s: the folder was made", name)
		}
	}
	run := filepath.Join(t.TempDir(), "run")
	must(t, c.tuned(run, "--labels", column(func(i int) string { return fmt.Sprint(i / 4 % 2 * b2i(i%4 != 3)) }), "--target", "x", "--task", "classes")...)
	if m := metricsIn(t, run); m.Metrics["roc_auc"].Undefined == "" || m.Metrics["accuracy"].Value == nil {
		t.Errorf("one class in test: %+v", m.Metrics)
	}
}

// TestEval: retrieval and loss are the training's own of the same split, every target is probed as probe does it, and no file but the private ones names anybody.
func TestEval(t *testing.T) {
	c, run, out := makeTuneCohort(t), filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "eval")
	dir := filepath.Dir(c.images)
	must(t, small(dir, run, "--max-steps", "2")...)
	both := string(read(t, dir, "data.toml")) + strings.ReplaceAll(string(read(t, c.data)), "labels.tsv", c.labels)
	mustDo(t, os.WriteFile(filepath.Join(dir, "data.toml"), []byte(both), 0o600))
	must(t, "eval", "--run", run, "--images", c.images, "--data", filepath.Join(dir, "data.toml"), "--out", out, "--device", "cpu")
	var m evalMetrics
	mustDo(t, json.Unmarshal(read(t, out, "metrics.json"), &m))
	lines := strings.Split(strings.TrimSpace(string(read(t, run, "metrics.jsonl"))), "\n")
	var test evalMetrics
	mustDo(t, json.Unmarshal([]byte(lines[len(lines)-1]), &test))
	if test.Loss == nil || m.Loss == nil || math.Abs(*m.Loss-*test.Loss) > 1e-6*math.Abs(*test.Loss) || fmt.Sprint(m.Retrieval) != fmt.Sprint(test.Retrieval) || len(m.Retrieval) < 2 || m.N == 0 {
		t.Errorf("loss %v and retrieval %v, in training %v and %v", m.Loss, m.Retrieval, test.Loss, test.Retrieval)
	}
	if len(m.Targets) != 2 || m.Targets["grades"].Task != "ordinal" || m.Targets["sex"].Task != "classes" {
		t.Fatalf("targets %+v", m.Targets)
	}
	probed := filepath.Join(t.TempDir(), "probe")
	must(t, "probe", "--checkpoint", run, "--images", c.images, "--data", filepath.Join(dir, "data.toml"), "--target", "grades", "--out", probed, "--device", "cpu")
	if p := metricsIn(t, probed); fmt.Sprint(valuesText(p.Metrics)) != fmt.Sprint(valuesText(m.Targets["grades"].Metrics)) {
		t.Errorf("probed %v, in eval %v", valuesText(p.Metrics), valuesText(m.Targets["grades"].Metrics))
	}
	for _, name := range []string{"metrics.json", "report.html", "target-grades.html", "target-sex.html"} {
		if strings.Contains(string(read(t, out, name)), "S0000") {
			t.Errorf("%s names a person", name)
		}
	}
	if len(keyed(t, out, "private", "target-sex.tsv")) == 0 || !strings.Contains(string(read(t, out, "report.html")), `href="target-grades.html"`) {
		t.Error("predictions or a link are missing")
	}
	for want, args := range map[string][]string{"want train, validation or test": {"--split", "held"}, "E1011": {"--data", c.data, "--target", "none"}, "needs --data": {"--target", "sex"}} {
		if code, _, errs := exec(t, append([]string{"eval", "--run", run, "--images", c.images, "--out", filepath.Join(t.TempDir(), "o")}, args...)...); code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%v: %d, %s", args, code, errs)
		}
	}
}

// valuesText has the values that pointers point to.
func valuesText(m map[string]probeValue) map[string]string {
	out := map[string]string{}
	for name, v := range m {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		out[name] = string(text)
	}
	return out
}
