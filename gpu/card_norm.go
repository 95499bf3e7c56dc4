package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// Rows in flight of a thread, in kernels/batchnorm*.cu, and blocks to a multiprocessor: as many as it holds at a
// time where blocks leave partial results, twice that where they do not.
const (
	bnRowsInFlight     = 4
	bnBackRowsInFlight = 2
	bnMomentBlocks     = 2
	bnSumBlocks        = 3
	bnWriteBlocks      = 4
)

// bnMoments is the scratch memory of a batch's statistics.
type bnMoments struct{ rows, count, mean, m2 uint64 }

// bnMomentsAt returns where they lie, and the bytes of all.
func bnMomentsAt(parts, channels int) (count, mean, m2, bytes int) {
	count, mean = arenaAlign, arenaAlign+aligned(4*parts)
	m2 = mean + aligned(8*parts*channels)
	return count, mean, m2, m2 + 4*parts*channels
}

func (c *card) bnMoments(parts, channels int) bnMoments {
	count, mean, m2, bytes := bnMomentsAt(parts, channels)
	p := c.scratch(bytes)
	return bnMoments{uint64(p), uint64(p.Add(count)), uint64(p.Add(mean)), uint64(p.Add(m2))}
}

func (c *card) bnTrain(a *bnArgs) {
	s := columnsOf("BatchNormTrain", a.x)
	if a.bn.Sums.Ok() {
		rows := c.bnMoments(0, 0).rows
		launch(c, "batchnorm_moments", F32, c.grid(s.c, 1), &kernels.BatchnormMoments{Mean: a.mean.ptr(), Rstd: a.rstd.ptr(), RunMean: a.runMean.ptr(),
			RunVar: a.runVar.ptr(), Rows: rows, Sums: a.bn.Sums.ptr(), N: int32(s.rows), C: int32(s.c), Eps: a.bn.Eps, Momentum: a.bn.Momentum})
		c.bnApply(a, a.mean.ptr(), a.rstd.ptr(), rows)
		return
	}
	g, m := c.bnStatistics(a, s)
	launch(c, "batchnorm_finish", F32, s.totals(), &kernels.BatchnormFinish{Mean: a.mean.ptr(), Rstd: a.rstd.ptr(), RunMean: a.runMean.ptr(),
		RunVar: a.runVar.ptr(), Rows: m.rows, Count: m.count, Means: m.mean, M2: m.m2, Parts: int32(parts(g)), C: int32(s.c),
		Eps: a.bn.Eps, Momentum: a.bn.Momentum})
	c.bnApply(a, a.mean.ptr(), a.rstd.ptr(), m.rows)
}

// bnStatistics queues the moments of parts of the rows.
func (c *card) bnStatistics(a *bnArgs, s columnShape) (driver.Grid, bnMoments) {
	g := s.grid(c, bnRowsInFlight, bnMomentBlocks)
	m := c.bnMoments(parts(g), s.c)
	launch(c, "batchnorm_statistics", a.x.dtype, g, &kernels.BatchnormStatistics{Count: m.count, Mean: m.mean, M2: m.m2, X: a.x.ptr(),
		Present: a.present.ptr(), Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)}, a.x)
	return g, m
}

func (c *card) bnEval(a *bnArgs) {
	n := a.runVar.Len()
	rstd := uint64(c.scratch(4 * n))
	c.bnRstd(a, rstd, 0)
	c.bnApply(a, a.runMean.ptr(), rstd, 0)
}

// bnRstd queues 1/sqrt(variance + eps) of the running variance and, where scale is not 0, gamma times that.
func (c *card) bnRstd(a *bnArgs, rstd, scale uint64) {
	n := a.runVar.Len()
	launch(c, "batchnorm_rstd", F32, c.grid(n, 1), &kernels.BatchnormRstd{Rstd: rstd, Scale: scale, Var: a.runVar.ptr(), Gamma: a.gamma.ptr(),
		C: int32(n), Eps: a.bn.Eps})
}

// bnApply computes y and the mask. The mask's bytes are written with y where a thread has 8 channels, else from y.
func (c *card) bnApply(a *bnArgs, mean, rstd, rows uint64) {
	s := columnsOf("BatchNorm", a.x, a.y, a.add)
	k := &kernels.BatchnormForward{Y: a.y.ptr(), X: a.x.ptr(), Add: a.add.ptr(), Mean: mean, Rstd: rstd, Gamma: a.gamma.ptr(), Beta: a.beta.ptr(),
		Present: a.present.ptr(), Count: rows, Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c), Relu: flag(a.relu)}
	written := 0
	if s.group == 8 && a.mask.Ok() {
		k.Mask, written = a.mask.ptr(), a.x.Len()/8
	}
	launch(c, "batchnorm_forward", a.x.dtype, s.grid(c, bnRowsInFlight, bnWriteBlocks), k, a.y, a.x, a.add, a.mask)
	if left := a.mask.Len() - written; a.mask.Ok() && left > 0 {
		launch(c, "batchnorm_mask", a.x.dtype, c.grid(left, 1), &kernels.BatchnormMask{Mask: a.mask.ptr(), Y: a.y.ptr(), N: int64(a.y.Len()),
			Bytes: int64(a.mask.Len()), First: int64(written)}, a.y, a.mask)
	}
}

