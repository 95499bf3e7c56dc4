package train

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestPatienceEndsATraining: after so many validations without a better one it ends, is tested, and is finished; the bytes up to there are those
// of a training without patience.
func TestPatienceEndsATraining(t *testing.T) {
	slow(t)
	c := tiny(t)
	c.Epochs, c.Keep, c.Optimizer.LR, c.Best, c.Model.Weights = 6, 6, 1e-300, bestLoss, "mean" // nothing gets better
	c.EMA = 0
	c.Patience = 2
	o := options(c, filepath.Join(t.TempDir(), "run"))
	said := ""
	o.Progress = func(e Event) {
		if e.Kind == Noted {
			said += e.Text
		}
	}
	s := mustRun(t, o)
	if s.Steps == 0 || s.Test == nil || !strings.Contains(said, "--patience") {
		t.Fatalf("%d steps, test %v, said %q", s.Steps, s.Test, said)
	}
	perEpoch := StandingOf(o.Dir).perEpoch
	if want := (1 + s.BestStep/perEpoch - 1 + c.Patience) * perEpoch; s.Steps != want || want >= c.steps(perEpoch) {
		t.Errorf("ended after step %d with the best at %d, want %d", s.Steps, s.BestStep, want)
	}
	if _, done := StandingOf(o.Dir).Finished(c); !done {
		t.Error("it is not finished")
	}
	c.Patience = 0
	if _, done := StandingOf(o.Dir).Finished(c); done {
		t.Error("without patience it is finished")
	}
	o.Resume, o.Config.Patience = true, 2
	if again := mustRun(t, o); again.Steps != s.Steps {
		t.Errorf("resumed it went on to step %d", again.Steps)
	}
}

// TestSetsAreTheSameForAllBatches: the validation loss over sets of a size does not depend on --batch, where the batch's own does.
func TestSetsAreTheSameForAllBatches(t *testing.T) {
	slow(t)
	var losses, batches []float64
	for _, batch := range []int{4, 8} {
		c := tiny(t)
		c.Batch, c.MaxSteps, c.Optimizer.LR = batch, 1, 1e-300
		o := optionsFor(c, filepath.Join(t.TempDir(), "run"), 80)
		var sets []Event
		o.Progress = func(e Event) {
			if e.Kind == Validated {
				sets = append(sets, e)
			}
		}
		mustRun(t, o)
		sum := 0.0
		for _, s := range sets[0].Sets {
			sum += s.Loss
			if s.Candidates < 2 || s.Chance <= 0 {
				t.Errorf("batch %d: %+v", batch, s)
			}
		}
		losses, batches = append(losses, sum), append(batches, sets[0].Loss)
	}
	if d := losses[0] - losses[1]; d > 0.3 || d < -0.3 || batches[1]-batches[0] < 0.3 {
		t.Errorf("losses over sets %v, over batches %v", losses, batches)
	}
}
