package train

import (
	"fmt"
	"math"

	"contig-gpu/model/checkpoint"
	"contig-gpu/model/train/engine"
)

// A saved run is one whose checkpoint was read.
type saved struct {
	*checkpoint.Checkpoint
	config Config
	state  state
}

func readCheckpoint(path string) (*saved, error) {
	c, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	return savedOf(c)
}

// savedOf decodes what a training keeps beside its tensors; settings or a state that none has are E718.
func savedOf(c *checkpoint.Checkpoint) (*saved, error) {
	s := &saved{Checkpoint: c}
	if err := c.DecodeConfig(&s.config); err != nil {
		return nil, err
	}
	if s.config.Norm == "" {
		s.config.Norm = normShare
	}
	if s.config.Gradients == "" {
		s.config.Gradients = gradientsWhole
	}
	if err := c.DecodeState(&s.state); err != nil {
		return nil, err
	}
	if err := s.config.Validate(); err != nil {
		return nil, c.Contradiction("config", err)
	}
	if err := s.state.validate(); err != nil {
		return nil, c.Contradiction("state", err)
	}
	return s, nil
}

// SettingsOf returns all settings that a checkpoint's training had, those of its network and its counters included in the check:
// E718 where they are such as no training has.
func SettingsOf(c *checkpoint.Checkpoint) (Config, error) {
	s, err := savedOf(c)
	if err != nil {
		return Config{}, err
	}
	return s.config, nil
}

// mostLog2 is the largest loss scale, as a power of 2, that float32 holds.
const mostLog2 = 127

// validate reports the first counter that no training has, whatever its data.
func (s state) validate() error {
	for _, c := range []struct {
		name            string
		is, least, most int
	}{
		{"step", s.Step, 0, math.MaxInt32}, {"epoch", s.Epoch, 0, s.Step}, {"epoch_step", s.EpochStep, 0, s.Step}, {"metrics_lines", s.MetricsLines, 0, math.MaxInt32},
		{"best_step", s.BestStep, 0, s.Step}, {"skipped", s.Scaling.Skipped, 0, s.Step}, {"log2", s.Scaling.Log2, engine.LeastScale, mostLog2}, {"good", s.Scaling.Good, 0, s.Step}, {"per_epoch", s.PerEpoch, 0, math.MaxInt32}, {"ranks", s.Ranks, 0, math.MaxInt32}, {"stale", s.Stale, 0, s.Step}, {"thawed", s.Thawed, 0, s.Step - s.Scaling.Skipped},
	} {
		if c.is < c.least || c.is > c.most {
			return fmt.Errorf("%s is %d, want %d to %d", c.name, c.is, c.least, c.most)
		}
	}
	for name, x := range map[string]*float64{"best_loss": s.BestLoss, "best_retrieval": s.BestRetrieval, "best_score": s.BestScore} {
		if x != nil && (math.IsNaN(*x) || math.IsInf(*x, 0)) {
			return fmt.Errorf("%s is %v", name, *x)
		}
	}
	return nil
}

// within is an E718 where the counters are not those of a run whose epochs have perEpoch steps. An epoch is not over, unless the
// evaluation at its end is said to be pending.
func (s *saved) within(perEpoch int) error {
	at := s.state
	if at.EpochStep > perEpoch || at.EpochStep == perEpoch && !at.Pending || at.Epoch*perEpoch+at.EpochStep != at.Step {
		return s.Contradiction("state", fmt.Errorf("step %d, of epoch %d the step %d: an epoch has %d steps", at.Step, at.Epoch+1, at.EpochStep, perEpoch))
	}
	return nil
}
