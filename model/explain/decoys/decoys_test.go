package decoys

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/loader"
	"contig-gpu/gpu"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/explain"
	"contig-gpu/model/explain/claims"
	"contig-gpu/model/explain/explaintest"
	"contig-gpu/model/nn"
	"contig-gpu/model/train"
	"contig-gpu/model/train/traintest"
)

// TestDecoysArePermutations: in every stratum and split each decoy column is a permutation of its column, by one permutation
// for all columns; nobody is the own donor where there are two; who lacks a modality lacks its decoys; the same seed gives the
// same bytes, and another does not.
func TestDecoysArePermutations(t *testing.T) {
	c := traintest.Cohort(t, 90)
	stratum := func(p int) int { return p / 3 % 4 }
	twin, again, other := Cohort(c, 8, stratum), Cohort(c, 8, stratum), Cohort(c, 9, stratum)
	differ := false
	for k, table := range twin.Tables {
		f, original := c.Tables[k].Stats().Width(), c.Tables[k]
		if table.Stats().Width() != 2*f || table.Name() != original.Name() {
			t.Fatalf("%s is %d wide, want %d", table.Name(), table.Stats().Width(), 2*f)
		}
		type key struct {
			split   data.Split
			stratum int
		}
		own, decoy := map[key][]string{}, map[key][]string{}
		for p, person := range c.Persons {
			at := key{person.Split, stratum(p)}
			if table.Has(p) != original.Has(p) {
				t.Fatalf("%s: person %d has it: %t", table.Name(), p, table.Has(p))
			}
			row, want, same, another := make([]float32, 2*f), make([]float32, f), make([]float32, 2*f), make([]float32, 2*f)
			has := table.Row(p, row)
			original.Row(p, want)
			again.Tables[k].Row(p, same)
			other.Tables[k].Row(p, another)
			if !slices.Equal(row[:f], want) || !slices.Equal(row, same) {
				t.Errorf("%s: person %d: other values", table.Name(), p)
			}
			differ = differ || !slices.Equal(row, another)
			if !has {
				continue
			}
			own[at], decoy[at] = append(own[at], text(row[:f])), append(decoy[at], text(row[f:]))
			if d := twin.Tables[k].(paired).donor[p]; d == p && len(having(original, inStratum(c, p, stratum))) > 1 {
				t.Errorf("%s: person %d is the own donor", table.Name(), p)
			}
		}
		for at, rows := range own {
			slices.Sort(rows)
			slices.Sort(decoy[at])
			if !slices.Equal(rows, decoy[at]) {
				t.Errorf("%s: decoys of %v are no permutation of rows", table.Name(), at)
			}
		}
	}
	if !differ {
		t.Error("another seed gives the same decoys")
	}
}

func text(row []float32) string {
	b := make([]byte, 0, 8*len(row))
	for _, v := range row {
		b = append(b, byte(int(v*16)), byte(int(v*4096)))
	}
	return string(b)
}

func inStratum(c *data.Cohort, of int, stratum func(int) int) []int {
	var out []int
	for p, person := range c.Persons {
		if person.Split == c.Persons[of].Split && stratum(p) == stratum(of) {
			out = append(out, p)
		}
	}
	return out
}

