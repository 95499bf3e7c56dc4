package gpu

import "contig-gpu/kernels"

func (c *gpu) bnTrainBoth(n *bnBoth) {
	a, b, s := &n.a, &n.b, columnsOf("BatchNormTrainBoth", n.a.x)
	for _, one := range []*bnArgs{a, b} { // without sums the statistics are a pass of their own, in scratch memory that the next one takes
		if !one.bn.Sums.Ok() {
			c.bnFinish(one, s)
		}
	}
	k := &kernels.BatchnormBoth{Y: a.y.ptr(), Mask: a.mask.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(), Rstd: a.rstd.ptr(), Gamma: a.gamma.ptr(), Beta: a.beta.ptr(),
		Sums: a.bn.Sums.ptr(), RunMean: a.runMean.ptr(), RunVar: a.runVar.ptr(),
		Z: b.x.ptr(), ZMean: b.mean.ptr(), ZRstd: b.rstd.ptr(), ZGamma: b.gamma.ptr(), ZBeta: b.beta.ptr(),
		ZSums: b.bn.Sums.ptr(), ZRunMean: b.runMean.ptr(), ZRunVar: b.runVar.ptr(), Eps: a.bn.Eps, Momentum: a.bn.Momentum, Rows: int32(s.rows), C: int32(s.c)}
	launch(c, "batchnorm_both", a.x.dtype, s.grid(c, bnBackRowsInFlight, bnHalvesBlocks), k, a.y, a.x, b.x, a.mask)
	c.bnMaskRest(a, a.x.Len()/8)
}

func (c *gpu) bnBackwardBoth(n *bnBoth) {
	a, b, s := &n.a, &n.b, columnsOf("BatchNormBothBackward", n.a.x)
	g := s.grid(c, bnBackRowsInFlight, bnSumBlocks)
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
}
