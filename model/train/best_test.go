package train

import (
	"encoding/json"
	"testing"

	"contig-gpu/model/eval"
)

// evaluated returns an evaluation of the given loss and of the same recalls in both directions.
func evaluated(loss, r1, r10 float64) *Evaluated {
	d := eval.Direction{R1: r1, R5: r10, R10: r10}
	return &Evaluated{Loss: loss, Retrieval: map[string]eval.Retrieval{
		AllName: {ImageToGenetics: d, GeneticsToImage: d}, "other": {ImageToGenetics: eval.Direction{R1: 1 - r1}},
	}}
}

func TestBest(t *testing.T) {
	was, none := evaluated(3, 0.4, 0.7), state{}
	kept := found(was)
	now := state{BestLoss: &was.Loss, BestRetrieval: &kept, BestStep: 5}
	var older state // as versions before BestRetrieval wrote it
	if err := json.Unmarshal([]byte(`{"step":8,"best_loss":3,"best_step":5}`), &older); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what          string
		s             state
		e             *Evaluated
		byRet, byLoss bool
	}{
		{"the first", none, evaluated(9, 0, 0), true, true}, {"better in both", now, evaluated(2, 0.5, 0.8), true, true}, {"worse in both", now, evaluated(4, 0.3, 0.6), false, false},
		{"finds more at a higher loss", now, evaluated(4, 0.4, 0.8), true, false}, {"finds less at a lower loss", now, evaluated(2, 0.3, 0.7), false, true},
		{"finds as much at a lower loss", now, evaluated(2, 0.4, 0.7), true, true}, {"the same", now, evaluated(3, 0.4, 0.7), false, false},
		{"an older run, worse in both", older, evaluated(4, 0.3, 0.6), true, false}, {"an older run, a lower loss", older, evaluated(2, 0, 0), true, true},
	} {
		if got := c.s.improves(c.e, bestRetrieval); got != c.byRet {
			t.Errorf("%s, by retrieval: %v", c.what, got)
		}
		if got := c.s.improves(c.e, bestLoss); got != c.byLoss {
			t.Errorf("%s, by loss: %v", c.what, got)
		}
	}
}

// TestBestIsAsAskedFor: the rule is the settings', and what is kept are the numbers of the best.
func TestBestIsAsAskedFor(t *testing.T) {
	for rule, want := range map[string]int{bestLoss: 2, bestRetrieval: 3} {
		var run trainer
		run.cfg.Best = rule
		for _, e := range []*Evaluated{evaluated(3, 0.4, 0.7), evaluated(2, 0.3, 0.6), evaluated(2.5, 0.5, 0.8), evaluated(2.6, 0.2, 0.5)} {
			run.at.Step++
			if best := run.keepsBest(e); best != (run.at.BestStep == run.at.Step) || best && (*run.at.BestLoss != e.Loss || *run.at.BestRetrieval != found(e)) {
				t.Errorf("by %s, step %d: best %v, kept %+v", rule, run.at.Step, best, run.at)
			}
		}
		if run.at.BestStep != want {
			t.Errorf("by %s the best is of step %d, want %d", rule, run.at.BestStep, want)
		}
	}
}
