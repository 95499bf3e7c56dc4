package train

import (
	"math"
	"testing"

	"contig-gpu/gpu/gputest"
)

// TestHalfPrecisionTrains: f16 on the emulated GPU begins near float32 and brings the loss scale into its range.
func TestHalfPrecisionTrains(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	co := synthCohort(t, 30)
	half, full := trainedLosses(t, onGPU(t, "f16", 2), co), trainedLosses(t, onGPU(t, "f32", 1), co)
	if !(math.Abs(half[0]-full[0]) <= 0.02*full[0]) || math.IsNaN(half[1]) || math.IsInf(half[1], 0) {
		t.Errorf("losses %g in f16, %g in f32", half, full)
	}
}
