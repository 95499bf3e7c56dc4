//go:build linux && cgo

package train

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/world"
	"contig-gpu/model/optim"
	"contig-gpu/model/train/traintest"
)

// TestAutoOfRanks: rank 0 times a step of its share, alone, and all ranks compute in what it takes, whatever their own clocks would say.
func TestAutoOfRanks(t *testing.T) {
	gputest.Long(t)
	gputest.EmulatedRanks(t, 2, []string{"SIMT_CLOCK=_bf16=2 _f16=1 =0.1"}, func(d *gpu.Device, w *world.World) error {
		if w.Rank() > 0 {
			deviceClock(t, "1", "2")
		}
		c, co, said := shared(t), traintest.Cohort(t, 30), ""
		c.Precision, c.MaxSteps, c.Accumulate, c.Batch, c.EMA = auto, 1, 1, 4, 0
		o := of(c, co, filepath.Join(t.TempDir(), "run"))
		o.Device, o.Progress = d, func(e Event) {
			if e.Kind == Chosen {
				said = e.Text
			}
		}
		s, err := Run(t.Context(), o)
		if err != nil {
			return err
		}
		if s.Precision != "f16" || strings.Contains(said, "timed now") != (w.Rank() == 0) || strings.Contains(said, "as rank 0 says") != (w.Rank() == 1) {
			return fmt.Errorf("rank %d: %s; %s", w.Rank(), s.Precision, said)
		}
		gputest.RankIsDone(t) // the training has closed the device
		return nil
	})
}

// TestRanksOnGPUs: emulated GPUs of several processes train what one does that has all of the batch, with norms over all rows and steps that
// are recorded, whether the work is done at once or late; to the digits of bf16 where the gradient travels in it. SGD keeps differences of rounding
// as small as they are.
func TestRanksOnGPUs(t *testing.T) {
	gputest.Long(t)
	for _, x := range []struct {
		ranks     int
		env       string
		gradients string
		tol       float64
	}{{2, "SIMT_DEFER=0", gradientsWhole, 1e-3}, {3, "SIMT_DEFER=1", gradientsWhole, 1e-3}, {2, "SIMT_DEFER=1", gradientsHalf, 2e-2}} {
		t.Run(fmt.Sprint(x.ranks, x.env, x.gradients), func(t *testing.T) {
			gputest.EmulatedRanks(t, x.ranks, []string{x.env}, func(d *gpu.Device, w *world.World) error {
				c, co, dir := shared(t), traintest.Cohort(t, 30), t.TempDir()
				c.Precision, c.Norm, c.MaxSteps, c.Accumulate = "f32", normGlobal, 4, 1
				c.Optimizer.Name, c.Optimizer.LR = optim.SGDName, 1e-3
				alone, together := of(c, co, filepath.Join(dir, "alone")), of(c, co, filepath.Join(dir, "together"))
				together.Device, together.Config.Gradients = d, x.gradients
				halved := false
				together.Progress = func(e Event) {
					halved = halved || e.Kind == Planned && strings.Contains(fmt.Sprint(e.Memory), "gradients in bf16")
				}
				if _, err := Run(t.Context(), together); err != nil {
					return err
				}
				if halved != (x.gradients == gradientsHalf) {
					return fmt.Errorf("--gradients %s: in bf16 %v", x.gradients, halved)
				}
				if w.Rank() == 0 {
					alone.Device = gputest.Open(t, "cuda:0", gpu.Options{})
					if _, err := Run(t.Context(), alone); err != nil {
						return err
					}
					traintest.SameTensors(t, together.Dir, alone.Dir, x.tol, nil)
					traintest.SameLosses(t, together.Dir, alone.Dir, x.tol, "step")
				}
				if t.Failed() {
					return fmt.Errorf("%d ranks train something else", d.Ranks())
				}
				gputest.RankIsDone(t) // the training has closed the device
				return nil
			})
		})
	}
}
