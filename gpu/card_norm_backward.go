package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// bnSums is the scratch memory of a gradient: parts of sums, and what follows from their totals.
type bnSums struct{ rows, count, sums, scale, k1, k2, tickets uint64 }

func (c *gpu) bnSums(g driver.Grid, channels int) bnSums {
	count, sum, vector := aligned(4*g.Blocks[0]*parts(g)), aligned(4*2*parts(g)*channels), aligned(4*channels)
	p := c.scratch(arenaAlign + count + sum + 3*vector)
	t := bnSums{rows: uint64(p), count: uint64(p.Add(arenaAlign)), tickets: c.partTickets(g)}
	p = p.Add(arenaAlign + count)
	t.sums, t.scale, t.k1, t.k2 = uint64(p), uint64(p.Add(sum)), uint64(p.Add(sum+vector)), uint64(p.Add(sum+2*vector))
	return t
}

func (c *gpu) bnBackward(a *bnArgs) {
	s := columnsOf("BatchNormBackward", a.x, a.dy, a.y, a.dx, a.dadd)
	if a.halves(s) {
		c.bnBackwardHalves(a, s)
		return
	}
	g := s.grid(c, bnBackRowsInFlight, bnSumBlocks)
	t := c.bnSums(g, s.c)
	c.bnReduce(a, a.x, s, g, t, a.rstd.ptr())
	launch(c, "batchnorm_backward", a.x.dtype, s.grid(c, bnBackRowsInFlight, bnWriteBlocks), &kernels.BatchnormBackward{Dx: a.dx.ptr(), Dadd: a.dadd.ptr(),
		Dy: a.dy.ptr(), Y: a.y.ptr(), Mask: a.mask.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2,
		Present: a.present.ptr(), Count: t.rows, Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)}, a.dx, a.dadd, a.dy, a.y, a.mask, a.x)
}

// bnReduce queues the sums over the rows and what follows from them; with the zero Tensor for x, those without it. Where the
// statistics are fixed t has no rows.
func (c *gpu) bnReduce(a *bnArgs, x Tensor, s columnShape, g driver.Grid, t bnSums, rstd uint64) {
	launch(c, "batchnorm_reduce", a.dy.dtype, g, &kernels.BatchnormReduce{Dgamma: a.dgamma.ptr(), Dbeta: a.dbeta.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2,
		PresentRows: t.rows, Sums: t.sums, Count: t.count, Tickets: t.tickets, Dy: a.dy.ptr(), Y: a.y.ptr(), Mask: a.mask.ptr(), X: x.ptr(), Mean: a.mean.ptr(),
		Gamma: a.gamma.ptr(), Rstd: rstd, Present: a.present.ptr(), Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)}, a.dy, a.y, a.mask, x)
}

func (c *gpu) bnBackwardHalves(a *bnArgs, s columnShape) {
	g := s.grid(c, bnBackRowsInFlight, bnSumBlocks)
	t := c.bnSums(g, s.c)
	r := kernels.BatchnormReluReduce{Dgamma: a.dgamma.ptr(), Dbeta: a.dbeta.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2, RowsOut: t.rows, Sums: t.sums,
		Tickets: t.tickets, Dy: a.dy.ptr(), Mask: a.mask.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(), Gamma: a.gamma.ptr(), Rstd: a.rstd.ptr(), Rows: int32(s.rows), C: int32(s.c)}
	k := kernels.BatchnormReluBackward{Dx: a.dx.ptr(), Dadd: a.dadd.ptr(), Dy: a.dy.ptr(), Mask: a.mask.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(),
		Scale: t.scale, K1: t.k1, K2: t.k2, Rows: int32(s.rows), C: int32(s.c)}
	back := s.grid(c, bnBackRowsInFlight, bnHalvesBlocks)
	if !a.relu {
		launch(c, "batchnorm_plain_reduce", a.x.dtype, g, (*kernels.BatchnormPlainReduce)(&r), a.dy, a.x)
		launch(c, "batchnorm_plain_backward", a.x.dtype, back, (*kernels.BatchnormPlainBackward)(&k), a.dx, a.dy, a.x)
		return
	}
	launch(c, "batchnorm_relu_reduce", a.x.dtype, g, &r, a.dy, a.mask, a.x)
	if a.dadd.Ok() {
		launch(c, "batchnorm_addrelu_backward", a.x.dtype, back, (*kernels.BatchnormAddreluBackward)(&k), a.dx, a.dadd, a.dy, a.mask, a.x)
		return
	}
	launch(c, "batchnorm_relu_backward", a.x.dtype, back, &k, a.dx, a.dy, a.mask, a.x)
}

// bnEvalBackward scales dy by what is fixed, and takes sums for the parameters' gradients only if one is asked for.
func (c *gpu) bnEvalBackward(a *bnArgs) {
	x := a.x
	if !a.dgamma.Ok() {
		x = Tensor{}
	}
	s := columnsOf("BatchNormEvalBackward", a.dy, x, a.y)
	g := s.grid(c, bnBackRowsInFlight, bnSumBlocks)
	t := c.bnSums(g, s.c)
	rstd := t.k1 // whose place is free: only the statistics of a batch depend on x
	c.bnRstd(a, rstd, t.scale)
	if a.dgamma.Ok() || a.dbeta.Ok() {
		t.rows = 0
		c.bnReduce(a, x, s, g, t, rstd)
	}
	s = columnsOf("BatchNormEvalBackward", a.dy, a.y, a.dx, a.dadd)
	launch(c, "batchnorm_backward", a.dy.dtype, s.grid(c, bnBackRowsInFlight, bnWriteBlocks), &kernels.BatchnormBackward{Dx: a.dx.ptr(), Dadd: a.dadd.ptr(),
		Dy: a.dy.ptr(), Y: a.y.ptr(), Mask: a.mask.ptr(), Scale: t.scale, Present: a.present.ptr(), Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)},
		a.dx, a.dadd, a.dy, a.y, a.mask)
}
