package train

import (
	"math"

	"contig-gpu/data"
	"contig-gpu/model/train/engine"
)

// A Judge makes of one evaluation what the checkpoint is worth. It is shown every batch, in order, whose slices are the engine's.
type Judge interface {
	Add(b *data.Batch, s engine.Swept)
	Judged() Judgement
}

// A Judgement is what an evaluation came to.
type Judgement struct {
	Score   float64            // the larger the better; NaN: undefined, and the loss decides
	Metrics map[string]float64 // of metrics.jsonl, those that are defined
}

// beats reports whether a judged evaluation is better than the best so far. One whose score is defined beats all whose is not.
func (s *state) beats(e *Evaluated) bool {
	score := e.Judged.Score
	switch {
	case s.BestScore == nil && !math.IsNaN(score):
		return true
	case s.BestScore != nil && (math.IsNaN(score) || score < *s.BestScore):
		return false
	case s.BestScore != nil && score > *s.BestScore:
		return true
	}
	return e.Loss < *s.BestLoss
}
