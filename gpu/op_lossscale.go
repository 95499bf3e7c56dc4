package gpu

import (
	"contig-gpu/kernels"
	"math"
)

// LossScaling says how the scale of a loss follows the gradient (Micikevicius et al. 2018, section 3.2).
type LossScaling struct {
	Least float64 // the smallest scale
	Grow  int     // it doubles after so many steps without a change
}

// The places of a state of LossScaling, F64 [3].
const (
	stateScale   = iota // a power of two
	stateGood           // steps since it changed
	stateSkipped        // steps that changed no parameter, since the run began
	scalingState
)

// ScaleLoss computes dst [T] = src [T] times the scale in state (F64 [3]: scale, good steps, skipped steps).
func ScaleLoss(dst, src, state Tensor) {
	wantFloat("ScaleLoss", "dst", dst)
	wantLike("ScaleLoss", "src", src, dst)
	want("ScaleLoss", "state", state, dst, F64, scalingState)
	compute(dst, func() { scaleLoss[float32](dst, src, state) }, func() { scaleLoss[float64](dst, src, state) },
		func(c *gpu) { c.scaleLoss(dst, src, state) })
}

func scaleLoss[F Float](dst, src, state Tensor) {
	y, x, s := host[F](dst), host[F](src), F(host[float64](state)[stateScale])
	for i := range y {
		y[i] = x[i] * s
	}
}

// AdaptScale ends a step whose loss was multiplied by the scale in state: scale [1] becomes ClipScale's of sumsq (F64 [1]) with the
// gain 1 over that, and state what the next step begins with. A gradient that is not finite halves the scale, unless it is the
// least, and its step counts as skipped; after Grow others the scale doubles. rates [3] become the first three of choice [7] where as
// many steps were skipped before this one as its last says, else the next three.
func AdaptScale(scale, rates, state, choice, sumsq Tensor, maxNorm float64, s LossScaling) {
	wantFloat("AdaptScale", "scale", scale)
	want("AdaptScale", "scale", scale, scale, scale.dtype, 1)
	want("AdaptScale", "rates", rates, scale, scale.dtype, 3)
	want("AdaptScale", "state", state, scale, F64, scalingState)
	want("AdaptScale", "choice", choice, scale, scale.dtype, 7)
	want("AdaptScale", "sumsq", sumsq, scale, F64, 1)
	compute(scale, func() { adaptScale[float32](scale, rates, state, choice, sumsq, maxNorm, s) },
		func() { adaptScale[float64](scale, rates, state, choice, sumsq, maxNorm, s) },
		func(c *gpu) { c.adaptScale(scale, rates, state, choice, sumsq, maxNorm, s) })
}

func adaptScale[F Float](scale, rates, state, choice, sumsq Tensor, maxNorm float64, s LossScaling) {
	st, c := host[float64](state), host[F](choice)
	if st[stateSkipped] == float64(c[6]) {
		copy(host[F](rates), c[:3])
	} else {
		copy(host[F](rates), c[3:6])
	}
	clipScale(scale, sumsq, maxNorm, 1/st[stateScale])
	n := math.Sqrt(host[float64](sumsq)[0]) / st[stateScale]
	over := math.IsNaN(n) || math.IsInf(n, 0)
	st[stateGood]++
	switch {
	case over && st[stateScale] > s.Least:
		st[stateScale], st[stateGood], st[stateSkipped] = st[stateScale]/2, 0, st[stateSkipped]+1
	case !over && st[stateGood] >= float64(s.Grow):
		st[stateScale], st[stateGood] = 2*st[stateScale], 0
	}
}

func (c *gpu) scaleLoss(dst, src, state Tensor) {
	launch(c, "lossscale_forward", F32, c.grid(dst.Len(), 1), &kernels.LossscaleForward{Y: dst.ptr(), X: src.ptr(), State: state.ptr(), N: int32(dst.Len())})
}

func (c *gpu) adaptScale(scale, rates, state, choice, sumsq Tensor, maxNorm float64, s LossScaling) {
	g := oneBlock()
	g.Threads[0] = 1
	launch(c, "lossscale_adapt", F32, g, &kernels.LossscaleAdapt{Scale: scale.ptr(), Rates: rates.ptr(), State: state.ptr(), Choice: choice.ptr(), Sumsq: sumsq.ptr(),
		Limit: maxNorm, Least: s.Least, Grow: int32(s.Grow)})
}
