package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"testing"
)

// TestConformanceBatchNormManyRows has so many blocks that their sums are added up in two rounds: of some twenty, of sixteen and
// of one more, for a grid of one column of blocks and of several.
func TestConformanceBatchNormManyRows(t *testing.T) {
	t.Setenv("SIMT_MULTIPROCESSORS", "40")
	for i, c := range []int{8, 24, 33, 64, 72, 136} {
		conform(t, func(l *gputest.Lab) {
			for j, dims := range [][]int{{2, 24, 33, c}, {17, 8, 8, c}} {
				newNorm(l, normCase{dims: dims, lo: -1, hi: 2, relu: true, add: (i+j)%2 == 0, asBit: true}).agree(l)
				newNorm(l, normCase{dims: dims, lo: -1, hi: 2, absent: (i+j)%2 == 0}).agree(l)
			}
		})
	}
}

// TestConformanceBatchNormSums normalises by sums that are given, as a convolution gives them.
func TestConformanceBatchNormSums(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, c := range []int{1, 8, 24, 33, 264} {
			for i := range 5 {
				n := newNorm(l, normCase{dims: []int{3, 5, 9, c}, lo: -1, hi: 2, relu: i > 1, add: i%2 == 1, asBit: i > 2})
				if i == 4 {
					n.dims = []int{1, 1, 1, c} // one row has no variance: all is 0, and nothing moves
					n = newNorm(l, n.normCase)
				}
				sums := l.Vec(2, c)
				gpu.Write(sums.On, sumsOf(gputest.Values(n.x.On), c))
				l.Run(func(of of) {
					x := gpu.Normed{X: of(n.x), Mean: of(n.mean), Rstd: of(n.rstd), Gamma: of(n.gamma), Beta: of(n.beta),
						RunMean: of(n.runMean), RunVar: of(n.runVar), Add: of(n.add), ReLU: n.relu}
					if x.X.Device().GPU() != nil {
						x.Sums = sums.On
					}
					gpu.BatchNormTrain(of(n.y), of(n.mask), x, n.constants())
				})
				rows := n.x.On.Len() / c
				for name, x := range map[string]gputest.Twin{"y": n.y, "mean": n.mean, "rstd": n.rstd, "running mean": n.runMean, "running variance": n.runVar} {
					l.Same("by sums, "+n.String()+name, x, rows, 8)
				}
				if n.asBit {
					n.checkMask(l)
				}
			}
		}
	})
}

// sumsOf returns the sums over rows of c values, and those of their squares.
func sumsOf(v []float64, c int) []float64 {
	sums := make([]float64, 2*c)
	for i, x := range v {
		sums[i%c] += x
		sums[c+i%c] += x * x
	}
	return sums
}

// both are two batch normalisations that are added and rectified.
type both struct {
	*norm
	other *norm
	sums  [2]gputest.Twin // that are given; none on the CPU
	some  bool            // of the gradients of parameters only two are asked for
}

func newBoth(l *gputest.Lab, c normCase, given [2]bool, some bool) *both {
	c.relu = true
	b := &both{norm: newNorm(l, c), other: newNorm(l, c), some: some}
	for i, n := range []*norm{b.norm, b.other} {
		if given[i] {
			k := c.dims[len(c.dims)-1]
			b.sums[i] = l.Vec(2, k)
			gpu.Write(b.sums[i].On, sumsOf(gputest.Values(n.x.On), k))
		}
	}
	return b
}

func (b *both) normed(of of, i int) gpu.Normed {
	n := []*norm{b.norm, b.other}[i]
	d := gpu.Normed{X: of(n.x), Mean: of(n.mean), Rstd: of(n.rstd), Gamma: of(n.gamma), Beta: of(n.beta), RunMean: of(n.runMean), RunVar: of(n.runVar),
		Dgamma: of(n.dgamma), Dbeta: of(n.dbeta)}
	if d.X.Device().GPU() != nil {
		d.Sums = b.sums[i].On
	}
	if b.some && i == 0 {
		d.Dgamma = gpu.Tensor{}
	} else if b.some {
		d.Dbeta = gpu.Tensor{}
	}
	return d
}

func (b *both) agree(l *gputest.Lab) {
	l.Helper()
	what, rows := "both, "+b.String(), b.x.On.Len()/b.gamma.On.Len()
	l.Run(func(of of) {
		gpu.BatchNormTrainBoth(of(b.y), of(b.mask), b.normed(of, 0), b.normed(of, 1), b.constants())
	})
	l.Same(what+"y", b.y, rows, 12)
	for _, n := range []*norm{b.norm, b.other} {
		for name, x := range map[string]gputest.Twin{"mean": n.mean, "rstd": n.rstd, "running mean": n.runMean, "running variance": n.runVar} {
			l.Same(what+name, x, rows, 8)
		}
	}
	gpu.Write(b.y.Ref, gputest.Values(b.y.On))
	if b.asBit {
		b.checkMask(l)
	}
	l.Run(func(of of) {
		passed := of(b.y)
		if b.asBit {
			passed = of(b.mask)
		}
		gpu.BatchNormBothBackward(of(b.dx), of(b.dy), passed, b.normed(of, 0), b.normed(of, 1))
	})
	for name, x := range map[string]gputest.Twin{"dgamma": b.dgamma, "dbeta": b.dbeta, "other dgamma": b.other.dgamma, "other dbeta": b.other.dbeta} {
		l.Same(what+name, x, rows, 8)
	}
	l.Same(what+"dx", b.dx, rows, 8)
	l.Same(what+"dz", b.dy, rows, 8)
}

func TestConformanceBatchNormBoth(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for i, c := range []int{1, 7, 8, 24, 33, 64, 264} {
			for j := range 4 {
				dims := []int{5, 3 + j, 7, c}
				newBoth(l, normCase{dims: dims, lo: -1, hi: 2, asBit: j != 3}, [2]bool{j == 1, (i+j)%2 == 1}, j == 2).agree(l)
			}
		}
	})
}

// TestConformanceBatchNormBothManyRows adds the sums of both up in two rounds.
func TestConformanceBatchNormBothManyRows(t *testing.T) {
	t.Setenv("SIMT_MULTIPROCESSORS", "40")
	for _, c := range []int{8, 72, 136} {
		conform(t, func(l *gputest.Lab) {
			newBoth(l, normCase{dims: []int{2, 24, 33, c}, lo: -1, hi: 2, asBit: true}, [2]bool{true, true}, false).agree(l)
		})
	}
}
