package gpu

import (
	"fmt"

	"contig-gpu/gpu/internal/cpukern"
)

// ConvSpec says how a convolution's window moves, the same in both directions.
type ConvSpec struct {
	Stride int // pixels, at least 1
	Pad    int // zeros on every side
}

func (s ConvSpec) out(n, k int) int { return (n+2*s.Pad-k)/s.Stride + 1 }

// convShape checks the shapes of a convolution under the names the operation gives them. Its C is that of x.
func convShape(op, xName, wName, yName string, x, w, y Tensor, wType DType, s ConvSpec) cpukern.ConvShape {
	wantFloat(op, xName, x, 4)
	wantRank(op, wName, w, 4)
	if s.Stride < 1 || s.Pad < 0 {
		panic(fmt.Sprintf("gpu: %s: stride is %d and pad %d, want at least 1 and 0", op, s.Stride, s.Pad))
	}
	channels := x.Dim(3)
	if channels == ConvChannels(w.Dim(3)) {
		channels = w.Dim(3)
	}
	want(op, wName, w, x, wType, w.Dim(0), w.Dim(1), w.Dim(2), channels)
	c := cpukern.ConvShape{N: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3), K: w.Dim(0), R: w.Dim(1), S: w.Dim(2), Stride: s.Stride, Pad: s.Pad}
	if c.H+2*s.Pad < c.R || c.W+2*s.Pad < c.S {
		panic(fmt.Sprintf("gpu: %s: %s is %s, smaller than the window of %s %s", op, xName, shape(x.Dims()), wName, shape(w.Dims())))
	}
	want(op, yName, y, x, x.dtype, c.N, s.out(c.H, c.R), s.out(c.W, c.S), c.K)
	return c
}

// noTerms reports whether a convolution has nothing to multiply: of no images, no channels or no filters.
func noTerms(x, w, y Tensor) bool { return x.Len() == 0 || w.Len() == 0 || y.Len() == 0 }

// Conv computes y [N, H', W', K] = the convolution of x [N, H, W, C] with w [K, R, S, C]. x may have ConvChannels(C)
// channels: those beyond w's meet weights of 0, and should hold zeros. So in all three directions; dx gets zeros there.
func Conv(y, x, w Tensor, s ConvSpec) {
	c, p := convShape("Conv", "x", "w", "y", x, w, y, x.dtype, s), x.dev.pool
	if noTerms(x, w, y) {
		Fill(y, 0)
		return
	}
	x.dev.note(ConvForward, c, x.dtype)
	computeCounted(x, func() { cpukern.Conv(p, c, host[float32](y), host[float32](x), padded[float32](w, c.C)) },
		func() { cpukern.Conv(p, c, host[float64](y), host[float64](x), padded[float64](w, c.C)) },
		func(k *gpu) { k.conv(c, y, x, w) })
}

// ConvStats computes Conv and, where the device sums y fused, and sooner than BatchNormTrain would read it again, the
// sums over y [.., K] of its elements, sums[0], and of their squares, sums[1] [2, K] (float32), for BatchNorm.Sums. It
// reports whether it did. The sums are of float32, so that the variance E[y^2] - E[y]^2 that follows, in float64, is off by
// a few times 2^-24 (1 + mean^2 / variance) of itself: 1e-4 where the mean is 30 standard deviations, far more than
// convolutions show before a norm. BatchNormTrain's own statistics have no such term.
func ConvStats(y, sums, x, w Tensor, s ConvSpec) bool {
	want("ConvStats", "sums", sums, x, vectorType(x), 2, w.Dim(0))
	if x.dev.gpu == nil || noTerms(x, w, y) || !x.dev.gpu.statsPay(convShape("ConvStats", "x", "w", "y", x, w, y, x.dtype, s), x.dtype) {
		Conv(y, x, w, s)
		return false
	}
	c := convShape("ConvStats", "x", "w", "y", x, w, y, x.dtype, s)
	x.dev.note(ConvForward, c, x.dtype)
	x.dev.gpu.convStats(c, y, sums, x, w)
	return true
}

// ConvBackwardData computes dx, the gradient of Conv's x.
func ConvBackwardData(dx, dy, w Tensor, s ConvSpec) {
	convBackwardData("ConvBackwardData", dx, dy, w, s, false)
}

// ConvBackwardDataAdd adds the gradient of Conv's x to dx: what is there is read, added to and rounded once.
func ConvBackwardDataAdd(dx, dy, w Tensor, s ConvSpec) {
	convBackwardData("ConvBackwardDataAdd", dx, dy, w, s, true)
}

func convBackwardData(op string, dx, dy, w Tensor, s ConvSpec, add bool) {
	c, p := convShape(op, "dx", "w", "dy", dx, w, dy, dx.dtype, s), dx.dev.pool
	if noTerms(dx, w, dy) {
		if !add {
			Fill(dx, 0)
		}
		return
	}
	dx.dev.note(ConvDataGradient, c, dx.dtype)
	computeCounted(dx, func() {
		cpukern.ConvBackwardData(p, c, host[float32](dx), host[float32](dy), padded[float32](w, c.C), add)
	},
		func() {
			cpukern.ConvBackwardData(p, c, host[float64](dx), host[float64](dy), padded[float64](w, c.C), add)
		},
		func(k *gpu) { k.convBackwardData(c, dx, dy, w, add) })
}

// ConvBackwardWeight adds the gradient of Conv's w to dw, which is float32 where x and dy have 16 bits.
func ConvBackwardWeight(dw, dy, x Tensor, s ConvSpec) {
	c := convShape("ConvBackwardWeight", "x", "dw", "dy", x, dw, dy, vectorType(x), s)
	if noTerms(x, dw, dy) {
		return
	}
	x.dev.note(ConvWeightGradient, c, x.dtype)
	computeCounted(x, func() { convBackwardWeight[float32](c, dw, dy, x) }, func() { convBackwardWeight[float64](c, dw, dy, x) },
		func(k *gpu) { k.convBackwardWeight(c, dw, dy, x) })
}

func convBackwardWeight[F Float](c cpukern.ConvShape, dw, dy, x Tensor) {
	if c.C == dw.Dim(3) {
		cpukern.ConvBackwardWeight(x.dev.pool, c, host[F](dw), host[F](dy), host[F](x))
		return
	}
	wide := make([]F, dw.Len()/dw.Dim(3)*c.C)
	cpukern.ConvBackwardWeight(x.dev.pool, c, wide, host[F](dy), host[F](x))
	addCropped(dw, wide, c.C)
}
