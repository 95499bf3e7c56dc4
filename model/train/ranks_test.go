package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"contig-gpu/data"
	"contig-gpu/data/loader"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/gpu/world"
	"contig-gpu/gpu/world/worldtest"
	"contig-gpu/model/build"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
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
	return runRanksIn(func(int) context.Context { return ctx }, n, o, change)
}

// runRanksIn is runRanks where each rank may be stopped by itself.
func runRanksIn(ctx func(rank int) context.Context, n int, o Options, change func(rank int, o *Options)) error {
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
		_, err = Run(ctx(w.Rank()), own)
		return err
	})
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRanksTrainAsOne: ranks that share batches train what one rank trains that has all of them: to rounding, in parameters, the optimiser's
// state, averages and losses. With norms over shares that is one rank whose image encoder takes the batch in chunks of a share, but for the
// running averages, which chunks move once each.
func TestRanksTrainAsOne(t *testing.T) {
	slow(t)
	persons := 30 // of which 3 steps see an epoch end
	// At a rate so low that no step multiplies the rounding of those before: at 1e-3 this toy's losses part by a hundredfold with each.
	const rate = 1e-6
	steps, counts := 3, map[string][]int{normShare: {2}, normGlobal: {3}}
	if text := os.Getenv("CONTIG_RANK_STEPS"); text != "" { // make campaign
		persons, steps = 120, number(t, text) // an epoch ends with a checkpoint of 350 MB
		counts = map[string][]int{normShare: {2, 3, 4}, normGlobal: {2, 3, 4}}
	}
	co := traintest.Cohort(t, persons)
	for norm, ns := range counts {
		for _, n := range ns {
			t.Run(fmt.Sprint(n, " ranks, norms by ", norm), func(t *testing.T) {
				c, dir := shared(t), t.TempDir()
				c.MaxSteps, c.Optimizer.LR, c.Warmup = steps, rate, 0
				c.ImageSize = 33 // the last norms have 2 x 2 pixels an image: of a share of 3 images with one pixel each they multiply rounding a thousandfold
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
				traintest.SameTensors(t, together, alone, 1e-12, skip)
				traintest.SameLosses(t, together, alone, 1e-12, kinds)
			})
		}
	}
}

// TestRanksGoOn: a run of ranks goes on as any number of them, and as one; as many write the same bytes as without a stop, whatever is slow on the
// way.
func TestRanksGoOn(t *testing.T) {
	slow(t)
	co, dir := traintest.Cohort(t, 30), t.TempDir()
	c := shared(t)
	c.Precision, c.EMA, c.MaxSteps = "f32", 0.5, 4
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	if err := runRanks(t.Context(), 2, of(c, co, whole), nil); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	err := runRanksIn(func(rank int) context.Context {
		if rank == 1 {
			return ctx // it alone is asked to stop
		}
		return t.Context()
	}, 2, of(c, co, parts), func(rank int, o *Options) {
		o.NewSource = slowed(o.NewSource, rank)
		o.Progress = func(e Event) {
			if rank == 1 && e.Kind == Stepped && e.Step == 2 {
				stop()
			}
		}
	})
	if !errors.Is(err, ErrInterrupted) || world.Gone(err) {
		t.Fatalf("stopped: %v", err)
	}
	stopped := stateOf(t, parts)
	if stopped.Step < 2 || stopped.Step >= c.MaxSteps || stopped.Ranks != 2 {
		t.Errorf("stopped at %+v", stopped)
	}
	copied := map[int]string{}
	for _, n := range []int{1, 3} {
		copied[n] = filepath.Join(dir, fmt.Sprint("by", n))
		if err := os.CopyFS(copied[n], os.DirFS(parts)); err != nil {
			t.Fatal(err)
		}
	}
	resume := func(n int, dir string) {
		o := of(c, co, dir)
		o.Resume = true
		said := ""
		if err := runRanks(t.Context(), n, o, func(rank int, o *Options) {
			if rank == 0 {
				o.Progress = func(e Event) { said += e.Text }
			}
		}); err != nil {
			t.Fatalf("%d ranks: %v", n, err)
		}
		if has := strings.Contains(said, fmt.Sprintf("ranks 2 -> %d", n)); has == (n == 2) {
			t.Errorf("%d ranks go on: %q", n, said)
		}
	}
	resume(2, parts)
	if !slices.Equal(read(t, CheckpointPath(parts, "last")), read(t, CheckpointPath(whole, "last"))) {
		t.Error("a run that was stopped ends in other bytes")
	}
	for n, dir := range copied {
		resume(n, dir)
		if s := stateOf(t, dir); s.Step != c.MaxSteps || s.Ranks != n*(n-1)/2 { // 0 of one, 3 of three
			t.Errorf("%d ranks went on to %+v", n, s)
		}
	}
}

