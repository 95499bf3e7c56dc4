package gpu_test

import (
	"bytes"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"math"
	"testing"
)

// fixed is a batch normalisation by running statistics, and the gradients of it that are asked for.
type fixed struct {
	*norm
	asked string // of dgamma, dbeta and x, those that are given: a letter each, "gbx"
}

func newFixed(l *gputest.Lab, c normCase, asked string) *fixed { return &fixed{newNorm(l, c), asked} }

func (f *fixed) gives(letter byte, x gputest.Twin) gputest.Twin {
	for i := range len(f.asked) {
		if f.asked[i] == letter {
			return x
		}
	}
	return gputest.Twin{}
}

func (f *fixed) forward(of of) {
	gpu.BatchNormEval(of(f.y), of(f.mask), gpu.Normed{X: of(f.x), Gamma: of(f.gamma), Beta: of(f.beta), RunMean: of(f.runMean), RunVar: of(f.runVar), Add: of(f.add), Present: of(f.present), ReLU: f.relu}, f.constants())
}

func (f *fixed) backward(of of) {
	through := of(f.y)
	if f.asBit {
		through = of(f.mask)
	}
	gpu.BatchNormEvalBackward(of(f.dx), of(f.dadd), of(f.dy), through, gpu.Normed{X: of(f.gives('x', f.x)), Gamma: of(f.gamma), RunMean: of(f.runMean), RunVar: of(f.runVar), Present: of(f.present), ReLU: f.relu, Dgamma: of(f.gives('g', f.dgamma)), Dbeta: of(f.gives('b', f.dbeta))}, f.constants())
}

// agree compares forward and backward, as norm's does; gradients of parameters that are not asked for must not move.
func (f *fixed) agree(l *gputest.Lab) {
	l.Helper()
	what, rows := fmt.Sprintf("%v asked for %q: ", f, f.asked), f.x.On.Len()/f.gamma.On.Len()
	l.Run(f.forward)
	l.Same(what+"y", f.y, 1, 8)
	gpu.Write(f.y.Ref, gputest.Values(f.y.On))
	if f.asBit {
		f.checkMask(l)
	}
	dy := dump(f.dy.On)
	l.Run(f.backward)
	if f.dy != f.dx && f.dy != f.dadd && !bytes.Equal(dump(f.dy.On), dy) {
		l.Errorf("%sdy is written to", what)
	}
	l.Same(what+"dgamma", f.dgamma, rows, 8)
	l.Same(what+"dbeta", f.dbeta, rows, 8)
	l.Same(what+"dx", f.dx, 1, 8)
	if f.dadd.Ok() {
		l.Same(what+"dadd", f.dadd, 1, 1)
	}
}

func TestConformanceBatchNormEval(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		asked := []string{"gbx", "", "gx", "b", "bx", "x"}
		for i, c := range append(gputest.Ragged(), 8, 24, 264) {
			for j, dims := range [][]int{{33 + i, c}, {3, 5, 2 + i%3, c}, {1, c}} {
				for _, bits := range []int{(i + j) % 4, (i + 2*j + 3) % 4} {
					n := normCase{dims: dims, lo: -1, hi: 2, absent: bits&1 != 0, relu: bits&2 != 0, add: (i+j)%2 == 0, asBit: bits&2 != 0 && j != 0}
					newFixed(l, n, asked[(i+j+bits)%len(asked)]).agree(l)
				}
			}
		}
	})
}

// TestConformanceBatchNormEvalAsked asks for every choice of gradients, by the ReLU's result and by its mask.
func TestConformanceBatchNormEvalAsked(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, asked := range []string{"gbx", "gx", "bx", "b", "x", ""} {
			for _, c := range []int{7, 8, 64} {
				for i := range 4 {
					n := normCase{dims: []int{5, 3, 7, c}, lo: -1, hi: 2, relu: true, absent: true, add: i&1 != 0, asBit: i&2 != 0}
					newFixed(l, n, asked).agree(l)
				}
			}
		}
	})
}

// TestConformanceBatchNormEvalAliases has y in the place of add, dx in that of dy, and dadd in that of dy.
func TestConformanceBatchNormEvalAliases(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, c := range []int{8, 33, 264} {
			for i := range 4 {
				f := newFixed(l, normCase{dims: []int{40, c}, lo: -1, hi: 2, relu: i < 2, add: true, absent: true}, "gbx")
				f.y = f.add
				if i%2 == 0 {
					f.dx, f.dadd = f.dy, gputest.Twin{}
				} else {
					f.dadd = f.dy
				}
				f.agree(l)
			}
		}
	})
}

// TestConformanceBatchNormEvalUnread: without dgamma nothing of x reaches a gradient, and what the ReLU held back nothing
// of dy does, whatever they hold.
func TestConformanceBatchNormEvalUnread(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, c := range []int{5, 16} {
			f := newFixed(l, normCase{dims: []int{9, c}, lo: -1, hi: 2, relu: true}, "bx")
			l.Run(f.forward)
			gpu.Write(f.y.Ref, gputest.Values(f.y.On))
			dy := gputest.Values(f.dy.Ref)
			for i, v := range gputest.Values(f.y.On) {
				if v == 0 {
					dy[i] = math.Inf(1)
				}
			}
			gpu.Write(f.dy.On, dy)
			gpu.Write(f.dy.Ref, dy)
			gpu.Fill(f.x.On, math.NaN())
			l.Run(f.backward)
			l.Same("dx", f.dx, 1, 8)
			l.Same("dbeta", f.dbeta, 9, 8)
		}
	})
}

// TestConformanceBatchNormInputsAlone leaves out the gradients of the parameters, with the statistics of a batch: dx stays
// the same bytes.
func TestConformanceBatchNormInputsAlone(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, c := range []int{7, 64} {
			n := newNorm(l, normCase{dims: []int{6, 5, 3, c}, lo: -1, hi: 2, relu: true, absent: true})
			l.Run(n.forward)
			l.Run(n.backward)
			want, dbeta := dump(n.dx.On), dump(n.dbeta.On)
			for _, skip := range []*gputest.Twin{&n.dgamma, &n.dbeta} {
				*skip = gputest.Twin{}
				gpu.Fill(n.dx.On, math.NaN())
				l.Run(n.backward)
				if !bytes.Equal(dump(n.dx.On), want) {
					l.Errorf("%vdx changes where gradients of parameters are left out", n)
				}
				if n.dbeta.Ok() && bytes.Equal(dump(n.dbeta.On), dbeta) {
					l.Errorf("%vdbeta got nothing", n)
				}
			}
		}
	})
}
