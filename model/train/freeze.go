package train

import "contig-gpu/model/train/engine"

// A Freezing says for how long the image encoder of an objective that predicts stays as it is.
type Freezing struct {
	Always bool    `json:"always,omitempty"` // in all steps
	Epochs int     `json:"epochs,omitempty"` // in those of the first so many; then the optimiser and the schedule begin anew
	LR     float64 `json:"lr,omitempty"`     // peak learning rate from then on; 0: as before
}

// frozen says which steps of a training leave the image encoder as it is.
func (c Config) frozen() engine.Frozen {
	switch f := c.Freezing; {
	case f.Always:
		return engine.Always
	case f.Epochs > 0:
		return engine.AtFirst
	}
	return engine.Never
}

// thawStep is the number of steps after which the image encoder is trained too.
func (t *trainer) thawStep() int { return min(t.total, t.cfg.Freezing.Epochs*t.perEpoch) }

// thaw brings the engine to what the next step is: with the image encoder as it is, or not. With the first step that is not
// the optimiser begins anew, as it would of parameters that it has not seen.
func (t *trainer) thaw() error {
	f := t.cfg.frozen()
	if err := t.engine.Freeze(f == engine.Always || f == engine.AtFirst && t.at.Step < t.thawStep()); err != nil {
		return err
	}
	if f == engine.AtFirst && t.at.Step == t.thawStep() {
		t.engine.Optimizer().Restart()
		t.at.Thawed = t.at.Step - t.engine.Scaling.Skipped
	}
	return nil
}

// rate returns the learning rate of the next step. Steps before and after the thaw have a schedule each, of their own length.
func (t *trainer) rate() float64 {
	at := t.thawStep()
	switch {
	case t.cfg.frozen() != engine.AtFirst:
		return t.schedule.At(t.at.Step)
	case t.at.Step < at:
		return t.cfg.schedule(at).At(t.at.Step)
	}
	c := t.cfg
	if lr := c.Freezing.LR; lr > 0 {
		c.Optimizer.LR = lr
	}
	return c.schedule(t.total - at).At(t.at.Step - at)
}
