package gpu

import "contig-gpu/kernels"

// perThread is the number of elements to a thread at which a grid of the optimisers has enough loads in flight.
const perThread = 4

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

func (c *gpu) finite(flag, x Tensor) {
	launch(c, "finite_forward", x.dtype, c.grid(x.Len(), perThread), &kernels.FiniteForward{Flag: flag.ptr(), X: x.ptr(), N: int64(x.Len())}, x)
}

// halfType is the type of the 16-bit copy, F32 where there is none: its kernels write none.
func halfType(half Tensor) DType {
	if half.Ok() {
		return half.dtype
	}
	return F32
}

// adamBlocks is how many blocks of Adam's kernels a multiprocessor of an H100 holds at a time (docs/gpu/kernels.md): one wave,
// in which all have as much to do.
const adamBlocks = 5

func (c *gpu) adam(p, half, g, m, v, rates, scale Tensor, s AdamSpec) {
	grid := c.grid(p.Len(), perThread)
	grid.Blocks[0] = min(grid.Blocks[0], adamBlocks*max(1, c.dev.Info().Multiprocs))
	launch(c, "adam_forward", halfType(half), grid, &kernels.AdamForward{P: p.ptr(), Half: half.ptr(), G: g.ptr(), M: m.ptr(), V: v.ptr(),
		Rates: rates.ptr(), Scale: scale.ptr(), Beta1: float32(s.Beta1), OneBeta1: float32(1 - s.Beta1), Beta2: float32(s.Beta2),
		OneBeta2: float32(1 - s.Beta2), Eps: float32(s.Eps), Decay: float32(s.WeightDecay), Decoupled: flagOf(s.Decoupled), N: int64(p.Len())}, p, p, g, m, m, v, v, half)
}

func (c *gpu) sgd(p, half, g, buf, rates, scale Tensor, s SGDSpec) {
	launch(c, "sgd_forward", halfType(half), c.grid(p.Len(), perThread), &kernels.SgdForward{P: p.ptr(), Half: half.ptr(), G: g.ptr(), Buf: buf.ptr(),
		Rates: rates.ptr(), Scale: scale.ptr(), Momentum: float32(s.Momentum), Decay: float32(s.WeightDecay), Nesterov: flagOf(s.Nesterov), N: int64(p.Len())}, p, p, g, buf, buf, half)
}

func (c *gpu) ema(avg, p, decay Tensor) {
	launch(c, "ema_forward", F32, c.grid(p.Len(), perThread), &kernels.EmaForward{Avg: avg.ptr(), P: p.ptr(), Decay: decay.ptr(), N: int64(p.Len())}, avg, avg, p)
}

// flagOf is a yes or no as kernels take it.
func flagOf(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
