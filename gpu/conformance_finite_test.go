package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"math"
	"testing"
)

func TestConformanceFinite(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, n := range optimLengths() {
			for _, bad := range []float64{0, math.NaN(), math.Inf(1), math.Inf(-1)} {
				for _, at := range []int{0, n / 2, n - 1} {
					v := make([]float64, n)
					v[at] = bad
					x, flag := l.Put(l.Type, v, n), l.Ints([]int32{0}, 1)
					l.Run(func(of func(gputest.Twin) gpu.Tensor) { gpu.Finite(of(flag), of(x)) })
					if got := gputest.Values(flag.On)[0] != 0; got != (bad != 0) {
						l.Errorf("%v at %d of %d: flag set is %v", bad, at, n, got)
					}
				}
			}
		}
		flag := l.Ints([]int32{1}, 1)
		l.Run(func(of func(gputest.Twin) gpu.Tensor) { gpu.Finite(of(flag), of(l.Zeros(l.Type, 40))) })
		if gputest.Values(flag.On)[0] != 1 {
			l.Error("finite numbers took the flag back")
		}
	})
}

// TestConformanceFiniteEach has a flag for each of many views of one tensor: those that name the culprit are neighbours.
func TestConformanceFiniteEach(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		const parts, size = 9, 35 // views begin where no 16 bytes do
		v := make([]float64, parts*size)
		v[2*size], v[5*size-1], v[6*size+17] = math.NaN(), math.Inf(1), math.Inf(-1)
		x, flags := l.Put(l.Type, v, parts*size), l.Zeros(gpu.I32, parts)
		l.Run(func(of of) {
			for i := range parts {
				gpu.Finite(of(flags).Slice(i, i+1), of(x).Slice(i*size, (i+1)*size).View(5, 7))
			}
		})
		gputest.Close(l.TB, "flags", gputest.Values(flags.On), []float64{0, 0, 1, 0, 1, 0, 1, 0, 0}, 0)
	})
}