// optionsOf trains the least there is.
func optionsOf(t *testing.T) Options {
	t.Helper()
	c := traintest.Cohort(t, 60)
	c.Tables = slices.DeleteFunc(c.Tables, func(x data.Table) bool { return len(having(x, explaintest.Span(0, len(c.Persons)))) < 40 })
	cfg, err := train.Recipe("default")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Device, cfg.Threads = "cpu", 2
	cfg.Model.Encoder, cfg.Model.Hidden, cfg.Model.Embedding = "resnet18", 16, 8
	cfg.Batch, cfg.ImageSize, cfg.Epochs = 8, 32, 1
	dev, err := gpu.Open("cpu", gpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	o := Options{Config: cfg, Cohort: c, Device: dev, Runs: 2, Q: 0.1, Seed: 4, Settings: explain.Defaults(), Temp: t.TempDir(),
		Sources: func(c *data.Cohort, cfg train.Config) train.NewSource {
			return func(f train.Feed) (data.Source, error) {
				return loader.New(c, loader.Options{Split: f.Split, Batch: cfg.Batch, Size: cfg.ImageSize, Shuffle: f.Train, Raw: f.Raw, Seed: cfg.Seed})
			}
		},
		Whole: func(c *data.Cohort, cfg train.Config) (data.Source, error) {
			return loader.New(c, loader.Options{Whole: true, Batch: cfg.Batch, Size: cfg.ImageSize})
		}}
	for p, person := range c.Persons {
		switch person.Split {
		case data.Test:
			o.Persons = append(o.Persons, p)
		case data.Train:
			o.Reference = append(o.Reference, p)
		}
	}
	for _, x := range c.Tables {
		o.Units = append(o.Units, claims.Single(x.Stats().Names))
	}
	return o
}

// TestRun trains two runs, explains them, and leaves nothing behind; the same options give the same statistics. Columns and decoys
// begin with equal weights.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: takes minutes under the race detector; go test without -short runs it")
	}
	o := optionsOf(t)
	steps := map[int]bool{}
	o.Progress = func(run int, e train.Event) { steps[run] = true }
	all, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		units := len(o.Units[i])
		if len(m.W) != 2 || len(m.W[0]) != units || len(m.Q) != units || len(m.Decoy) != units || m.Decoy[0] <= 0 || m.Note == "" && len(m.Claimed) == 0 {
			t.Errorf("%s: %+v", o.Cohort.Tables[i].Name(), m)
		}
		if !slices.Equal(m.W[0], again[i].W[0]) || slices.Equal(m.W[0], m.W[1]) {
			t.Error("the same seed gives other statistics, or two runs the same")
		}
	}
	if len(steps) != 2 {
		t.Errorf("progress of %d runs", len(steps))
	}
	if left, _ := os.ReadDir(o.Temp); len(left) != 0 {
		t.Errorf("%v is left behind", left)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	o.Progress = func(int, train.Event) { cancel(stop) }
	if _, err := Run(ctx, o); !errors.Is(err, stop) {
		t.Errorf("error %v, want that of the context", err)
	}
	if left, _ := os.ReadDir(o.Temp); len(left) != 0 {
		t.Errorf("%v is left behind by an interrupted run", left)
	}
}

// TestBeginsEqual: in a checkpoint trained at rate 0 every column has the weights of its decoy; without begin it has not.
func TestBeginsEqual(t *testing.T) {
	o := optionsOf(t)
	o.Config.MaxSteps, o.Config.Optimizer.LR = 1, 0
	for _, hook := range []bool{true, false} {
		c := Cohort(o.Cohort, 1, nil)
		run := train.Options{Config: o.Config, Cohort: c, NewSource: o.Sources(c, o.Config), Dir: filepath.Join(t.TempDir(), "run")}
		if hook {
			run.Begin = begin
		}
		if _, err := train.Run(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		l, err := checkpoint.Load(train.CheckpointPath(run.Dir, "last"), o.Device)
		if err != nil {
			t.Fatal(err)
		}
		if equal := equalPairs(l); equal != hook {
			t.Errorf("with the hook %t columns and decoys have equal weights: %t", hook, equal)
		}
		l.Close()
	}
}

func equalPairs(l *checkpoint.Loaded) bool {
	for i := range l.Objective.Tables() {
		_, tower := l.Objective.(interface {
			Towers(int) (nn.Sequential, nn.Sequential)
		}).Towers(i)
		first := tower[0].(*nn.Linear)
		w := make([]float32, first.Weight.Size())
		gpu.Read(w, first.Weight.Value)
		f := first.Weight.Dims[1] / 2
		for lo := 0; lo < len(w); lo += 2 * f {
			if !slices.Equal(w[lo:lo+f], w[lo+f:lo+2*f]) {
				return false
			}
		}
	}
	return true
}
