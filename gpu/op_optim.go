package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/kernels"
	"fmt"
	"math"
)

// AdamSpec has the constants of Adam (Kingma & Ba 2015; Decoupled: Loshchilov & Hutter 2019).
type AdamSpec struct {
	Beta1, Beta2, Eps float64
	WeightDecay       float64
	Decoupled         bool // the decay shrinks the parameter instead of joining the gradient
}

// Rates returns what a step's rates tensor [3] holds: what changes from step to step is read from the device's
// memory, so that recorded work can be replayed. step counts from 1.
func (s AdamSpec) Rates(lr float64, step int) []float64 {
	if step < 1 {
		panic(fmt.Sprintf("gpu: Adam: step is %d, want at least 1", step))
	}
	return []float64{lr, 1 / (1 - math.Pow(s.Beta1, float64(step))), 1 / math.Sqrt(1-math.Pow(s.Beta2, float64(step)))}
}

// Adam updates parameters p and moments m and v by the gradient g times scale [1] (1 if left out; 0 leaves all as
// it is, whatever g holds). rates [3] is
// AdamSpec.Rates'. half (optional, BF16 or F16, on a GPU) gets a 16-bit copy of p.
func Adam(p, half, g, m, v, rates, scale Tensor, s AdamSpec) {
	wantFloat("Adam", "p", p)
	wantLike("Adam", "g", g, p)
	wantLike("Adam", "m", m, p)
	wantLike("Adam", "v", v, p)
	want("Adam", "rates", rates, p, p.dtype, 3)
	wantHalf("Adam", half, p)
	wantScale("Adam", scale, p)
	compute(p, func() { adam[float32](p, g, m, v, rates, scale, s) }, func() { adam[float64](p, g, m, v, rates, scale, s) },
		func(c *gpu) { c.adam(p, half, g, m, v, rates, scale, s) })
}

func wantScale(op string, scale, p Tensor) {
	if scale.Ok() {
		want(op, "scale", scale, p, p.dtype, 1)
	}
}

// wantHalf panics unless half is left out or a 16-bit tensor shaped like p on a device that has such.
func wantHalf(op string, half, p Tensor) {
	if half.Ok() {
		wantFloat(op, "half", half)
		want(op, "half", half, p, half.dtype, p.dims[:p.rank]...)
	}
}

func scaleOf[F Float](t Tensor) F {
	if s := host[F](t); s != nil {
		return s[0]
	}
	return 1
}

func adam[F Float](tp, tg, tm, tv, rates, scale Tensor, s AdamSpec) {
	r := host[F](rates)
	if scaleOf[F](scale) == 0 {
		return
	}
	k := cpukern.AdamStep[F]{Scale: scaleOf[F](scale), Shrink: 1, Beta1: F(s.Beta1), OneBeta1: F(1 - s.Beta1),
		Beta2: F(s.Beta2), OneBeta2: F(1 - s.Beta2), Eps: F(s.Eps), Rate: r[0] * r[1], InvSqrtC2: r[2]}
	if s.Decoupled {
		k.Shrink = 1 - r[0]*F(s.WeightDecay)
	} else {
		k.Coupled = F(s.WeightDecay)
	}
	p, g, m, v, pool := host[F](tp), host[F](tg), host[F](tm), host[F](tv), tp.dev.pool
	blocks(tp.dev, len(p), func(lo, hi int) { cpukern.Adam(pool, p[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi], &k) })
}

// SGDSpec has the constants of gradient descent with momentum.
type SGDSpec struct {
	Momentum, WeightDecay float64
	Nesterov              bool
}

// Rates returns what a step's rates tensor [3] holds, as AdamSpec.Rates.
func (s SGDSpec) Rates(lr float64) []float64 { return []float64{lr, 1, 1} }

// SGD updates parameters p and the momentum buffer buf, which begins as zeros, by the gradient g times scale [1]
// (1 if left out; 0 leaves all as it is). rates and half are as in Adam.
func SGD(p, half, g, buf, rates, scale Tensor, s SGDSpec) {
	wantFloat("SGD", "p", p)
	wantLike("SGD", "g", g, p)
	wantLike("SGD", "buf", buf, p)
	want("SGD", "rates", rates, p, p.dtype, 3)
	wantHalf("SGD", half, p)
	wantScale("SGD", scale, p)
	compute(p, func() { sgd[float32](p, g, buf, rates, scale, s) }, func() { sgd[float64](p, g, buf, rates, scale, s) },
		func(c *gpu) { c.sgd(p, half, g, buf, rates, scale, s) })
}

func sgd[F Float](tp, tg, tb, rates, scale Tensor, s SGDSpec) {
	if scaleOf[F](scale) == 0 {
		return
	}
	k := cpukern.SGDStep[F]{Scale: scaleOf[F](scale), Decay: F(s.WeightDecay), Momentum: F(s.Momentum), Rate: host[F](rates)[0], Ahead: 1}
	if s.Nesterov {
		k.Ahead, k.Own = F(s.Momentum), 1
	}
	p, g, buf, pool := host[F](tp), host[F](tg), host[F](tb), tp.dev.pool
	blocks(tp.dev, len(p), func(lo, hi int) { cpukern.SGD(pool, p[lo:hi], g[lo:hi], buf[lo:hi], &k) })
}

// EMA computes avg = decay * avg + (1 - decay) * p; decay is [1].
func EMA(avg, p, decay Tensor) {
	wantFloat("EMA", "avg", avg)
	wantLike("EMA", "p", p, avg)
	want("EMA", "decay", decay, avg, avg.dtype, 1)
	compute(avg, func() { ema[float32](avg, p, decay) }, func() { ema[float64](avg, p, decay) }, func(c *gpu) { c.ema(avg, p, decay) })
}

func ema[F Float](tavg, tp, decay Tensor) {
	avg, p, a := host[F](tavg), host[F](tp), host[F](decay)[0]
	b := 1 - a
	blocks(tavg.dev, len(avg), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			avg[i] = a*avg[i] + b*p[i]
		}
	})
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
		OneBeta2: float32(1 - s.Beta2), Eps: float32(s.Eps), Decay: float32(s.WeightDecay), Decoupled: flag(s.Decoupled), N: int64(p.Len())}, p, p, g, m, m, v, v, half)
}

func (c *gpu) sgd(p, half, g, buf, rates, scale Tensor, s SGDSpec) {
	launch(c, "sgd_forward", halfType(half), c.grid(p.Len(), perThread), &kernels.SgdForward{P: p.ptr(), Half: half.ptr(), G: g.ptr(), Buf: buf.ptr(),
		Rates: rates.ptr(), Scale: scale.ptr(), Momentum: float32(s.Momentum), Decay: float32(s.WeightDecay), Nesterov: flag(s.Nesterov), N: int64(p.Len())}, p, p, g, buf, buf, half)
}

func (c *gpu) ema(avg, p, decay Tensor) {
	launch(c, "ema_forward", F32, c.grid(p.Len(), perThread), &kernels.EmaForward{Avg: avg.ptr(), P: p.ptr(), Decay: decay.ptr(), N: int64(p.Len())}, avg, avg, p)
}
