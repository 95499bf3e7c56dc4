//go:build gorgonia && linux && cgo

package train

import (
	"os"
	"testing"
)

// TestGorgoniaFollowsTheCPU: the device on gorgonia.org/cu trains, without a recorded step, with the losses of the CPU and
// of the cuda device. Where the machine has no GPU the emulator plays it: make gorgonia.
func TestGorgoniaFollowsTheCPU(t *testing.T) {
	if os.Getenv("CONTIG_DEVICE") != "gorgonia:0" {
		t.Skip("no GPU was named: make gorgonia runs this with CONTIG_DEVICE=gorgonia:0")
	}
	c, co := onGPU(t, "f32", 5), synthCohort(t, 40)
	losses := map[string][]float64{"cuda": trainedLosses(t, c, co)}
	c.Device = "gorgonia:0"
	losses["gorgonia"] = trainedLosses(t, c, co)
	followTheCPU(t, c, co, losses)
}
