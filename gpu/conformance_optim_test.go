package gpu_test

import (
	"bytes"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"math"
	"testing"
)

// optimLengths are ragged lengths, and one of several blocks.
func optimLengths() []int { return append(gputest.Ragged(), 5*1024+3) }

// conformVectors is conform for operations on float32 (or float64) alone.
func conformVectors(t *testing.T, f func(l *gputest.Lab)) {
	conform(t, func(l *gputest.Lab) {
		if l.Type == l.VectorType() {
			f(l)
		}
	})
}

// halves returns the types of 16-bit copies to try beside none, which is F32.
func halves(l *gputest.Lab) []gpu.DType {
	if l.Zeros(gpu.F32, 1).On.Device().Name() != "cuda" {
		return []gpu.DType{gpu.F32}
	}
	return []gpu.DType{gpu.F32, gpu.BF16, gpu.F16}
}

// step is what a step of an optimiser works on. Its parameters begin lo elements into their memory, so that they are
// aligned to 16 bytes or not.
type step struct {
	p, half, g, m, v, rates, scale gputest.Twin
}

func newStep(l *gputest.Lab, d gpu.DType, n, lo int, rates []float64) step {
	in := func(name string, from, to float64) gputest.Twin { return cutTwin(l.InVec(name, from, to, n+lo), lo) }
	s := step{p: in("p", -1, 1), g: in("g", -3, 2), m: in("m", -1, 1), v: in("v", 0, 2), rates: l.Put(l.VectorType(), rates, 3), scale: l.InVec("scale", 0.4, 0.5, 1)}
	if d != gpu.F32 {
		s.half = cutTwin(l.New(d, n+lo), lo)
	}
	return s
}

// cutTwin leaves out the first lo elements.
func cutTwin(x gputest.Twin, lo int) gputest.Twin {
	return gputest.Twin{On: x.On.Slice(lo, x.On.Len()), Ref: x.Ref.Slice(lo, x.Ref.Len())}
}

func (s step) check(l *gputest.Lab, what string) {
	l.Same(what+": p", s.p, 1, 4)
	l.Same(what+": m", s.m, 1, 4)
	l.Same(what+": v", s.v, 1, 4)
	if s.half.Ok() {
		l.Same(what+": half", gputest.Twin{On: s.half.On, Ref: s.p.Ref}, 1, 1)
	}
}

// forSteps calls f for every length, alignment and type of copy.
func forSteps(l *gputest.Lab, rates []float64, f func(s step, what string)) {
	for _, d := range halves(l) {
		for _, n := range optimLengths() {
			for _, lo := range []int{0, 1} {
				f(newStep(l, d, n, lo, rates), fmt.Sprintf("%d elements from %d, copy %v", n, lo, d))
			}
		}
	}
}

func TestConformanceAdam(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for i, spec := range []gpu.AdamSpec{
			{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1},
			{Beta1: 0.8, Beta2: 0.99, Eps: 0.5, WeightDecay: 0.1, Decoupled: true}, // an epsilon that counts
		} {
			forSteps(l, spec.Rates(0.01, 3), func(s step, what string) {
				l.Run(func(of func(gputest.Twin) gpu.Tensor) {
					scale := s.scale
					if i == 1 {
						scale = gputest.Twin{}
					}
					gpu.Adam(of(s.p), of(s.half), of(s.g), of(s.m), of(s.v), of(s.rates), of(scale), spec)
				})
				s.check(l, fmt.Sprintf("%+v %s", spec, what))
			})
		}
	})
}

func TestConformanceSGD(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for _, spec := range []gpu.SGDSpec{{Momentum: 0.9, WeightDecay: 0.1}, {Momentum: 0.9, WeightDecay: 0.1, Nesterov: true}, {}} {
			forSteps(l, spec.Rates(0.1), func(s step, what string) {
				l.Run(func(of func(gputest.Twin) gpu.Tensor) {
					gpu.SGD(of(s.p), of(s.half), of(s.g), of(s.m), of(s.rates), of(s.scale), spec)
				})
				s.check(l, fmt.Sprintf("%+v %s", spec, what))
			})
		}
	})
}

func TestConformanceEMA(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for _, n := range optimLengths() {
			for _, lo := range []int{0, 1} {
				avg, p, decay := cutTwin(l.InVec("avg", -1, 1, n+lo), lo), cutTwin(l.InVec("p", -1, 1, n+lo), lo), l.InVec("decay", 0.9, 1, 1)
				l.Run(func(of func(gputest.Twin) gpu.Tensor) { gpu.EMA(of(avg), of(p), of(decay)) })
				l.Same(fmt.Sprintf("average of %d from %d", n, lo), avg, 1, 4)
			}
		}
	})
}

// TestConformanceSkippedStep: a gradient that is not finite changes nothing.
func TestConformanceSkippedStep(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for _, d := range halves(l) {
			s := newStep(l, d, 33, 0, []float64{1, 1, 1})
			sum, scale := l.Zeros(gpu.F64, 1), l.New(l.VectorType(), 1)
			all := []gpu.Tensor{s.p.On, s.m.On, s.v.On}
			if s.half.Ok() {
				all = append(all, s.half.On)
			}
			before := dump(all...)
			l.Run(func(of func(gputest.Twin) gpu.Tensor) {
				gpu.Fill(of(s.g).Slice(7, 8), math.NaN())
				gpu.SumSquares(of(sum), of(s.g))
				gpu.ClipScale(of(scale), of(sum), 1, 1)
				gpu.Adam(of(s.p), of(s.half), of(s.g), of(s.m), of(s.v), of(s.rates), of(scale), gpu.AdamSpec{Decoupled: true, WeightDecay: 0.1})
				gpu.SGD(of(s.p), of(s.half), of(s.g), of(s.m), of(s.rates), of(scale), gpu.SGDSpec{Momentum: 0.9})
			})
			if !bytes.Equal(dump(all...), before) {
				l.Errorf("copy %v: the step changed parameters or moments", d)
			}
		}
	})
}
