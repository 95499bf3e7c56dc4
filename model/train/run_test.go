package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/model/train/traintest"
)

// tiny is a training of a few seconds: 3 epochs of 4 steps.
func tiny(t testing.TB) Config {
	c, err := Recipe("default")
	if err != nil {
		t.Fatal(err)
	}
	c.Device, c.Threads = "cpu", 2
	c.Model.Encoder, c.Model.Hidden, c.Model.Embedding = "resnet18", 16, 8
	c.Batch, c.ImageSize, c.Epochs, c.Keep = 8, 32, 3, 1
	return c
}

func options(c Config, dir string) Options { return optionsFor(c, dir, 48) }

func optionsFor(c Config, dir string, persons int) Options {
	cohort := testCohort(persons)
	return Options{Config: c, Cohort: cohort, Dir: dir, Version: "test", NewSource: func(f Feed) (data.Source, error) {
		return &memorySource{c: cohort, split: f.Split, train: f.Train, batch: c.Batch, size: c.ImageSize}, nil
	}}
}

func mustRun(t *testing.T, o Options) Summary {
	t.Helper()
	s, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// slow skips a test under -short: under the race detector, where training takes a hundred times as long, those train once and by ranks that are
// about it; what a training leaves is for the run without.
func slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: takes minutes under the race detector; go test without -short runs it")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// lines returns metrics.jsonl, decoded.
func wantCode(t *testing.T, err error, code int) *data.Problem {
	t.Helper()
	var p *data.Problem
	if !errors.As(err, &p) || p.Code != code {
		t.Fatalf("got %v, want E%d", err, code)
	}
	return p
}

func TestTrainingLearnsAndLeavesARunFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.Epochs, c.Keep = 2, 0
	s := mustRun(t, optionsFor(c, dir, 128))
	var steps []float64
	kinds := map[string]int{}
	for _, l := range traintest.Lines(t, dir) {
		kinds[l["kind"].(string)]++
		if l["kind"] == "step" {
			steps = append(steps, l["loss"].(float64))
		}
	}
	if kinds["step"] != 24 || kinds["validation"] != 2 || kinds["test"] != 1 {
		t.Errorf("lines by kind: %v", kinds)
	}
	first, last := mean(steps[:4]), mean(steps[20:])
	if !(last < 0.7*first) {
		t.Errorf("the loss went from %.3f to %.3f", first, last)
	}
	if s.Steps != 24 || s.Test == nil || s.Tested != "best" || s.BestStep == 0 || s.Test.Retrieval["all"].Candidates != 16 {
		t.Errorf("summary %+v", s)
	}
	checkContract(t, dir)
	checkNoIDs(t, dir)
}

func mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}

// checkContract looks for the words that other programs rely on.
func checkContract(t *testing.T, dir string) {
	t.Helper()
	want := map[string][]string{
		"step":       {"step", "epoch", "loss", "losses.scores.loss", "losses.genes.image_to_genetics", "losses.genes.genetics_to_image", "losses.genes.present", "lr", "grad_norm", "images_per_second"},
		"validation": {"step", "loss", "retrieval.all.image_to_genetics.r1", "retrieval.scores.genetics_to_image.r10", "retrieval.genes.image_to_genetics.median_rank", "retrieval.all.candidates", "retrieval.all.chance_r1"},
	}
	want["test"] = append(want["validation"], "checkpoint")
	for _, l := range traintest.Lines(t, dir) {
		for _, path := range want[l["kind"].(string)] {
			var at any = l
			for key := range strings.SplitSeq(path, ".") {
				m, _ := at.(map[string]any) // nil lacks everything
				v, ok := m[key]
				if at = v; !ok {
					t.Errorf("%v line %v lacks %s", l["kind"], l["step"], path)
					break
				}
			}
		}
	}
}

func checkNoIDs(t *testing.T, dir string) {
	t.Helper()
	filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.Contains(string(read(t, path)), "secret-") {
			t.Errorf("%s has ids of persons", path)
		}
		return err
	})
}

