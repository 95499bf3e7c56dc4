package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
	"contig-gpu/model/train/engine"
)

// A Stepper takes the steps of a training and does nothing else: no run folder, no evaluation, no checkpoint. The steps are
// those of Run, by the same code; it is for measuring them and for looking at what they compute.
type Stepper struct {
	t    *trainer
	done []StepLine // since the last Take
}

// Omit says what a Stepper leaves out of its steps.
type Omit = engine.Omit

// NewStepper takes the memory of a training by o on dev and fills the model. Of o it reads Config, but for Device, Threads
// and Deterministic, and Cohort, NewSource and Memory. The device is the Stepper's from then on, whatever is returned:
// Close closes it.
func NewStepper(dev *gpu.Device, o Options, omit Omit) (*Stepper, error) {
	s := newStepper(newTrainerOn(dev, &o), omit)
	if err := s.t.setUp(); err != nil {
		s.Close()
		return nil, s.t.explain(err)
	}
	return s, nil
}

// newStepper takes the steps of t, of which nothing is set up.
func newStepper(t *trainer, omit Omit) *Stepper {
	s := &Stepper{t: t}
	t.omit, t.report = omit, func(l StepLine) error {
		s.done = append(s.done, l)
		return nil
	}
	return s
}

// WarmUp is how many steps are taken before all further ones are replayed: one as it is, and the first of each slot.
func (s *Stepper) WarmUp() int { return 1 + s.t.engine.Slots() }

// Take takes steps, at least one, until enough, which is given their number, says so. All are done when it returns. The
// second result is the share of the time between the ends of the first and the last of them in which the device had nothing
// to do; nil: it was one step, or the device does not work beside the host.
func (s *Stepper) Take(enough func(taken int) bool) ([]StepLine, *float64, error) {
	t := s.t
	s.done = nil
	t.engine.ResetIdle()
	for n := 0; n == 0 || !enough(n); n++ {
		if err := t.engine.Step(t.turn(context.Background())); err != nil {
			return nil, nil, t.explain(err)
		}
		t.at.advance()
	}
	err := t.engine.Finish()
	t.engine.Pause()
	return s.done, t.engine.Idle(), t.explain(err)
}

// How steps are timed: in windows, until their times hold and at least as many times, of which the best counts.
const (
	windowTime   = 100 * time.Millisecond
	leastSteps   = 3 // of a window
	mostSteps    = 50
	leastWindows = 4
	mostWindows  = 8
	steady       = 0.03 // times of neighbouring windows that differ by less hold
	mostSkipped  = 100  // steps of f16 before its scale fits
)

// pace returns the time from the end of a step to the end of the next by the device's clock.
func (s *Stepper) pace() (time.Duration, error) {
	exactly := func(n int) func(int) bool { return func(taken int) bool { return taken >= n } }
	for good, taken := 0, 0; good < s.WarmUp(); taken++ {
		lines, _, err := s.Take(exactly(1))
		switch {
		case err != nil:
			return 0, err
		case taken > mostSkipped:
			return 0, fmt.Errorf("after %d steps the gradient is still out of range", taken)
		}
		if good++; lines[0].Skipped {
			good = 0
		}
	}
	var best, last time.Duration
	for n, w := leastSteps, 0; w < mostWindows; w++ {
		if _, _, err := s.Take(exactly(n)); err != nil {
			return 0, err
		}
		now := s.t.engine.Pace()
		if best == 0 || now < best {
			best = now
		}
		if w+1 >= leastWindows && math.Abs(float64(now-last)) <= steady*float64(now) {
			break
		}
		last, n = now, min(max(leastSteps, 2+int(windowTime/max(now, 1))), mostSteps)
	}
	if best <= 0 {
		return 0, errors.New("the device does not tell how long steps take")
	}
	return best, nil
}

// Precision returns what the steps are computed in.
func (s *Stepper) Precision() string { return s.t.cfg.Precision }

// OmitSums leaves the sums of the gradient over ranks out of the steps to come, for measuring what they take: take WarmUp steps first.
func (s *Stepper) OmitSums() { s.t.engine.OmitSums() }

// Launches lists what a step asks of a GPU, by queueing one anew. On a planning device nothing is computed.
func (s *Stepper) Launches() ([]gpu.Launch, error) {
	return s.t.engine.Launches(s.t.turn(context.Background()))
}

// Nodes returns the operations of a recorded step, 0 where none is recorded.
func (s *Stepper) Nodes() int { return s.t.engine.Nodes() }

// Uploaded returns the bytes that a batch has on its way to the device.
func (s *Stepper) Uploaded() int { return s.t.engine.Uploaded() }

// Raw reports whether batches are pixels and persons, which the device makes images and tables from.
func (s *Stepper) Raw() bool { return s.t.dims.PixelSide > 0 }

// Objective returns what is trained.
func (s *Stepper) Objective() objective.Objective { return s.t.engine.Objective() }

// Weights returns the model's. Their gradients are those of the last step, times LossScale.
func (s *Stepper) Weights() *nn.Weights { return s.t.engine.Objective().Weights() }

// LossScale returns what the loss of the next step is multiplied by: see f16.
func (s *Stepper) LossScale() float64 { return s.t.engine.LossScale() }

// Close gives memory and device back.
func (s *Stepper) Close() { s.t.close() }