// perSample is the number of rows of a sample.
func (a *bnArgs) perSample(s columnShape) int32 { return int32(max(1, s.rows/max(1, a.x.Dim(0)))) }

// bnSums is the scratch memory of a gradient.
type bnSums struct{ rows, count, s1, s2, scale, k1, k2 uint64 }

func (c *card) bnSums(parts, channels int) bnSums {
	sum, vector := aligned(4*parts*channels), aligned(4*channels)
	at := []int{0, arenaAlign, arenaAlign + aligned(4*parts)}
	at = append(at, at[2]+sum, at[2]+2*sum, at[2]+2*sum+vector, at[2]+2*sum+2*vector)
	p := c.scratch(at[6] + vector)
	on := func(i int) uint64 { return uint64(p.Add(at[i])) }
	return bnSums{on(0), on(1), on(2), on(3), on(4), on(5), on(6)}
}

func (c *card) bnBackward(a *bnArgs) {
	s := columnsOf("BatchNormBackward", a.x, a.dy, a.y)
	g := s.grid(c, bnBackRowsInFlight, bnSumBlocks)
	t := c.bnSums(parts(g), s.c)
	c.bnReduce(a, a.x, s, g, t)
	launch(c, "batchnorm_sums", F32, s.totals(), &kernels.BatchnormSums{Dgamma: a.dgamma.ptr(), Dbeta: a.dbeta.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2,
		Rows: t.rows, Count: t.count, S1: t.s1, S2: t.s2, Gamma: a.gamma.ptr(), Rstd: a.rstd.ptr(), Parts: int32(parts(g)), C: int32(s.c)})
	s = columnsOf("BatchNormBackward", a.x, a.dy, a.y, a.dx, a.dadd)
	launch(c, "batchnorm_backward", a.x.dtype, s.grid(c, bnBackRowsInFlight, bnWriteBlocks), &kernels.BatchnormBackward{Dx: a.dx.ptr(), Dadd: a.dadd.ptr(),
		Dy: a.dy.ptr(), Y: a.y.ptr(), Mask: a.mask.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2,
		Present: a.present.ptr(), Count: t.rows, Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)}, a.dx, a.dadd, a.dy, a.y, a.mask, a.x)
}

// bnReduce queues the sums over parts of the rows; with the zero Tensor for x, those without it.
func (c *card) bnReduce(a *bnArgs, x Tensor, s columnShape, g driver.Grid, t bnSums) {
	launch(c, "batchnorm_reduce", a.dy.dtype, g, &kernels.BatchnormReduce{Count: t.count, S1: t.s1, S2: t.s2, Dy: a.dy.ptr(), Y: a.y.ptr(),
		Mask: a.mask.ptr(), X: x.ptr(), Mean: a.mean.ptr(), Present: a.present.ptr(), Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)}, a.dy, a.y, a.mask, x)
}

// bnEvalBackward scales dy by what is fixed, and takes sums for the parameters' gradients only if one is asked for.
func (c *card) bnEvalBackward(a *bnArgs) {
	x := a.x
	if !a.dgamma.Ok() {
		x = Tensor{}
	}
	s := columnsOf("BatchNormEvalBackward", a.dy, x, a.y)
	g := s.grid(c, bnBackRowsInFlight, bnSumBlocks)
	t := c.bnSums(parts(g), s.c)
	rstd := t.k1 // whose place is free: only the statistics of a batch depend on x
	c.bnRstd(a, rstd, t.scale)
	if a.dgamma.Ok() || a.dbeta.Ok() {
		c.bnReduce(a, x, s, g, t)
		launch(c, "batchnorm_sums", F32, s.totals(), &kernels.BatchnormSums{Dgamma: a.dgamma.ptr(), Dbeta: a.dbeta.ptr(), Count: t.count,
			S1: t.s1, S2: t.s2, Gamma: a.gamma.ptr(), Rstd: rstd, Parts: int32(parts(g)), C: int32(s.c)})
	}
	s = columnsOf("BatchNormEvalBackward", a.dy, a.y, a.dx, a.dadd)
	launch(c, "batchnorm_backward", a.dy.dtype, s.grid(c, bnBackRowsInFlight, bnWriteBlocks), &kernels.BatchnormBackward{Dx: a.dx.ptr(), Dadd: a.dadd.ptr(),
		Dy: a.dy.ptr(), Y: a.y.ptr(), Mask: a.mask.ptr(), Scale: t.scale, Present: a.present.ptr(), Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)},
		a.dx, a.dadd, a.dy, a.y, a.mask)
}
