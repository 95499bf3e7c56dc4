package gpu_test

import (
	"math"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// outlandish returns what absent data may hold: NaN, infinities, a large number.
func outlandish(i int) float64 {
	return []float64{math.NaN(), math.Inf(1), math.Inf(-1), 3e4}[i%4]
}

// hard returns numbers that are hard to round: ties, both kinds of subnormals, the largest, infinities, zeros.
func hard(n int) []float64 {
	special := []float64{0, math.Copysign(0, -1), 1 + 0x1p-8, 1 + 3*0x1p-8, 1 + 0x1p-11, 1 + 3*0x1p-11, -1 - 0x1p-9, 65504, 65519.99, 65520, -65536,
		0x1p-14, 0x1p-15, 0x1p-24, 0x1p-25, 3 * 0x1p-25, 0x1.004p-15, -0x1.ffcp-15, 0x1p-40, math.Inf(1), math.Inf(-1), 1e30, -1e-30, 3.3e38, math.NaN()}
	x := make([]float64, n)
	for i := range x {
		x[i] = special[i%len(special)] * math.Pow(1.37, float64(i/len(special)%40))
	}
	return x
}

// exact fails the test unless both tensors hold the same numbers, NaN being one of them.
func exact(l *gputest.Lab, name string, got, want gpu.Tensor) {
	l.Helper()
	g, w := gputest.Values(got), gputest.Values(want)
	for i := range w {
		if g[i] != w[i] && !(math.IsNaN(g[i]) && math.IsNaN(w[i])) || math.Signbit(g[i]) != math.Signbit(w[i]) && !math.IsNaN(w[i]) {
			l.Errorf("%s: element %d is %v, want %v", name, i, g[i], w[i])
			return
		}
	}
}
