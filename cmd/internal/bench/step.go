package bench

import (
	"cmp"
	"context"
	"time"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/optim"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"
)

// StepOptions say what a Step is.
type StepOptions struct {
	Model     model.Config
	Precision string  // as gpu.Device.Precision takes it
	Batch     int     // images, of all ranks
	ImageSize int     // pixels
	Batches   int     // that steps take in turn
	Missing   float64 // share of the persons that lack a modality, each by itself
	Optimizer optim.Config
	Floats    bool // batches are images and tables ready for the model, also where train would send pixels and persons
	Omit      train.Omit
	Progress  func(train.Event) // as of train.Options
}

// A Step is the step that train takes, on random data: from the batch on the host to the losses there. Weights and data
// depend on nothing but the options.
type Step struct {
	*train.Stepper
	o      StepOptions
	source *few
}

// NewStep takes the memory and fills weights and batches. Nothing is computed yet. The device is the Step's from then on.
func NewStep(d *gpu.Device, o StepOptions) (*Step, error) {
	c, err := train.Recipe(setting.Default)
	if err != nil {
		return nil, err
	}
	c.Model, c.Precision, c.Batch, c.ImageSize, c.Optimizer = o.Model, o.Precision, o.Batch, o.ImageSize, o.Optimizer
	c.Schedule, c.Warmup, c.Clip, c.Epochs, c.Seed = optim.ConstantName, 0, 0, 1, 1
	co, s := randomCohort(o.Batch*o.Batches, o.Model.Modalities, o.Missing), &Step{o: o}
	open := func(f train.Feed) (data.Source, error) {
		few := newFew(co, c, o.Batches, f.Raw && !o.Floats, f.Rank, f.Ranks)
		if s.source == nil { // later ones are of steps that decide on the precision
			s.source = few
		}
		return few, nil
	}
	s.Stepper, err = train.NewStepper(d, train.Options{Config: c, Cohort: co, NewSource: open, Progress: o.Progress}, o.Omit)
	return s, err
}

// A Window is one measurement: how many steps were taken in how long.
type Window struct {
	Runs    int      `json:"runs"`
	Seconds float64  `json:"seconds"`
	Busy    *float64 `json:"busy,omitempty"` // share of the time that a GPU worked, by its own clock; of a step alone it is not known
}

// Warm takes the steps before those that are alike. In f16 a step that is skipped changes the scale, and what was recorded
// with the old one is dropped.
func (s *Step) Warm(ctx context.Context) error {
	for good := 0; good < s.WarmUp(); {
		lines, _, err := s.Take(func(int) bool { return true })
		if err != nil || ctx.Err() != nil {
			return cmp.Or(err, context.Cause(ctx))
		}
		if good++; lines[0].Skipped {
			good = 0
		}
	}
	return nil
}

// Window takes steps for the given time, at least one.
func (s *Step) Window(ctx context.Context, seconds float64) (Window, error) {
	start := time.Now()
	return s.window(ctx, start, func(int) bool { return time.Since(start).Seconds() >= seconds })
}

// Steps is a Window of n steps, as ranks need, which must take as many.
func (s *Step) Steps(ctx context.Context, n int) (Window, error) {
	return s.window(ctx, time.Now(), func(taken int) bool { return taken >= n })
}

func (s *Step) window(ctx context.Context, start time.Time, enough func(taken int) bool) (Window, error) {
	lines, idle, err := s.Take(func(taken int) bool { return ctx.Err() != nil || enough(taken) })
	if err == nil {
		err = context.Cause(ctx)
	}
	w := Window{Runs: len(lines), Seconds: time.Since(start).Seconds()}
	if idle != nil {
		busy := 1 - *idle
		w.Busy = &busy
	}
	return w, err
}

// Losses takes n steps and returns the loss of each.
func (s *Step) Losses(ctx context.Context, n int) ([]float64, error) {
	out := []float64{}
	if n == 0 {
		return out, nil
	}
	lines, _, err := s.Take(func(taken int) bool { return ctx.Err() != nil || taken == n })
	if err == nil {
		err = context.Cause(ctx)
	}
	for _, l := range lines {
		out = append(out, l.Loss)
	}
	return out, err
}
