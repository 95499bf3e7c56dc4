package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"fmt"
	"testing"
)

// TestConformanceReLURescale has inputs of both signs, equal ones and ones that are nearer than the floor, with a baseline for
// each row, one for all, and one for every other row.
func TestConformanceReLURescale(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for i, c := range append(gputest.Ragged(), 70000) {
			for _, bases := range []int{1, 2, 4} {
				v, w := golden.Fill("x", 4*c, -1, 1), golden.Fill("b", bases*c, -1, 1)
				for j := range v {
					switch (i + j) % 7 {
					case 0:
						v[j] = w[j%len(w)]
					case 1:
						v[j], w[j%len(w)] = 3e-11, -3e-11
					}
				}
				x, b, dy := l.Put(l.VectorType(), v, 4, c), l.Put(l.VectorType(), w, bases, c), l.InVec("dy", -1, 1, 4, c)
				dx, inPlace := l.Vec(4, c), l.InVec("dy", -1, 1, 4, c)
				l.Run(func(of of) {
					gpu.ReLURescale(of(dx), of(dy), of(x), of(b))
					gpu.ReLURescale(of(inPlace), of(inPlace), of(x), of(b))
				})
				l.Same(fmt.Sprint(bases, " baselines"), dx, 1, 1)
				l.Same(fmt.Sprint(bases, " baselines, in place"), inPlace, 1, 1)
			}
		}
	})
}

// TestReLURescaleRule states the rule in numbers.
func TestReLURescaleRule(t *testing.T) {
	l := newLab(t)
	x := gputest.Put(l.a, gpu.F64, []float64{2, 2, -1, -2, 1, 0, 5e-11, -5e-11, 3}, 1, 9)
	b := gputest.Put(l.a, gpu.F64, []float64{1, -2, 3, -1, 1, 0, -2e-11, 2e-11, 0}, 1, 9)
	one, dx := l.zeros(1, 9), l.zeros(1, 9)
	gpu.Fill(one, 1)
	gpu.ReLURescale(dx, one, x, b)
	gputest.Close(t, "multipliers", gputest.Values(dx), []float64{1, 0.5, 0.75, 0, 1, 0, 1, 0, 1}, 0)
}