func TestRunFolderRules(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.MaxSteps = 1
	o := options(c, dir)
	o.Resume = true
	_, err := Run(context.Background(), o)
	wantCode(t, err, 704)
	o.Resume = false
	mustRun(t, o)
	_, err = Run(context.Background(), o)
	wantCode(t, err, 705)
	o.Resume = true
	before := read(t, CheckpointPath(dir, "last"))
	o.Cohort.Hash = "other"
	_, err = Run(context.Background(), o)
	wantCode(t, err, 702)
	o = options(c, dir)
	o.Resume, o.Config.Model.Hidden, o.Config.Optimizer.LR = true, 17, 5
	_, err = Run(context.Background(), o)
	if p := wantCode(t, err, 703); p.Found != "--hidden was 16, is 17\n--lr was 0.001, is 5" {
		t.Errorf("found %q", p.Found)
	}
	if string(before) != string(read(t, CheckpointPath(dir, "last"))) {
		t.Error("a refused run changed the checkpoint")
	}
	for _, name := range []string{"last", "best", "epoch-1"} {
		os.Truncate(CheckpointPath(dir, name), 5000)
	}
	o = options(c, dir)
	o.Resume = true
	_, err = Run(context.Background(), o)
	wantCode(t, err, 713)
	o.Resume, o.Overwrite = false, true
	mustRun(t, o)
}

func TestNotFinite(t *testing.T) {
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		dir := filepath.Join(t.TempDir(), "run")
		c := tiny(t)
		c.Keep = 0
		o := options(c, dir)
		open := o.NewSource
		o.NewSource = func(f Feed) (data.Source, error) {
			s, err := open(f)
			s.(*memorySource).corrupt = bad
			return s, err
		}
		_, err := Run(context.Background(), o)
		p := wantCode(t, err, 720)
		if !strings.Contains(p.What, "step 9") || !strings.Contains(p.Found, "trunk.bn1") || p.Fix == "" {
			t.Errorf("got %v", p)
		}
		s, err := readCheckpoint(CheckpointPath(dir, "last"))
		if err != nil || s.state.Step != 8 {
			t.Errorf("the last checkpoint is of step %d (%v), want 8", s.state.Step, err)
		}
	}
}

func TestNothingIsLeftWhereTheFirstStepFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := options(tiny(t), dir)
	o.NewSource = func(f Feed) (data.Source, error) {
		return &failing{memorySource{c: o.Cohort, split: f.Split, train: f.Train, batch: 8, size: 32}}, nil
	}
	_, err := Run(context.Background(), o)
	wantCode(t, err, 501)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Error("the run folder exists")
	}
}

type failing struct{ memorySource }

func (*failing) Next(*data.Batch) error { return &data.Problem{Code: 501} }

func TestTooFewPersons(t *testing.T) {
	c := tiny(t)
	c.Accumulate = 100
	_, err := Run(context.Background(), options(c, t.TempDir()))
	wantCode(t, err, 708)
}

func TestValidate(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"precision": func(c *Config) { c.Precision = "f8" }, "schedule": func(c *Config) { c.Schedule = "step" }, "best": func(c *Config) { c.Best = "accuracy" },
		"batch": func(c *Config) { c.Batch = 1 }, "ema": func(c *Config) { c.EMA = 1 }, "clip": func(c *Config) { c.Clip = math.NaN() },
		"optimiser": func(c *Config) { c.Optimizer.Name = "lion" }, "model": func(c *Config) { c.Model.Tau = 0 },
		"nothing to do": func(c *Config) { c.Epochs, c.MaxSteps = 0, 0 }, "accumulate": func(c *Config) { c.Accumulate = 0 },
	} {
		c := tiny(t)
		change(&c)
		if c.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, r := range []string{"default", "paper"} {
		if c, err := Recipe(r); err != nil || c.Validate() != nil {
			t.Errorf("recipe %s: %v, %v", r, err, c.Validate())
		}
	}
	if _, err := Recipe("soup"); err == nil {
		t.Error("recipe soup exists")
	}
}
