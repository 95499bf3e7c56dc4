package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"testing"
)

// normCase is a batch normalisation to run.
type normCase struct {
	dims                     []int
	absent, add, relu, asBit bool    // absent rows; optional arguments; backward by the mask
	lo, hi                   float64 // of x
	cancels                  bool    // of two rows: dx is the difference of nearly equal numbers
}

func (c normCase) String() string {
	return fmt.Sprintf("%v in [%g, %g), absent %v, add %v, relu %v, mask %v: ", c.dims, c.lo, c.hi, c.absent, c.add, c.relu, c.asBit)
}

// norm are the tensors of a normCase.
type norm struct {
	normCase
	x, add, present, mask                    gputest.Twin
	mean, rstd, gamma, beta, runMean, runVar gputest.Twin
	y, dy, dx, dadd, dgamma, dbeta, eval     gputest.Twin
}

func newNorm(l *gputest.Lab, c normCase) *norm {
	k := c.dims[len(c.dims)-1]
	n := &norm{normCase: c, x: l.In("x", c.lo, c.hi, c.dims...), y: l.Out(c.dims...), eval: l.Out(c.dims...), dx: l.Out(c.dims...),
		dy: l.In("dy", -1, 2, c.dims...), mean: l.Vec(k), rstd: l.Vec(k), gamma: l.InVec("gamma", -1, 2, k), beta: l.InVec("beta", -1, 1, k),
		runMean: l.InVec("runMean", -1, 1, k), runVar: l.InVec("runVar", 0.5, 2, k), dgamma: l.InVec("dgamma", -1, 1, k), dbeta: l.InVec("dbeta", -1, 1, k)}
	if c.absent {
		per := n.x.On.Len() / c.dims[0]
		v, present := notNumbers(l, "x", c.dims[0], per, presence(c.dims[0]))
		n.x, n.present = l.Put(l.Type, gputest.Values(v.Ref), c.dims...), present
	}
	if c.add {
		n.add, n.dadd = l.In("add", -1, 1, c.dims...), l.Out(c.dims...)
	}
	if c.asBit {
		n.mask = l.New(gpu.U8, gpu.PassedLen(n.x.On.Len()))
	}
	return n
}

func (n *norm) constants() gpu.BatchNorm { return gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1} }

func (n *norm) forward(of of) {
	gpu.BatchNormEval(of(n.eval), gpu.Tensor{}, gpu.Normed{X: of(n.x), Gamma: of(n.gamma), Beta: of(n.beta), RunMean: of(n.runMean), RunVar: of(n.runVar), Add: of(n.add), Present: of(n.present), ReLU: n.relu}, n.constants())
	gpu.BatchNormTrain(of(n.y), of(n.mask), gpu.Normed{X: of(n.x), Mean: of(n.mean), Rstd: of(n.rstd), Gamma: of(n.gamma), Beta: of(n.beta), RunMean: of(n.runMean), RunVar: of(n.runVar), Add: of(n.add), Present: of(n.present), ReLU: n.relu}, n.constants())
}

func (n *norm) backward(of of) {
	through := of(n.y)
	if n.asBit {
		through = of(n.mask)
	}
	gpu.BatchNormBackward(of(n.dx), of(n.dadd), of(n.dy), through, gpu.Normed{X: of(n.x), Mean: of(n.mean), Rstd: of(n.rstd), Gamma: of(n.gamma), Present: of(n.present), ReLU: n.relu, Dgamma: of(n.dgamma), Dbeta: of(n.dbeta)})
}

// agree runs forward and backward and compares both. What passed the ReLU is taken from the target before backward, so
// that an element that rounds to the other side of 0 is one error, not many.
func (n *norm) agree(l *gputest.Lab) {
	l.Helper()
	rows := n.x.On.Len() / n.gamma.On.Len()
	l.Run(n.forward)
	for name, x := range map[string]gputest.Twin{"y": n.y, "evaluation": n.eval, "mean": n.mean, "rstd": n.rstd, "running mean": n.runMean, "running variance": n.runVar} {
		l.Same(n.String()+name, x, rows, 8)
	}
	gpu.Write(n.y.Ref, gputest.Values(n.y.On))
	if n.asBit {
		n.checkMask(l)
	}
	l.Run(n.backward)
	for name, x := range map[string]gputest.Twin{"dgamma": n.dgamma, "dbeta": n.dbeta} {
		l.Same(n.String()+name, x, rows, 8)
	}
	loose := 8.0
	if n.cancels {
		loose = 1000
	}
	l.Same(n.String()+"dx", n.dx, rows, loose)
	if n.normCase.add {
		l.Same(n.String()+"dadd", n.dadd, 1, 1)
	}
}

