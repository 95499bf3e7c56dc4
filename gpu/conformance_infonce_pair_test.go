package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"fmt"
	"math"
	"testing"
)

// TestConformanceInfoNCEPair has one pair beside reference batches, at temperatures down to 0.01, where logits reach +-100.
func TestConformanceInfoNCEPair(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for i, n := range gputest.Ragged() {
			for _, s := range [][3]int{{1, 1, 1}, {3, 2, 16}, {2, 33, 130}} {
				for _, reach := range []float64{1, 10, 100} {
					spec := gpu.InfoNCEPairSpec{Asked: 0.75, Asks: 0.25, Base: float64(n)}
					if i%3 == 1 {
						spec.Own, spec.Asks = 0.5, 0
					}
					newPair(l, n, s[0], s[1], s[2], reach).agree(l, spec)
				}
			}
		}
	})
}

// pair are the tensors of an InfoNCEPair over n reference pairs: points of pairs persons each.
type pair struct {
	what                                                       string
	n                                                          int
	across, unit, partner, lse, fixed, value, dunit, untouched gputest.Twin
}

func newPair(l *gputest.Lab, n, pairs, points, d int, reach float64) *pair {
	rows := pairs * points
	logits, lse, fixed := golden.Fill("across", rows*n, -reach, reach), golden.Fill("lse", n, -reach/2, reach), golden.Fill("fixed", 2*pairs, 0, reach)
	logits[0], logits[len(logits)-1], lse[0] = reach, -reach, -reach
	across := l.InVec("x", 0, 1, rows, n)
	gpu.Write(across.On, logits)
	gpu.Write(across.Ref, gputest.Values(across.On))
	untouched := l.Vec(rows, n)
	gpu.Write(untouched.On, logits)
	gpu.Write(untouched.Ref, gputest.Values(across.On))
	size := reach * math.Sqrt(9/float64(d)) // own logits of either sign, near reach at most
	return &pair{what: fmt.Sprintf("%d reference pairs, %d x %d rows of %d, logits to %g: ", n, points, pairs, d, reach), n: n, across: across,
		unit: l.InVec("unit", -1/math.Sqrt(float64(d)), 1/math.Sqrt(float64(d)), rows, d), partner: l.InVec("partner", -size, size, pairs, d),
		lse: l.Put(gpu.F64, lse, n), fixed: l.Put(gpu.F64, fixed, pairs, 2), value: l.New(gpu.F64, rows, 4), dunit: l.Vec(rows, d), untouched: untouched}
}

// agree runs values and gradients and holds both to the judge.
func (p *pair) agree(l *gputest.Lab, spec gpu.InfoNCEPairSpec) {
	l.Helper()
	none := gputest.Twin{}
	l.Run(func(of of) {
		gpu.InfoNCEPair(of(p.value), of(none), of(p.untouched), of(p.unit), of(p.partner), of(p.lse), of(p.fixed), spec)
		gpu.InfoNCEPair(of(none), of(p.dunit), of(p.across), of(p.unit), of(p.partner), of(p.lse), of(p.fixed), spec)
	})
	tol := gputest.Tol(l.VectorType(), 1)
	gputest.Close(l.TB, p.what+"value", gputest.Values(p.value.On), gputest.Values(p.value.Ref), tol)
	l.Same(p.what+"gradient by the logits", p.across, 1, 4)
	l.Same(p.what+"gradient through the own logit", p.dunit, 1, 4)
}

// TestPairsFarApart: logits and log-sum-exps whose powers no float64 holds have the gradient that the formula says.
func TestPairsFarApart(t *testing.T) {
	l := newLab(t)
	logits, lses := []float64{2000, -2000, 1999, 0, -900}, []float64{-1500, 1000, 1999, -1, -900}
	across, lse := gputest.Put(l.a, gpu.F64, logits, 1, 5), gputest.Put(l.a, gpu.F64, lses, 5)
	unit, partner, fixed := gputest.Put(l.a, gpu.F64, []float64{1}, 1, 1), gputest.Put(l.a, gpu.F64, []float64{1998}, 1, 1), l.zeros(1, 2)
	gpu.InfoNCEPair(gpu.Tensor{}, l.zeros(1, 1), across, unit, partner, lse, fixed, gpu.InfoNCEPairSpec{Asked: 0.75, Asks: 0.25})
	sum, want := math.Exp(-2), []float64(nil) // beside the largest logit; the own one is 2 below
	for _, v := range logits {
		sum += math.Exp(v - 2000)
	}
	for i, v := range logits {
		want = append(want, (0.75/(1+math.Exp(lses[i]-v))+0.25*math.Exp(v-2000)/sum)/6)
	}
	gputest.Close(t, "gradient", gputest.Values(across), want, 1e-14)
}

// emptyPairs has no rows, no reference, and rows of nothing.
func emptyPairs(l *gputest.Lab) []emptyCase {
	var all []emptyCase
	for _, s := range [][3]int{{0, 8, 5}, {0, 0, 5}, {3, 8, 0}} { // rows, d, reference
		rows, d, n, v := s[0], s[1], s[2], l.VectorType()
		unit, across, dunit, value := l.InVec("unit", -1, 1, rows, d), l.Zeros(v, rows, n), l.Zeros(v, rows, d), l.New(gpu.F64, rows, 4)
		lse, fixed, x, none := l.Zeros(gpu.F64, n), l.Zeros(gpu.F64, rows, 2), l.Zeros(v, rows, 0), gputest.Twin{}
		all = append(all, emptyCase{name: "pairs", run: func(of of) {
			gpu.InfoNCEPair(of(value), of(none), of(across), of(unit), of(unit), of(lse), of(fixed), gpu.InfoNCEPairSpec{})
			gpu.InfoNCEPair(of(none), of(dunit), of(across), of(unit), of(unit), of(lse), of(fixed), gpu.InfoNCEPairSpec{})
			gpu.ReLURescale(of(x), of(x), of(x), of(x))
			gpu.ReLURescale(of(dunit), of(dunit), of(unit), of(unit))
		}, zeros: []gputest.Twin{dunit}})
	}
	return all
}
