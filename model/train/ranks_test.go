package train

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/loader"
	"contig-gpu/gpu/world"
	"contig-gpu/gpu/world/worldtest"
	"contig-gpu/model/train/traintest"
)

// shared is a training in float64, with all that a step can have, over batches of 12 persons, of whom many lack something.
func shared(t testing.TB) Config {
	c := tiny(t)
	c.Precision, c.Threads, c.Workers = "f64", 1, 1
	c.Batch, c.Accumulate, c.EMA, c.Epochs, c.MaxSteps = 12, 2, 0.9, 0, 3
	return c
}

// of returns the options of a training by c on a cohort of files.
func of(c Config, co *data.Cohort, dir string) Options {
	return Options{Config: c, Cohort: co, Dir: dir, Version: "test", NewSource: func(f Feed) (data.Source, error) {
		o := loader.Options{Split: f.Split, Batch: c.Batch, Size: c.ImageSize, Seed: c.Seed, Shuffle: c.Shuffle && f.Train, Workers: c.Workers, Raw: f.Raw, Views: f.Views,
			Rank: f.Rank, Ranks: f.Ranks, OneImagePerGroup: true}
		if f.Train || f.Views > 1 {
			o.Augment = c.Augmentation
		}
		return loader.New(co, o)
	}}
}

// runRanks runs a training as n ranks. change may alter what one of them is given.
func runRanks(ctx context.Context, n int, o Options, change func(rank int, o *Options)) error {
	return worldtest.Together(n, func(w *world.World) error {
		own := o
		var err error
		if own.Device, err = OpenDevice(o.Config, nil); err != nil {
			return err
		}
		if err := own.Device.Join(w); err != nil {
			return err
		}
		if change != nil {
			change(w.Rank(), &own)
		}
		_, err = Run(ctx, own)
		return err
	})
}

// sameTensors compares the checkpoints of two runs: tensors whose names skip does not refuse, to a relative error.
func sameTensors(t *testing.T, name, dir, wantDir string, tol float64, skip func(string) bool) {
	t.Helper()
	got, err := readCheckpoint(CheckpointPath(dir, "last"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := readCheckpoint(CheckpointPath(wantDir, "last"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.File.Tensors) != len(want.File.Tensors) || got.state.Step != want.state.Step {
		t.Fatalf("%s: %d tensors of step %d, want %d of %d", name, len(got.File.Tensors), got.state.Step, len(want.File.Tensors), want.state.Step)
	}
	for i, x := range got.File.Tensors {
		y := want.File.Tensors[i]
		if x.Name != y.Name || skip != nil && skip(x.Name) {
			continue
		}
		a, b := x.Float64s(), y.Float64s()
		norm, off := 0.0, 0.0
		for k := range b {
			norm, off = math.Max(norm, math.Abs(b[k])), math.Max(off, math.Abs(a[k]-b[k]))
		}
		if !(off <= tol*math.Max(norm, 1e-3)) {
			t.Errorf("%s: %s is off by %.3g of %.3g", name, x.Name, off, norm)
		}
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func sameLosses(t *testing.T, name, dir, wantDir string, tol float64, kinds string) {
	t.Helper()
	got, want := lines(t, dir), lines(t, wantDir)
	if len(got) != len(want) {
		t.Fatalf("%s: %d lines of metrics, want %d", name, len(got), len(want))
	}
	for i, w := range want {
		if !strings.Contains(kinds, w["kind"].(string)) {
			continue
		}
		for _, key := range []string{"loss", "grad_norm"} {
			a, _ := got[i][key].(float64)
			b, _ := w[key].(float64)
			if !(math.Abs(a-b) <= tol*math.Abs(b)) {
				t.Errorf("%s: line %d: %s is %.17g, want %.17g", name, i, key, a, b)
			}
		}
		if fmt.Sprint(got[i]["retrieval"]) != fmt.Sprint(w["retrieval"]) {
			t.Errorf("%s: line %d: retrieval %v, want %v", name, i, got[i]["retrieval"], w["retrieval"])
		}
	}
}

// TestRanksTrainAsOne: ranks that share batches train what one rank trains that has all of them: to rounding, in parameters, the optimiser's
// state, averages and losses. With norms over shares that is one rank whose image encoder takes the batch in chunks of a share, but for the
// running averages, which chunks move once each.
func TestRanksTrainAsOne(t *testing.T) {
	co := traintest.Cohort(t, 30)
	steps, counts := 3, map[string][]int{normShare: {2}, normGlobal: {3}}
	if text := os.Getenv("CONTIG_RANK_STEPS"); text != "" { // make campaign
		steps, counts = number(t, text), map[string][]int{normShare: {2, 3, 4}, normGlobal: {2, 3, 4}}
	}
	for norm, ns := range counts {
		for _, n := range ns {
			t.Run(fmt.Sprint(n, " ranks, norms by ", norm), func(t *testing.T) {
				c, dir := shared(t), t.TempDir()
				c.MaxSteps = steps
				one := c
				if c.Norm = norm; norm == normShare {
					one.Chunk = c.Batch / n
				}
				alone, together := filepath.Join(dir, "alone"), filepath.Join(dir, "together")
				mustRun(t, of(one, co, alone))
				if err := runRanks(t.Context(), n, of(c, co, together), nil); err != nil {
					t.Fatal(err)
				}
				kinds, skip := "step validation test", func(string) bool { return false }
				if norm == normShare {
					kinds, skip = "step", func(name string) bool { return strings.Contains(name, "running_") }
				}
				sameTensors(t, "last", together, alone, 1e-11, skip)
				sameLosses(t, "metrics", together, alone, 1e-11, kinds)
			})
		}
	}
}