// checkMask holds the target's mask to the target's y, unused bits included, and gives it to the judge.
func (n *norm) checkMask(l *gputest.Lab) {
	l.Helper()
	want := make([]uint8, n.mask.On.Len())
	for i, v := range gputest.Values(n.y.On) {
		if v > 0 {
			want[i/8] |= 1 << (i % 8)
		}
	}
	exact(l, n.String()+"mask", n.mask.On, l.Bytes(want, len(want)).Ref)
	gpu.Write(n.mask.Ref, want)
}

func TestConformanceBatchNorm(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for i, c := range gputest.Ragged() {
			for _, dims := range [][]int{{33 + i, c}, {3, 5, 2 + i%3, c}} {
				newNorm(l, normCase{dims: dims, lo: -1, hi: 2}).agree(l)
				newNorm(l, normCase{dims: dims, lo: -1, hi: 2, absent: true}).agree(l)
			}
		}
		for _, c := range []int{8, 24, 64, 520} {
			newNorm(l, normCase{dims: []int{4, 9, 7, c}, lo: -3, hi: 1}).agree(l)
			newNorm(l, normCase{dims: []int{7, 4, 4, c}, lo: -3, hi: 1, absent: true}).agree(l)
		}
	})
}

func TestConformanceBatchNormReLU(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, c := range []int{1, 7, 8, 12, 33, 64, 264} {
			for i := range 8 {
				n := normCase{dims: []int{5, 3, 7, c}, lo: -1, hi: 2, relu: true, absent: i&1 != 0, add: i&2 != 0, asBit: i&4 != 0}
				newNorm(l, n).agree(l)
			}
		}
	})
}

// TestConformanceBatchNormAliases has y in the place of add, dx in that of dy, and dadd in that of dy.
func TestConformanceBatchNormAliases(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, c := range []int{8, 33, 264} {
			for i := range 2 {
				n := newNorm(l, normCase{dims: []int{40, c}, lo: -1, hi: 2, relu: true, add: true, absent: true})
				n.y = n.add
				if i == 0 {
					n.dx, n.dadd, n.normCase.add = n.dy, gputest.Twin{}, false
				} else {
					n.dadd = n.dy
				}
				n.agree(l)
			}
		}
	})
}

// TestConformanceBatchNormFewRows has no row of statistics, one, and two.
func TestConformanceBatchNormFewRows(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, c := range []int{3, 8, 129} {
			for i := range 6 {
				rows, relu := i/2, i%2 == 1
				n := newNorm(l, normCase{dims: []int{5, c}, lo: -1, hi: 2, relu: relu, add: true, asBit: relu, cancels: rows == 2})
				p := make([]uint8, 5)
				for r := range rows {
					p[3-2*r] = 1
				}
				n.x, n.present = notNumbers(l, "x", 5, c, p)
				n.agree(l)
			}
		}
	})
}

// TestConformanceBatchNormFarFromZero has columns whose mean is a thousand times their spread: float32 must keep the
// spread, whatever the first row holds.
func TestConformanceBatchNormFarFromZero(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		if l.Type == gpu.BF16 || l.Type == gpu.F16 {
			l.Skip("16 bits do not hold such numbers")
		}
		for _, c := range []int{3, 132} { // few columns, and so many that a thread sums tens of rows
			for _, first := range []float64{1000, 0} {
				n := newNorm(l, normCase{dims: []int{2, 40, 30, c}, lo: 999, hi: 1001})
				v := gputest.Values(n.x.Ref)
				for j := range c {
					v[j] = first
				}
				n.x = l.Put(l.Type, v, 2, 40, 30, c)
				l.Run(n.forward)
				tol := gputest.Tol(l.Type, 1)
				for name, x := range map[string]gputest.Twin{"mean": n.mean, "rstd": n.rstd, "running variance": n.runVar} {
					gputest.Close(l.TB, n.String()+name, gputest.Values(x.On), gputest.Values(x.Ref), tol)
				}
				// The mean is off by half a unit in the last place, a ten thousandth of the spread at most.
				gputest.Close(l.TB, n.String()+"y", gputest.Values(n.y.On), gputest.Values(n.y.Ref), 1e-4)
			}
		}
	})
}

// TestConformanceBatchNormRepeats runs a training step twice on the target: the bytes must be the same.
func TestConformanceBatchNormRepeats(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		var first [][]float64
		for i := range 2 {
			n := newNorm(l, normCase{dims: []int{64, 6, 7, 72}, lo: -1, hi: 2, relu: true, add: true})
			on := func(x gputest.Twin) gpu.Tensor { return x.On }
			n.forward(on)
			n.backward(on)
			for k, x := range []gputest.Twin{n.y, n.mean, n.rstd, n.runVar, n.dx, n.dadd, n.dgamma, n.dbeta} {
				if i == 0 {
					first = append(first, gputest.Values(x.On))
				} else {
					gputest.Close(l.TB, fmt.Sprint("tensor ", k), gputest.Values(x.On), first[k], 0)
				}
			}
		}
	})
}