func stateOf(t *testing.T, dir string) state {
	t.Helper()
	s, err := readCheckpoint(CheckpointPath(dir, "last"))
	if err != nil {
		t.Fatal(err)
	}
	return s.state
}

// slowed is a source whose batches are late, now on one rank and now on another.
func slowed(open NewSource, rank int) NewSource {
	return func(f Feed) (data.Source, error) {
		s, err := open(f)
		return &slowSource{s, rank, 0}, err
	}
}

type slowSource struct {
	data.Source
	rank, n int
}

func (s *slowSource) Next(b *data.Batch) error {
	if s.n++; s.n%2 == s.rank%2 {
		time.Sleep(20 * time.Millisecond)
	}
	return s.Source.Next(b)
}

// spoilt is a source that gives one value that is not finite, in a batch of training.
type spoilt struct {
	data.Source
	at, n int
}

func (s *spoilt) Next(b *data.Batch) error {
	err := s.Source.Next(b)
	if s.n++; err == nil && s.n == s.at {
		b.Image[5] = float32(math.NaN())
	}
	return err
}

// TestRanksFindWhoIsNotFinite: a pixel that is no number, on one rank, is the same E720 on all, which names that rank; the last checkpoint stays.
func TestRanksFindWhoIsNotFinite(t *testing.T) {
	co := traintest.Cohort(t, 30)
	for _, culprit := range []int{0, 2} {
		dir := filepath.Join(t.TempDir(), "run")
		c := shared(t)
		c.Precision, c.Accumulate, c.CheckpointEvery = "f32", 1, 1
		err := runRanks(t.Context(), 3, of(c, co, dir), func(rank int, o *Options) {
			if open := o.NewSource; rank == culprit {
				o.NewSource = func(f Feed) (data.Source, error) {
					s, err := open(f)
					if f.Train {
						s = &spoilt{Source: s, at: 2}
					}
					return s, err
				}
			}
		})
		p := wantCode(t, err, 720)
		if !strings.Contains(p.Error(), fmt.Sprintf(", on rank %d", culprit)) || strings.Count(err.Error(), "the loss of step 2 is not finite") != 3 {
			t.Errorf("rank %d: %v", culprit, err)
		}
		if s := stateOf(t, dir); s.Step != 1 {
			t.Errorf("the last checkpoint is of step %d", s.Step)
		}
	}
}

// broken is a source that cannot give its last batch.
type broken struct {
	data.Source
	given int
}

func (s *broken) Next(b *data.Batch) error {
	if s.given++; s.given == s.Batches() {
		return &data.Problem{Code: 501, What: "the image is damaged"}
	}
	return s.Source.Next(b)
}

// TestRanksEndInAnEvaluation: what one rank fails at in a validation, in the test, or in what is embedded for the map is its own error, before anything
// else that all do together; the run goes on.
func TestRanksEndInAnEvaluation(t *testing.T) {
	turn.Share(t)
	slow(t)
	co := traintest.Cohort(t, 60)
	for _, split := range []data.Split{data.Validation, data.Test, data.Train} {
		dir, c := filepath.Join(t.TempDir(), "run"), shared(t)
		c.Precision, c.Accumulate, c.MaxSteps, c.Batch = "f32", 1, 2, 4
		o := of(c, co, dir)
		err := runRanks(t.Context(), 2, o, func(rank int, o *Options) {
			if open := o.NewSource; rank == 1 {
				o.NewSource = func(f Feed) (data.Source, error) {
					s, err := open(f)
					if !f.Train && f.Split == split {
						s = &broken{Source: s}
					}
					return s, err
				}
			}
		})
		if wantCode(t, err, 501); strings.Contains(err.Error(), "comes to a") || strings.Contains(err.Error(), "is saved") {
			t.Errorf("%v: %v", split, err)
		}
		o.Resume = true
		if err := runRanks(t.Context(), 2, o, nil); split != data.Validation && err != nil {
			t.Errorf("%v: not resumed: %v", split, err)
		}
	}
}

