package bench

import (
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// TestCeilings: several runs lie between two marks of the device; on a real GPU copies take a good part of a gigabyte, whose time is far beyond
// what it takes to queue one.
func TestCeilings(t *testing.T) {
	d := gputest.Open(t, "cpu", gpu.Options{})
	runs := 0
	if s := shortest(d, func() { runs++ }); s < 0 || runs != 1+5*runsAtOnce {
		t.Errorf("%d runs, %g seconds", runs, s)
	}
	bytes, side := CeilingSizes(d)
	if c, p := CopyRate(d, bytes), ProductRate(d, gpu.F32, side); !(c > 0) || !(p > 0) {
		t.Errorf("copies %g, products %g", c, p)
	}
}
