package train

import (
	"math"
	"testing"

	"contig-gpu/data"
	"contig-gpu/model/objective"
	"contig-gpu/model/train/engine"
)

// TestModalityLossIsOfItsRows: batches in which a modality has no loss, for want of two rows, do not make it smaller, and rows
// count alike; the total stays the mean over images of what training minimises.
func TestModalityLossIsOfItsRows(t *testing.T) {
	type batch struct {
		n, present int
		loss       float64
	}
	for what, c := range map[string]struct {
		batches     []batch
		loss, total float64
	}{
		"one without":    {[]batch{{8, 8, 1.2}, {8, 0, 0}}, 1.2, 0.3},
		"one with a row": {[]batch{{8, 1, 0}, {8, 8, 1.2}}, 1.2, 0.3},
		"by rows":        {[]batch{{8, 6, 1.5}, {8, 2, 0.5}}, 1.25, 0.5},
		"a last batch":   {[]batch{{8, 8, 2}, {2, 2, 0.5}}, 1.7, 0.85},
		"nobody":         {[]batch{{8, 0, 0}, {8, 1, 0}}, 0, 0},
	} {
		sums := &tally{names: []string{"x"}, terms: make([]float64, 1), rows: make([]float64, 1)}
		for _, x := range c.batches {
			term := [objective.TermValues]float64{x.loss, x.loss, x.loss, float64(x.present)}
			sums.add(&data.Batch{N: x.n}, engine.Swept{Terms: [][objective.TermValues]float64{term}, Weights: []float64{0.5}})
		}
		e := sums.evaluated()
		if got := e.Losses["x"]; math.Abs(got-c.loss) > 1e-15 {
			t.Errorf("%s: loss %g, want %g", what, got, c.loss)
		}
		if math.Abs(e.Loss-c.total) > 1e-15 {
			t.Errorf("%s: total %g, want %g", what, e.Loss, c.total)
		}
	}
}
