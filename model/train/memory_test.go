package train

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMemoryIsCountedFirst: a training that does not fit says so, with the largest batch that does, and leaves nothing.
func TestMemoryIsCountedFirst(t *testing.T) {
	var plan Memory
	planned := func(batch, free int) (string, error) {
		o := options(tiny(t), filepath.Join(t.TempDir(), "run"))
		o.Config.Batch, o.Config.MaxSteps, o.Memory = batch, 1, free
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		o.Progress = func(e Event) {
			if e.Kind == Planned {
				plan = e.Memory
				if free == 0 {
					cancel() // the first step is the last
				}
			}
		}
		_, err := Run(ctx, o)
		return o.Dir, err
	}
	if _, err := planned(8, 0); err != ErrInterrupted {
		t.Fatalf("where free memory is not known: %v", err)
	}
	eight := plan.Total()
	if plan.Values == 0 || plan.Optimizer != 2*plan.Gradients || plan.Averages != 0 || !strings.Contains(plan.String(), "activations") {
		t.Errorf("plan: %v", plan)
	}
	dir, err := planned(12, eight+1)
	p := wantCode(t, err, codeMemory)
	if !strings.Contains(p.Fix, "--batch 8 ") || !strings.Contains(p.Expected, plan.String()) {
		t.Errorf("12 images in the memory of 8: %v", p)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the run folder is there: %v", err)
	}
	if _, err := planned(8, 1<<20); !strings.Contains(wantCode(t, err, codeMemory).Fix, "not even a batch of 2") {
		t.Errorf("in 1 MiB: %v", err)
	}
}
