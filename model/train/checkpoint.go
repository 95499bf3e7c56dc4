package train

import (
	"contig-gpu/data"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/train/engine"
)

// A state is where a training stands, beside its tensors.
type state struct {
	Step         int      `json:"step"`          // done
	Epoch        int      `json:"epoch"`         // completed
	EpochStep    int      `json:"epoch_step"`    // done within the epoch
	MetricsLines int      `json:"metrics_lines"` // of metrics.jsonl
	BestLoss     *float64 `json:"best_loss"`     // of validation, of the best checkpoint; nil before the first
	BestStep     int      `json:"best_step"`

	Stale int `json:"stale,omitempty"` // validations since the best, counted where there is a Patience

	BestRetrieval *float64 `json:"best_retrieval,omitempty"` // the same; nil also in checkpoints of older versions

	BestScore *float64 `json:"best_score,omitempty"` // the same, of a Judge; nil also where it was undefined

	Scaling engine.LossScale `json:"loss_scaling"`

	Thawed int `json:"thawed,omitempty"` // steps that had changed parameters when the image encoder was thawed, and the optimiser began anew

	Split *data.SplitRule `json:"split,omitempty"` // how persons were split

	Sources  []data.SourceDigest `json:"sources,omitempty"`  // of the data
	Outliers []string            `json:"outliers,omitempty"` // tables with values of held-out persons that an evaluation failed by, and that may be corrected

	Ranks int `json:"ranks,omitempty"` // that shared the batches; 0: one

	PerEpoch int  `json:"per_epoch,omitempty"` // steps of an epoch; 0: of a version that did not keep it
	Pending  bool `json:"pending,omitempty"`   // the evaluation that is due at this step did not end
}

// advance counts a step.
func (s *state) advance() { s.Step, s.EpochStep = s.Step+1, s.EpochStep+1 }

// tensors returns everything that the rest of the run depends on, in PyTorch's layout.
func (t *trainer) tensors() []safetensors.Tensor {
	w := t.engine.Objective().Weights()
	ts := checkpoint.Tensors(w)
	for _, s := range t.engine.Optimizer().State() {
		ts = append(ts, checkpoint.Encode(checkpoint.PrefixOptimizer+s.Name, s.Value))
	}
	if t.engine.Averages().Ok() {
		t.engine.WithAverages(func() { ts = append(ts, checkpoint.Params(w.Params(), checkpoint.PrefixEMA)...) })
	}
	return ts
}

// metadata returns the text part of a checkpoint.
func (t *trainer) metadata() (map[string]string, error) {
	t.at.MetricsLines, t.at.Scaling, t.at.PerEpoch = t.log.lines, t.engine.Scaling, t.perEpoch
	t.at.Sources = t.o.Cohort.Sources
	cfg := t.cfg
	if cfg.Norm == normShare {
		cfg.Norm = ""
	}
	if cfg.Gradients == gradientsWhole {
		cfg.Gradients = ""
	}
	if t.at.Ranks = 0; t.several() {
		t.at.Ranks = t.dev.Ranks()
	}
	if t.o.Cohort.Rule.By != "" {
		t.at.Split = &t.o.Cohort.Rule
	}
	return checkpoint.Meta{Config: cfg, State: t.at, Stats: statsOf(t.o.Cohort), Cohort: t.o.Cohort, Version: t.o.Version}.Encode()
}

func statsOf(c *data.Cohort) map[string]*data.Stats {
	s := map[string]*data.Stats{}
	for _, t := range c.Tables {
		s[t.Name()] = t.Stats()
	}
	return s
}
