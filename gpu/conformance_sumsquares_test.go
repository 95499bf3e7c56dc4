package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"math"
	"testing"
)

func TestConformanceSumSquares(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for _, n := range append(optimLengths(), 1<<20+5) {
			for _, lo := range []int{0, 3} {
				x, sum := cutTwin(l.InVec("x", -1, 1, n+lo), lo), l.Put(gpu.F64, []float64{7}, 1)
				scale := l.New(l.VectorType(), 1)
				l.Run(func(of func(gputest.Twin) gpu.Tensor) {
					gpu.SumSquares(of(sum), of(x))
					gpu.ClipScale(of(scale), of(sum), 0.5, 0.25)
				})
				l.Same(fmt.Sprintf("7 + sum of %d squares from %d", n, lo), sum, n, 1)
				l.Same(fmt.Sprintf("scale to sum %v", gputest.Values(sum.Ref)), scale, 1, 1)
			}
		}
	})
}

func TestConformanceClipScale(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for _, c := range [][4]float64{{25, 1, 1, 0.2}, {25, 10, 1, 1}, {25, 0, 0.5, 0.5}, {100, 2, 0.5, 0.2}, {0, 1, 1, 1}, {math.Inf(1), 0, 1, 0}, {math.NaN(), 1, 1, 0}} {
			sum, scale := l.Put(gpu.F64, c[:1], 1), l.New(l.VectorType(), 1)
			l.Run(func(of func(gputest.Twin) gpu.Tensor) { gpu.ClipScale(of(scale), of(sum), c[1], c[2]) })
			gputest.Close(l.TB, fmt.Sprint(c), gputest.Values(scale.On), c[3:], gputest.Tol(l.VectorType(), 1))
		}
	})
}
