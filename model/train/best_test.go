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
		allModalities: {ImageToGenetics: d, GeneticsToImage: d}, "other": {ImageToGenetics: eval.Direction{R1: 1 - r1}},
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

// TestBestIsAsAskedFor: the checkpoint kept as the best is that of the best validation in metrics.jsonl.
func TestBestIsAsAskedFor(t *testing.T) {
	dir := t.TempDir()
	c := tiny(t)
	c.Best = bestLoss
	s := mustRun(t, options(c, dir))
	least, at := 0.0, 0
	for _, l := range lines(t, dir) {
		if loss, _ := l["loss"].(float64); l["kind"] == "validation" && (at == 0 || loss < least) {
			least, at = loss, int(l["step"].(float64))
		}
	}
	if saved, err := readCheckpoint(CheckpointPath(dir, "best")); err != nil || saved.state.Step != at || s.BestStep != at || s.ValidationLoss != least {
		t.Errorf("the lowest loss is %g at step %d: %+v, %v", least, at, s, err)
	}
}
