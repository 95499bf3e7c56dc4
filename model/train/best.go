package train

import (
	"math"

	"contig-gpu/model/eval"
)

// What Config.Best may be: validation's retrieval by all modalities, or its loss.
const (
	bestRetrieval = "retrieval"
	bestLoss      = "loss"
)

// keepsBest notes the evaluation of the validation split if it is the best so far by the rule asked for, and reports whether it is.
func (t *trainer) keepsBest(e *Evaluated) bool {
	if !t.at.improves(e, t.cfg.Best) {
		if t.cfg.Patience > 0 {
			t.at.Stale++
		}
		return false
	}
	t.at.Stale = 0
	retrieval := found(e)
	t.at.BestLoss, t.at.BestRetrieval, t.at.BestStep, t.at.BestScore = &e.Loss, &retrieval, t.at.Step, nil
	if e.Judged != nil && !math.IsNaN(e.Judged.Score) {
		t.at.BestScore = &e.Judged.Score
	}
	return true
}

// exhausted reports whether Patience has seen enough validations without a better one.
func (s *state) exhausted(c Config) bool { return c.Patience > 0 && s.Stale >= c.Patience }

// improves reports whether an evaluation of the validation split beats that of the best checkpoint so far: by retrieval, or
// the score of a Judge, and by the loss among equals, or by the loss alone. What is no better than before leaves the earlier checkpoint the best.
func (s *state) improves(e *Evaluated, by string) bool {
	switch {
	case s.BestLoss == nil:
		return true
	case e.Judged != nil && by != bestLoss:
		return s.beats(e)
	case by == bestLoss || e.Retrieval == nil: // where nothing is retrieved the loss decides
		return e.Loss < *s.BestLoss
	case s.BestRetrieval == nil: // of an older version, which did not keep it
		return true
	case found(e) != *s.BestRetrieval:
		return found(e) > *s.BestRetrieval
	}
	return e.Loss < *s.BestLoss
}

// found is the mean of R@1, R@5 and R@10 over both directions, by all modalities: of a hundred persons or so, R@1 alone goes up
// and down by chance.
func found(e *Evaluated) float64 {
	r := e.Retrieval[AllName]
	sum := 0.0
	for _, d := range []eval.Direction{r.ImageToGenetics, r.GeneticsToImage} {
		sum += d.R1 + d.R5 + d.R10
	}
	return sum / 6
}