// TestRanksThatDifferAreNotSaved: one bit of one rank's parameters is enough for E736, and the checkpoint before stays.
func TestRanksThatDifferAreNotSaved(t *testing.T) {
	slow(t)
	co, dir := traintest.Cohort(t, 30), filepath.Join(t.TempDir(), "run")
	c := shared(t)
	c.Precision, c.Accumulate, c.CheckpointEvery = "f32", 1, 1
	err := runRanks(t.Context(), 2, of(c, co, dir), func(rank int, o *Options) {
		var weights *nn.Weights
		o.Begin = func(obj objective.Objective) { weights = obj.Weights() }
		o.Progress = func(e Event) {
			if rank == 1 && e.Kind == Stepped && e.Step == 2 {
				values, _, _ := weights.Flat()
				one := values.Slice(7, 8)
				v := []float32{0}
				gpu.Read(v, one)
				gpu.Write(one, []float32{math.Float32frombits(math.Float32bits(v[0]) ^ 1)})
			}
		}
	})
	p := wantCode(t, err, data.CodeRanksDiffer)
	if !strings.Contains(p.Error(), "others on rank 1") {
		t.Error(err)
	}
	if s := stateOf(t, dir); s.Step != 1 {
		t.Errorf("the last checkpoint is of step %d", s.Step)
	}
}

// TestRanksLearnFromImagesAlone: SimCLR's views are compared over all ranks too.
func TestRanksLearnFromImagesAlone(t *testing.T) {
	turn.Share(t)
	slow(t)
	co, dir := traintest.Cohort(t, 30), t.TempDir()
	c := shared(t)
	c.Objective, c.MaxSteps, c.Accumulate, c.Norm = build.SimCLR, 2, 1, normGlobal
	alone, together := filepath.Join(dir, "alone"), filepath.Join(dir, "together")
	images := *co
	images.Tables = nil
	mustRun(t, of(c, &images, alone))
	if err := runRanks(t.Context(), 3, of(c, &images, together), nil); err != nil {
		t.Fatal(err)
	}
	traintest.SameTensors(t, together, alone, 1e-10, nil)
	traintest.SameLosses(t, together, alone, 1e-12, "step validation test")
}

// TestRanksMoveRunningAveragesAlike: with norms over shares the image encoder's running averages follow the mean of the shares' statistics, on all
// ranks alike. Of the first norm, whose input no norm precedes, that mean is the one of the whole batch.
func TestRanksMoveRunningAveragesAlike(t *testing.T) {
	slow(t)
	co, dir := traintest.Cohort(t, 30), t.TempDir()
	c := shared(t)
	c.MaxSteps, c.Accumulate = 1, 1
	alone, together := filepath.Join(dir, "alone"), filepath.Join(dir, "together")
	mustRun(t, of(c, co, alone))
	digests := make([]uint64, 3)
	if err := runRanks(t.Context(), 3, of(c, co, together), func(rank int, o *Options) {
		var weights *nn.Weights
		o.Begin = func(obj objective.Objective) { weights = obj.Weights() }
		o.Progress = func(e Event) {
			if e.Kind == Stepped {
				digests[rank] = digest(weights.Statistics())
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if digests[0] != digests[1] || digests[0] != digests[2] {
		t.Errorf("the ranks' running averages differ: %x", digests)
	}
	first := func(name string) bool { return name != "trunk.bn1.running_mean" }
	traintest.SameTensors(t, together, alone, 1e-12, first)
}
