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

// convShape checks the shapes of a convolution under the names the operation gives them.
func convShape(op, xName, wName, yName string, x, w, y Tensor, wType DType, s ConvSpec) cpukern.ConvShape {
	wantFloat(op, xName, x, 4)
	wantRank(op, wName, w, 4)
	if s.Stride < 1 || s.Pad < 0 {
		panic(fmt.Sprintf("gpu: %s: stride is %d and pad %d, want at least 1 and 0", op, s.Stride, s.Pad))
	}
	want(op, wName, w, x, wType, w.Dim(0), w.Dim(1), w.Dim(2), x.Dim(3))
	c := cpukern.ConvShape{N: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3), K: w.Dim(0), R: w.Dim(1), S: w.Dim(2), Stride: s.Stride, Pad: s.Pad}
	if c.H+2*s.Pad < c.R || c.W+2*s.Pad < c.S {
		panic(fmt.Sprintf("gpu: %s: %s is %s, smaller than the window of %s %s", op, xName, shape(x.Dims()), wName, shape(w.Dims())))
	}
	want(op, yName, y, x, x.dtype, c.N, s.out(c.H, c.R), s.out(c.W, c.S), c.K)
	return c
}

// Conv computes y [N, H', W', K] = the convolution of x [N, H, W, C] with w [K, R, S, C].
func Conv(y, x, w Tensor, s ConvSpec) {
	c, p := convShape("Conv", "x", "w", "y", x, w, y, x.dtype, s), x.dev.pool
	x.dev.note(ConvForward, c, x.dtype)
	computeCounted(x, func() { cpukern.Conv(p, c, host[float32](y), host[float32](x), host[float32](w)) },
		func() { cpukern.Conv(p, c, host[float64](y), host[float64](x), host[float64](w)) },
		func(k *card) { k.conv(c, y, x, w) })
}

// ConvBackwardData computes dx, the gradient of Conv's x.
func ConvBackwardData(dx, dy, w Tensor, s ConvSpec) {
	c, p := convShape("ConvBackwardData", "dx", "w", "dy", dx, w, dy, dx.dtype, s), dx.dev.pool
	dx.dev.note(ConvDataGradient, c, dx.dtype)
	computeCounted(dx, func() { cpukern.ConvBackwardData(p, c, host[float32](dx), host[float32](dy), host[float32](w)) },
		func() { cpukern.ConvBackwardData(p, c, host[float64](dx), host[float64](dy), host[float64](w)) },
		func(k *card) { k.convBackwardData(c, dx, dy, w) })
}

// ConvBackwardWeight adds the gradient of Conv's w to dw, which is float32 where x and dy have 16 bits.
func ConvBackwardWeight(dw, dy, x Tensor, s ConvSpec) {
	c, p := convShape("ConvBackwardWeight", "x", "dw", "dy", x, dw, dy, vectorType(x), s), x.dev.pool
	x.dev.note(ConvWeightGradient, c, x.dtype)
	computeCounted(x, func() { cpukern.ConvBackwardWeight(p, c, host[float32](dw), host[float32](dy), host[float32](x)) },
		func() { cpukern.ConvBackwardWeight(p, c, host[float64](dw), host[float64](dy), host[float64](x)) },
		func(k *card) { k.convBackwardWeight(c, dw, dy, x) })
}
