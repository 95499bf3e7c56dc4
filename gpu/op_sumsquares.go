package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/kernels"
	"math"
)

// SumSquares adds the sum of the squares of x to out [1] (F64), always in the same order.
func SumSquares(out, x Tensor) {
	wantFloat("SumSquares", "x", x)
	want("SumSquares", "out", out, x, F64, 1)
	compute(x, func() { sumSquares[float32](out, x) }, func() { sumSquares[float64](out, x) }, func(c *gpu) { c.sumSquares(out, x) })
}

func sumSquares[F Float](out, tx Tensor) {
	x, p := host[F](tx), tx.dev.pool
	part := make([]float64, (len(x)+blockLen-1)/blockLen)
	blocks(tx.dev, len(x), func(lo, hi int) { part[lo/blockLen] = cpukern.SumSquares(p, x[lo:hi]) })
	sum := 0.0
	for _, s := range part {
		sum += s
	}
	host[float64](out)[0] += sum
}

// ClipScale computes scale [1] = gain * min(1, maxNorm / (gain * sqrt(sumsq))): the factor that brings gradients
// with sum of squares sumsq [1] (F64) to the length maxNorm at most. maxNorm 0 does not clip. Where sumsq is not
// finite scale is 0, at which Adam and SGD change nothing.
func ClipScale(scale, sumsq Tensor, maxNorm, gain float64) {
	wantFloat("ClipScale", "scale", scale)
	want("ClipScale", "scale", scale, scale, scale.dtype, 1)
	want("ClipScale", "sumsq", sumsq, scale, F64, 1)
	host := func() { clipScale(scale, sumsq, maxNorm, gain) }
	compute(scale, host, host, func(c *gpu) { c.clipScale(scale, sumsq, maxNorm, gain) })
}

func clipScale(scale, sumsq Tensor, maxNorm, gain float64) {
	s := gain
	switch n := gain * math.Sqrt(host[float64](sumsq)[0]); {
	case math.IsNaN(n) || math.IsInf(n, 0):
		s = 0
	case maxNorm > 0 && n > maxNorm:
		s = gain * (maxNorm / n)
	}
	Fill(scale, s)
}

// squareParts is the number of blocks that sum squares, whatever the GPU, so that the order of the sum is the same on all.
const squareParts = 1024

func (c *gpu) sumSquares(out, x Tensor) {
	parts := max(1, min(squareParts, (x.Len()+threads*perThread-1)/(threads*perThread)))
	work := c.scratch(8 * parts)
	g := oneBlock()
	g.Blocks[0] = parts
	launch(c, "sumsquares_forward", F32, g, &kernels.SumsquaresForward{Out: out.ptr(), Partial: uint64(work), Tickets: c.tickets(1), X: x.ptr(), N: int64(x.Len())}, x)
}

func (c *gpu) clipScale(scale, sumsq Tensor, maxNorm, gain float64) {
	g := oneBlock()
	g.Threads[0] = 1
	launch(c, "clipscale_forward", F32, g, &kernels.ClipscaleForward{Scale: scale.ptr(), Sumsq: sumsq.ptr(), Limit: maxNorm, Gain: gain})
}
