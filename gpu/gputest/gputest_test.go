package gputest

import (
	"math"
	"testing"

	"contig-gpu/gpu"
)

// recorder counts the failures that a helper reports.
type recorder struct {
	testing.TB
	failures int
}

func (r *recorder) Helper()                   {}
func (r *recorder) Errorf(_ string, _ ...any) { r.failures++ }

func TestGradFindsAWrongGradient(t *testing.T) {
	a := Open(t, "cpu", gpu.Options{Threads: 1}).NewArena(1 << 16)
	x := Filled(a, gpu.F64, "x", -1, 1, 20)
	square := func() float64 { return Dot(x, Values(x)) }
	right := Values(x)
	for i := range right {
		right[i] *= 2
	}
	Grad(t, "x*x", square, x, right)
	for _, wrong := range []float64{0, right[7] * 1.001, math.NaN()} {
		r, dx := &recorder{TB: t}, append([]float64(nil), right...)
		dx[7] = wrong
		if Grad(r, "x*x", square, x, dx); r.failures != 1 {
			t.Errorf("a gradient of %v instead of %v passes", wrong, right[7])
		}
	}
}

func TestRelError(t *testing.T) {
	for _, c := range []struct {
		got, want []float64
		err       float64
	}{
		{[]float64{1, 2}, []float64{1, 2}, 0},
		{[]float64{3, 4.5}, []float64{3, 4}, 0.1},
		{[]float64{0.5}, []float64{0}, 0.5},
		{[]float64{math.NaN()}, []float64{1}, math.Inf(1)},
		{[]float64{1}, []float64{1, 2}, math.Inf(1)},
	} {
		if e := RelError(c.got, c.want); e != c.err {
			t.Errorf("RelError(%v, %v) = %v, want %v", c.got, c.want, e, c.err)
		}
	}
}

func TestPanicsNeedsThePanic(t *testing.T) {
	r := &recorder{TB: t}
	Panics(r, "text", func() {})
	Panics(r, "text", func() { panic("other") })
	if r.failures != 2 {
		t.Errorf("%d failures reported, want 2", r.failures)
	}
}
