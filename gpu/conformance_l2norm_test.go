package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"fmt"
	"math"
	"testing"
)

func TestConformanceL2Norm(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, n := range gputest.Ragged() {
			for _, d := range []int{1, 16, 128, 130} {
				conformL2Norm(l, n, d)
			}
		}
	})
}

func conformL2Norm(l *gputest.Lab, n, d int) {
	v, wide := golden.Fill("x", n*d, -1, 1), l.Type == l.VectorType()
	short, long, eps := 1e-14, 1e4, 1e-12
	if !wide {
		short, long, eps = 1e-3, 1e2, 0.1 // what 16 bits hold, and their gradients
	}
	for i := range d {
		v[i] *= short            // shorter than eps
		v[(n-1)*d+i] *= long     // long
		v[n/2*d+i] *= float64(n) // the zero row where n is 1, together with the first line
	}
	x, y, norm := l.Put(l.Type, v, n, d), l.Vec(n, d), l.Vec(n)
	dy, dx, alias := l.InVec("dy", -1, 1, n, d), l.Out(n, d), l.InVec("dy", -1, 1, n, d)
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		gpu.L2Norm(of(y), of(norm), of(x), eps)
		gpu.L2NormBackward(of(dx), of(dy), of(y), of(norm), eps)
		if wide {
			gpu.L2NormBackward(of(alias), of(alias), of(y), of(norm), eps)
		}
	})
	what := fmt.Sprintf("%d rows of %d: ", n, d)
	l.Same(what+"norm", norm, d, 1)
	sameRows(l, what+"y", y, nil, 1e-6)
	// What the projection cancels is held to the length of dy / norm.
	size := make([]float64, n)
	for r := range size {
		size[r] = math.Sqrt(float64(d)) / gputest.Values(norm.Ref)[r]
	}
	sameRows(l, what+"dx", dx, size, math.Max(1e-6, gputest.Tol(l.Type, 1)))
	if wide {
		sameRows(l, what+"dx over dy", alias, size, 1e-6)
	}
}

// sameRows compares row by row, within tol of the row's length or of size where that is given.
func sameRows(l *gputest.Lab, what string, x gputest.Twin, size []float64, tol float64) {
	got, want, d := gputest.Values(x.On), gputest.Values(x.Ref), x.On.Dim(1)
	for r := range x.On.Dim(0) {
		a, b := got[r*d:(r+1)*d], want[r*d:(r+1)*d]
		most := tol * distance(b, make([]float64, d))
		if size != nil {
			most = math.Max(most, tol*size[r])
		}
		if e := distance(a, b); !(e <= most) {
			l.Errorf("%s: row %d is off by %.3g, allowed %.3g", what, r, e, most)
			return
		}
	}
}
