package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"testing"
)

// TestConformanceReLU has the ReLU and its gradient beside their inputs and in their place.
func TestConformanceReLU(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, n := range append(gputest.Ragged(), 70000) {
			b, dy, act, grad := l.In("b", -2, 2, n), l.In("dy", -1, 1, n), l.Out(n), l.Out(n)
			actInPlace, gradInPlace := l.In("b", -2, 2, n), l.In("dy", -1, 1, n)
			l.Run(func(of of) {
				gpu.ReLU(of(act), of(b))
				gpu.ReLUBackward(of(grad), of(dy), of(act))
				gpu.ReLU(of(actInPlace), of(actInPlace))
				gpu.ReLUBackward(of(gradInPlace), of(gradInPlace), of(act))
			})
			for name, x := range map[string]gputest.Twin{"relu": act, "relu gradient": grad, "relu in place": actInPlace, "relu gradient in place": gradInPlace} {
				l.Same(name, x, 1, 1)
			}
		}
	})
}
