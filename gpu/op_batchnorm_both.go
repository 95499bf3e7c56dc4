package gpu

import (
	"contig-gpu/kernels"
)

// BatchNormTrainBoth computes y = relu(BatchNormTrain of a + BatchNormTrain of b) over all rows, as BatchNormTrain of b, whose y
// is added to that of a: in 16 bits on a GPU in one pass, in which what b comes to is not rounded, or written. mask is
// BatchNormTrain's. Add, Present and ReLU of a and b are not looked at.
func BatchNormTrainBoth(y, mask Tensor, a, b Normed, bn BatchNorm) {
	both := newBNBoth("BatchNormTrainBoth", y, Tensor{}, Tensor{}, mask, a, b)
	both.a.y, both.b.y = y, y
	both.a.bn, both.b.bn = bn, bn
	for _, n := range []*bnArgs{&both.a, &both.b} {
		n.check("BatchNormTrainBoth", map[string]Tensor{"y": y}, map[string]Tensor{"beta": n.beta, "mean": n.mean, "rstd": n.rstd, "gamma": n.gamma, "runMean": n.runMean, "runVar": n.runVar})
		n.wantSums()
	}
	if fused(y, func(c *gpu) bool { return both.halves() && c.bnTrainBoth(both) }) {
		return
	}
	b.Add, b.Present, b.ReLU = Tensor{}, Tensor{}, false
	a.Add, a.Present, a.ReLU = y, Tensor{}, true
	BatchNormTrain(y, Tensor{}, b, bn)
	BatchNormTrain(y, mask, a, bn)
}

// BatchNormBothBackward computes dx, the gradient of a's x, and in dy's place that of b's, and adds to the Dgamma and Dbeta that
// are given. passed is BatchNormTrainBoth's result or its mask.
func BatchNormBothBackward(dx, dy, passed Tensor, a, b Normed) {
	both := newBNBoth("BatchNormBothBackward", passed, dx, dy, Tensor{}, a, b)
	if passed.dtype == U8 {
		both.a.mask, both.b.mask = passed, passed
	}
	for _, n := range []*bnArgs{&both.a, &both.b} {
		n.check("BatchNormBothBackward", n.through(passed, map[string]Tensor{"dx": n.dx, "dy": dy}),
			map[string]Tensor{"mean": n.mean, "rstd": n.rstd, "gamma": n.gamma, "dgamma": n.dgamma, "dbeta": n.dbeta})
	}
	if fused(dy, func(c *gpu) bool { return both.halves() && c.bnBackwardBoth(both) }) {
		return
	}
	a.Present, a.ReLU = Tensor{}, true
	b.Present, b.ReLU = Tensor{}, false
	BatchNormBackward(dx, dy, dy, passed, a)
	BatchNormBackward(dy, Tensor{}, dy, Tensor{}, b)
}

// bnBoth are two normalisations that are added and rectified.
type bnBoth struct{ a, b bnArgs }

func newBNBoth(op string, like, dx, dy, mask Tensor, a, b Normed) *bnBoth {
	args := func(n Normed, dx Tensor) bnArgs {
		x := n.args()
		x.add, x.present, x.mask, x.dx, x.dy, x.relu = Tensor{}, Tensor{}, mask, dx, dy, true
		return x
	}
	wantLike(op, "the other x", b.X, a.X)
	return &bnBoth{args(a, dx), args(b, dy)}
}

// halves reports whether both are those of the kernels for networks of images in 16 bits, by this device's rows.
func (n *bnBoth) halves() bool {
	if n.a.overRanks() || n.b.overRanks() {
		return false
	}
	s := columnsOf("BatchNormBoth", n.a.x, n.b.x)
	for _, t := range []Tensor{n.a.y, n.a.dx, n.a.dy} {
		if t.Ok() && t.at%16 != 0 {
			return false
		}
	}
	return n.a.halves(s) && n.b.halves(s)
}

func (c *gpu) bnTrainBoth(n *bnBoth) bool {
	a, b, s := &n.a, &n.b, columnsOf("BatchNormTrainBoth", n.a.x)
	for _, one := range []*bnArgs{a, b} { // without sums the statistics are a pass of their own, in scratch memory that the next one takes
		if !one.sums.Ok() {
			c.bnFinish(one, s)
		}
	}
	k := &kernels.BatchnormBoth{Y: a.y.ptr(), Mask: a.mask.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(), Rstd: a.rstd.ptr(), Gamma: a.gamma.ptr(), Beta: a.beta.ptr(),
		Sums: a.sums.ptr(), RunMean: a.runMean.ptr(), RunVar: a.runVar.ptr(),
		Z: b.x.ptr(), ZMean: b.mean.ptr(), ZRstd: b.rstd.ptr(), ZGamma: b.gamma.ptr(), ZBeta: b.beta.ptr(),
		ZSums: b.sums.ptr(), ZRunMean: b.runMean.ptr(), ZRunVar: b.runVar.ptr(), Eps: a.bn.Eps, Momentum: a.bn.Momentum, Rows: int32(s.rows), C: int32(s.c)}
	launch(c, "batchnorm_both", a.x.dtype, s.grid(c, kernels.BnBackRows, bnHalvesBlocks), k, a.y, a.x, b.x, a.mask)
	c.bnMaskRest(a, a.x.Len()/8)
	return true
}

func (c *gpu) bnBackwardBoth(n *bnBoth) bool {
	a, b, s := &n.a, &n.b, columnsOf("BatchNormBothBackward", n.a.x)
	g := s.grid(c, kernels.BnBackRows, bnSumBlocks)
	count, sum, vector := aligned(4*g.Blocks[0]*parts(g)), aligned(4*3*parts(g)*s.c), aligned(4*s.c)
	p := c.scratch(arenaAlign + count + sum + 6*vector)
	sums := p.Add(arenaAlign + count)
	slope := func(i int) uint64 { return uint64(sums.Add(sum + i*vector)) }
	launch(c, "batchnorm_both_reduce", a.x.dtype, g, &kernels.BatchnormBothReduce{Dgamma: a.dgamma.ptr(), Dbeta: a.dbeta.ptr(), Scale: slope(0), K1: slope(1), K2: slope(2),
		ZDgamma: b.dgamma.ptr(), ZDbeta: b.dbeta.ptr(), ZScale: slope(3), ZK1: slope(4), ZK2: slope(5), Sums: uint64(sums), Tickets: c.partTickets(g),
		Dy: a.dy.ptr(), Mask: a.mask.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(), Gamma: a.gamma.ptr(), Rstd: a.rstd.ptr(),
		Z: b.x.ptr(), ZMean: b.mean.ptr(), ZGamma: b.gamma.ptr(), ZRstd: b.rstd.ptr(), RowsOut: uint64(p), Rows: int32(s.rows), C: int32(s.c)}, a.dy, a.mask, a.x, b.x)
	launch(c, "batchnorm_both_backward", a.x.dtype, s.grid(c, 1, bnHalvesBlocks), &kernels.BatchnormBothBackward{Dx: a.dx.ptr(), Dz: b.dx.ptr(), Dy: a.dy.ptr(), Mask: a.mask.ptr(),
		X: a.x.ptr(), Mean: a.mean.ptr(), Scale: slope(0), K1: slope(1), K2: slope(2), Z: b.x.ptr(), ZMean: b.mean.ptr(), ZScale: slope(3), ZK1: slope(4), ZK2: slope(5),
		Rows: int32(s.rows), C: int32(s.c)}, a.dx, b.dx, a.dy, a.mask, a.x, b.x)
	return true
}
