package train

import (
	"context"

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
	s := &Stepper{t: newTrainerOn(dev, &o)}
	s.t.omit, s.t.report = omit, func(l StepLine) error {
		s.done = append(s.done, l)
		return nil
	}
	if err := s.t.setUp(); err != nil {
		s.Close()
		return nil, s.t.explain(err)
	}
	return s, nil
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
