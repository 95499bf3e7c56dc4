package gpu_test

import (
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// TestConformanceAdd has the sum beside its terms and in the place of one.
func TestConformanceAdd(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, n := range append(gputest.Ragged(), 70000) {
			a, b, sum, inPlace := l.In("a", -1, 1, n), l.In("b", -2, 2, n), l.Out(n), l.In("a", -1, 1, n)
			l.Run(func(of of) {
				gpu.Add(of(sum), of(a), of(b))
				gpu.Add(of(inPlace), of(inPlace), of(b))
			})
			l.Same("a + b", sum, 1, 1)
			l.Same("a += b", inPlace, 1, 1)
		}
	})
}
