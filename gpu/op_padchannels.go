package gpu

import (
	"contig-gpu/kernels"
	"fmt"
)

// channelGroup is what the fastest convolutions of a GPU want the channels of x to be a multiple of. With an image's 3
// channels NVIDIA's libraries have kernels of their own for 4, and none that are fast for 3.
const channelGroup = 4

// ConvChannels returns the number of channels that x of Conv should have, and may have, beside a w of c channels: those
// beyond c hold zeros.
func ConvChannels(c int) int { return (c + channelGroup - 1) / channelGroup * channelGroup }

// PadChannels computes y [..., C'] of x [..., C]: x's channels, then zeros, as Conv takes them. y is of x's type, or of
// 16 bits where x is float32: then it converts as Cast does.
func PadChannels(y, x Tensor) {
	wantFloat("PadChannels", "y", y)
	wantFloat("PadChannels", "x", x)
	last := y.Rank() - 1
	if y.Rank() != x.Rank() || last < 0 || y.Dim(last) < x.Dim(last) {
		panic(fmt.Sprintf("gpu: PadChannels: y is %s, x %s, want as many channels or more in y", shape(y.Dims()), shape(x.Dims())))
	}
	want("PadChannels", "x", x, y, x.dtype, append(y.Dims()[:last:last], x.Dim(last))...)
	if y.dtype != x.dtype && (x.dtype != F32 || y.dtype == F64) {
		panic(fmt.Sprintf("gpu: PadChannels: y is %v and x %v, want one type, or f32 to 16 bits", y.dtype, x.dtype))
	}
	if x.Len() == 0 {
		Fill(y, 0)
		return
	}
	compute(y, func() { copy(host[float32](y), padded[float32](x, y.Dim(last))) },
		func() { copy(host[float64](y), padded[float64](x, y.Dim(last))) }, func(c *gpu) { c.padChannels(y, x) })
}

// padded returns a CPU tensor's elements with as many channels as given, zeros beyond its own.
func padded[F Float](t Tensor, channels int) []F {
	own, c := host[F](t), t.Dim(t.Rank()-1)
	if c == channels || own == nil { // a planning device's tensor has no elements
		return own
	}
	wide := make([]F, t.Len()/c*channels)
	for i := range t.Len() / c {
		copy(wide[i*channels:], own[i*c:(i+1)*c])
	}
	return wide
}

// addCropped adds to a CPU tensor the first channels of wide, which has the number of channels given.
func addCropped[F Float](t Tensor, wide []F, channels int) {
	c := t.Dim(t.Rank() - 1)
	for i, own := 0, host[F](t); i < len(own); i++ {
		own[i] += wide[i/c*channels+i%c]
	}
}

func (c *gpu) padChannels(y, x Tensor) {
	last := x.Rank() - 1
	args := &kernels.PadchannelsForward{Y: y.ptr(), X: x.ptr(), Rows: int64(x.Len() / max(1, x.Dim(last))), C: int32(x.Dim(last)), Wide: int32(y.Dim(last))}
	if x.dtype == y.dtype {
		launch(c, "padchannels_forward", y.dtype, c.elemGrid(y), args, y, x)
		return
	}
	launch(c, "padchannels_narrow", y.dtype, c.elemGrid(y), (*kernels.PadchannelsNarrow)(args), y, x)
}
