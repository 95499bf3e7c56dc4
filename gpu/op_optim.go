package gpu

import (
	"fmt"
	"math"

	"contig-gpu/gpu/internal/cpukern"
)

// SumSquares adds the sum of the squares of x to out [1] (F64), always in the same order.
func SumSquares(out, x Tensor) {
	wantFloat("SumSquares", "x", x)
	want("SumSquares", "out", out, x, F64, 1)
	compute(x, func() { sumSquares[float32](out, x) }, func() { sumSquares[float64](out, x) })
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
// with sum of squares sumsq [1] (F64) to the length maxNorm at most. maxNorm 0 does not clip.
func ClipScale(scale, sumsq Tensor, maxNorm, gain float64) {
	wantFloat("ClipScale", "scale", scale)
	want("ClipScale", "scale", scale, scale, scale.dtype, 1)
	want("ClipScale", "sumsq", sumsq, scale, F64, 1)
	if scale.dev.kind == plan {
		return
	}
	s := gain
	if n := gain * math.Sqrt(host[float64](sumsq)[0]); maxNorm > 0 && !(n <= maxNorm) {
		s = gain * (maxNorm / n)
	}
	Fill(scale, s)
}

// AdamSpec has the constants of one Adam step (Kingma & Ba 2015; Decoupled: Loshchilov & Hutter 2019).
type AdamSpec struct {
	LR, Beta1, Beta2, Eps float64
	WeightDecay           float64
	Decoupled             bool // the decay shrinks the parameter instead of joining the gradient
	Step                  int  // counted from 1
}

// Adam updates parameters p and moments m and v by the gradient g times scale [1] (1 if left out).
func Adam(p, g, m, v, scale Tensor, s AdamSpec) {
	wantFloat("Adam", "p", p)
	wantLike("Adam", "g", g, p)
	wantLike("Adam", "m", m, p)
	wantLike("Adam", "v", v, p)
	wantScale("Adam", scale, p)
	if s.Step < 1 {
		panic(fmt.Sprintf("gpu: Adam: step is %d, want at least 1", s.Step))
	}
	compute(p, func() { adam[float32](p, g, m, v, scale, s) }, func() { adam[float64](p, g, m, v, scale, s) })
}

func wantScale(op string, scale, p Tensor) {
	if scale.Ok() {
		want(op, "scale", scale, p, p.dtype, 1)
	}
}

func scaleOf[F Float](t Tensor) F {
	if s := host[F](t); s != nil {
		return s[0]
	}
	return 1
}

func adam[F Float](tp, tg, tm, tv, scale Tensor, s AdamSpec) {
	k := cpukern.AdamStep[F]{Scale: scaleOf[F](scale), Shrink: 1, Beta1: F(s.Beta1), OneBeta1: F(1 - s.Beta1),
		Beta2: F(s.Beta2), OneBeta2: F(1 - s.Beta2), Eps: F(s.Eps),
		Rate:      F(s.LR / (1 - math.Pow(s.Beta1, float64(s.Step)))),
		InvSqrtC2: F(1 / math.Sqrt(1-math.Pow(s.Beta2, float64(s.Step))))}
	if s.Decoupled {
		k.Shrink = F(1 - s.LR*s.WeightDecay)
	} else {
		k.Coupled = F(s.WeightDecay)
	}
	p, g, m, v, pool := host[F](tp), host[F](tg), host[F](tm), host[F](tv), tp.dev.pool
	blocks(tp.dev, len(p), func(lo, hi int) { cpukern.Adam(pool, p[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi], &k) })
}

// SGDSpec has the constants of one step of gradient descent with momentum.
type SGDSpec struct {
	LR, Momentum, WeightDecay float64
	Nesterov                  bool
	Step                      int // counted from 1: the first step sets the buffer
}

// SGD updates parameters p and the momentum buffer buf by the gradient g times scale [1] (1 if left out).
func SGD(p, g, buf, scale Tensor, s SGDSpec) {
	wantFloat("SGD", "p", p)
	wantLike("SGD", "g", g, p)
	wantLike("SGD", "buf", buf, p)
	wantScale("SGD", scale, p)
	if s.Step <= 1 {
		Fill(buf, 0)
	}
	compute(p, func() { sgd[float32](p, g, buf, scale, s) }, func() { sgd[float64](p, g, buf, scale, s) })
}

func sgd[F Float](tp, tg, tb, scale Tensor, s SGDSpec) {
	k := cpukern.SGDStep[F]{Scale: scaleOf[F](scale), Decay: F(s.WeightDecay), Momentum: F(s.Momentum), Rate: F(s.LR), Ahead: 1}
	if s.Nesterov {
		k.Ahead, k.Own = F(s.Momentum), 1
	}
	p, g, buf, pool := host[F](tp), host[F](tg), host[F](tb), tp.dev.pool
	blocks(tp.dev, len(p), func(lo, hi int) { cpukern.SGD(pool, p[lo:hi], g[lo:hi], buf[lo:hi], &k) })
}

// EMA computes avg = decay * avg + (1 - decay) * p.
func EMA(avg, p Tensor, decay float64) {
	wantFloat("EMA", "avg", avg)
	wantLike("EMA", "p", p, avg)
	compute(avg, func() { ema[float32](avg, p, decay) }, func() { ema[float64](avg, p, decay) })
}

func ema[F Float](tavg, tp Tensor, decay float64) {
	avg, p, a, b := host[F](tavg), host[F](tp), F(decay), F(1-decay)
	blocks(tavg.dev, len(avg), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			avg[i] = a*avg[i] + b*p[i]
		}
	})
}
