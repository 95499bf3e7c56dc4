package train

import (
	"math"
	"path/filepath"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// TestLossScaleAdapts: an overflow halves the scale, takes the optimiser's step back and is not an error.
func TestLossScaleAdapts(t *testing.T) {
	o := options(tiny(t), filepath.Join(t.TempDir(), "run"))
	tr, err := newTrainer(&o)
	defer tr.close()
	if err != nil {
		t.Fatal(err)
	}
	tr.dtype = gpu.F16
	tr.beginScaling()
	tr.opt.Prepare(1)
	line := StepLine{GradNorm: math.Inf(1)}
	if !tr.rescale(&line) || !line.Skipped || line.GradNorm != 0 || tr.at.Scaling.Log2 != firstScale-1 || tr.opt.StepCount() != 0 {
		t.Errorf("after an overflow: %+v, %+v, %d steps", line, tr.at.Scaling, tr.opt.StepCount())
	}
	for range growAfter {
		line = StepLine{GradNorm: 1}
		if tr.rescale(&line) {
			t.Fatal("a good step was skipped")
		}
	}
	if tr.at.Scaling.Log2 != firstScale || tr.at.Scaling.Skipped != 1 {
		t.Errorf("after %d good steps: %+v", growAfter, tr.at.Scaling)
	}
	tr.at.Scaling.Log2 = leastScale
	if line = (StepLine{GradNorm: math.NaN()}); tr.rescale(&line) {
		t.Error("a gradient that is not finite at the least scale was skipped")
	}
}

// TestHalfPrecisionTrains: f16 on the emulated GPU begins near float32 and brings the loss scale into its range.
func TestHalfPrecisionTrains(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	co := synthCohort(t, 30)
	half, full := trainedLosses(t, onCard(t, "f16", 2), co), trainedLosses(t, onCard(t, "f32", 1), co)
	if !(math.Abs(half[0]-full[0]) <= 0.02*full[0]) || math.IsNaN(half[1]) || math.IsInf(half[1], 0) {
		t.Errorf("losses %g in f16, %g in f32", half, full)
	}
}
