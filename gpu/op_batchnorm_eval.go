package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/kernels"
	"math"
)

// BatchNormEval computes y = [relu](gamma * (x - runMean) / sqrt(runVar + eps) + beta [+ add]), 0 for samples that
// are absent. y may be add. mask (U8 [PassedLen], optional, with relu) is as BatchNormTrain's.
func BatchNormEval(y, mask Tensor, n Normed, bn BatchNorm) {
	a := n.args()
	a.y, a.mask, a.bn, a.sums = y, mask, bn, Tensor{}
	a.check("BatchNormEval", map[string]Tensor{"y": y, "add": a.add}, map[string]Tensor{"gamma": a.gamma, "beta": a.beta, "runMean": a.runMean, "runVar": a.runVar})
	compute(a.x, func() { bnEval[float32](&a); a.writeMask() }, func() { bnEval[float64](&a); a.writeMask() }, func(c *gpu) { c.bnEval(&a) })
}

func bnEval[F Float](a *bnArgs) {
	bnApply(newBNRows(a), a, host[F](a.runMean), bnRunRstd[F](a))
}

// bnRunRstd returns 1 / sqrt(runVar + eps).
func bnRunRstd[F Float](a *bnArgs) []F {
	rstd := make([]F, a.runVar.Len())
	for j, v := range host[F](a.runVar) {
		rstd[j] = F(1 / math.Sqrt(float64(v)+a.bn.Eps))
	}
	return rstd
}

// BatchNormEvalBackward is the backward of BatchNormEval, whose statistics do not depend on x: with d = dy where the ReLU
// let through and rstd = 1/sqrt(runVar + eps), dx = d gamma rstd, dadd = d, dgamma += sum of d (x - runMean) rstd and
// dbeta += sum of d. through is the forward's result or its mask, needed if relu and otherwise optional. dadd, dgamma and
// dbeta are optional; x is read for dgamma only, and optional without. Absent samples have gradient 0. dx may be dy; dadd
// may be dy if dx is not.
func BatchNormEvalBackward(dx, dadd, dy, through Tensor, n Normed, bn BatchNorm) {
	a := n.args()
	a.add, a.dx, a.dadd, a.dy, a.mean, a.bn = Tensor{}, dx, dadd, dy, n.RunMean, bn
	if a.x.Ok() || a.dgamma.Ok() {
		wantFloat("BatchNormEvalBackward", "x", a.x, 2, 4)
		wantLike("BatchNormEvalBackward", "x", a.x, dy)
	}
	if !a.dgamma.Ok() {
		a.x = dy // has its shape, and stands for it where an unused sum is taken
	}
	a.check("BatchNormEvalBackward", a.through(through, map[string]Tensor{"dx": dx, "dy": dy, "dadd": dadd}),
		map[string]Tensor{"gamma": a.gamma, "runMean": a.runMean, "runVar": a.runVar, "dgamma": a.dgamma, "dbeta": a.dbeta})
	compute(dy, func() { a.readMask(); bnEvalBackward[float32](&a) }, func() { a.readMask(); bnEvalBackward[float64](&a) }, func(c *gpu) { c.bnEvalBackward(&a) })
}

func bnEvalBackward[F Float](a *bnArgs) {
	r, rstd := newBNRows(a), bnRunRstd[F](a)
	if a.dgamma.Ok() || a.dbeta.Ok() {
		s1, s2 := bnReduce[F](r, a)
		bnAddSums(a, s1, s2, rstd)
	}
	for j, g := range host[F](a.gamma) {
		rstd[j] = F(float64(g) * float64(rstd[j]))
	}
	bnScale(r, a, rstd)
}

// bnScale computes dx = scale * d and dadd = d, d being dy where the ReLU let through.
func bnScale[F Float](r bnRows, a *bnArgs, scale []F) {
	dx, dadd, dy, y, zero, c := host[F](a.dx), host[F](a.dadd), host[F](a.dy), host[F](a.y), make([]F, r.c), r.c
	scaled := func(lo, hi int, present bool) {
		lo, hi = lo*c, hi*c
		if !present {
			clear(dx[lo:hi])
			clear(part(dadd, lo, hi))
			return
		}
		d := dy[lo:hi]
		if y != nil {
			d = dx[lo:hi]
			cpukern.ReLUBackward(r.pool, d, dy[lo:hi], y[lo:hi])
		}
		if dadd != nil {
			copy(dadd[lo:hi], d)
		}
		cpukern.BNApply(r.pool, dx[lo:hi], d, nil, zero, scale, zero, false)
	}
	r.pool.Run(r.units, func(_, u int) {
		r.each(u, func(lo, hi int) { r.runs(lo, hi, scaled) })
	})
}

// bnEvalBackward scales dy by what is fixed, and takes sums for the parameters' gradients only if one is asked for.
func (c *gpu) bnEvalBackward(a *bnArgs) {
	x := a.x
	if !a.dgamma.Ok() {
		x = Tensor{}
	}
	s := columnsOf("BatchNormEvalBackward", a.dy, x, a.y)
	g := s.grid(c, kernels.BnBackRows, bnSumBlocks)
	t := c.bnSums(g, s.c)
	rstd := t.k1 // whose place is free: only the statistics of a batch depend on x
	c.bnRstd(a, rstd, t.scale)
	if a.dgamma.Ok() || a.dbeta.Ok() {
		t.rows = 0
		c.bnReduce(a, x, s, g, t, rstd)
	}
	s = columnsOf("BatchNormEvalBackward", a.dy, a.y, a.dx, a.dadd)
	launch(c, "batchnorm_backward", a.dy.dtype, s.grid(c, kernels.BnBackRows, bnWriteBlocks), &kernels.BatchnormBackward{Dx: a.dx.ptr(), Dadd: a.dadd.ptr(),
		Dy: a.dy.ptr(), Y: a.y.ptr(), Mask: a.mask.ptr(), Scale: t.scale, Present: a.present.ptr(), Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)},
		a.dx, a.dadd, a.dy, a.y, a.mask)
}
