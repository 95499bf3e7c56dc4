package gpu

import (
	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
	"fmt"
)

// ConvSpec says how a convolution's window moves, the same in both directions.
type ConvSpec struct {
	Stride int // pixels, at least 1
	Pad    int // zeros on every side
}

func (s ConvSpec) out(n, k int) int { return convolution.Out(n, k, s.Stride, s.Pad) }

// convShape checks the shapes of a convolution under the names the operation gives them. Its C is that of x.
func convShape(op, xName, wName, yName string, x, w, y Tensor, wType DType, s ConvSpec) convolution.Shape {
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
	c := convolution.Shape{N: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3), K: w.Dim(0), R: w.Dim(1), S: w.Dim(2), Stride: s.Stride, Pad: s.Pad}
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
// sums over y [.., K] of its elements, sums[0], and of their squares, sums[1] [2, K] (float32), for Normed.Sums. It
// reports whether it did. The sums are of float32, so that the variance E[y^2] - E[y]^2 that follows, in float64, is off by
// a few times 2^-24 (1 + mean^2 / variance) of itself: 1e-4 where the mean is 30 standard deviations, far more than
// convolutions show before a norm. BatchNormTrain's own statistics have no such term.
func ConvStats(y, sums, x, w Tensor, s ConvSpec) bool {
	want("ConvStats", "sums", sums, x, vectorType(x), 2, w.Dim(0))
	summed := !noTerms(x, w, y) && fused(x, func(k *gpu) bool {
		c := convShape("ConvStats", "x", "w", "y", x, w, y, x.dtype, s)
		if !k.statsPay(c, x.dtype) {
			return false
		}
		x.dev.note(ConvForward, c, x.dtype)
		k.convStats(c, y, sums, x, w)
		return true
	})
	if !summed {
		Conv(y, x, w, s)
	}
	return summed
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
	dx.dev.note(ConvData, c, dx.dtype)
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
	x.dev.note(ConvWeight, c, x.dtype)
	computeCounted(x, func() { convBackwardWeight[float32](c, dw, dy, x) }, func() { convBackwardWeight[float64](c, dw, dy, x) },
		func(k *gpu) { k.convBackwardWeight(c, dw, dy, x) })
}

func convBackwardWeight[F Float](c convolution.Shape, dw, dy, x Tensor) {
	if c.C == dw.Dim(3) {
		cpukern.ConvBackwardWeight(x.dev.pool, c, host[F](dw), host[F](dy), host[F](x))
		return
	}
	wide := make([]F, dw.Len()/dw.Dim(3)*c.C)
	cpukern.ConvBackwardWeight(x.dev.pool, c, wide, host[F](dy), host[F](x))
	addCropped(dw, wide, c.C)
}

// convOf returns a convolution's shape as the device's library takes it, with scratch memory for a pass of it, and bytes
// more behind what the library uses, at the address returned.
func (c *gpu) convOf(s convolution.Shape, t DType, p convolution.Pass, more int) (driver.Conv, driver.Ptr) {
	q := c.convolution(s, t)
	need := aligned(c.dev.ConvScratch(q, p))
	return q, c.scratch(need + more).Add(need)
}

func (c *gpu) convolution(s convolution.Shape, t DType) driver.Conv {
	return driver.Conv{Shape: s, Type: typeOf(t), TF32: c.tf32 && t == F32}
}

// paddedBytes returns what w takes with the channels of a convolution's x, 0 where it has them.
func paddedBytes(s convolution.Shape, w Tensor) int {
	if w.Dim(3) == s.C {
		return 0
	}
	return s.K * s.R * s.S * s.C * w.dtype.Size()
}

// padded returns where w is with the channels of a convolution's x: where it was, or, with zeros added, at room.
func (c *gpu) padded(s convolution.Shape, w Tensor, room driver.Ptr) driver.Ptr {
	if w.Dim(3) == s.C {
		return w.at
	}
	launch(c, "padchannels_forward", w.dtype, c.grid(s.K*s.R*s.S*s.C, 1), &kernels.PadchannelsForward{Y: uint64(room), X: w.ptr(),
		Rows: int64(s.K * s.R * s.S), C: int32(w.Dim(3)), Wide: int32(s.C)})
	return room
}

func (c *gpu) conv(s convolution.Shape, y, x, w Tensor) {
	q, room := c.convOf(s, x.dtype, convolution.Forward, paddedBytes(s, w))
	c.tally.add("conv_forward_"+x.dtype.String(), s.Flops(), y, x, w)
	c.dev.ConvForward(q, y.at, x.at, c.padded(s, w, room))
}

// statsPay compares the device's convolution with sums with its convolution and a pass of ours over y.
func (c *gpu) statsPay(s convolution.Shape, t DType) bool {
	if c.caps.Stats == nil {
		return false
	}
	q := c.convolution(s, t)
	var pass *statsPass
	defer func() { pass.close() }()
	return c.caps.Stats.StatsPay(q, func(d driver.Device, y driver.Ptr) (err error) {
		if pass == nil {
			pass, err = newStatsPass(d, q, t, y)
		}
		if err == nil {
			pass.c.bnStatistics(&pass.a, pass.s)
		}
		return err
	})
}

func (c *gpu) convStats(s convolution.Shape, y, sums, x, w Tensor) {
	q, room := c.convOf(s, x.dtype, convolution.ForwardStats, paddedBytes(s, w))
	wide := c.padded(s, w, room)
	c.tally.add("conv_forward_stats_"+x.dtype.String(), s.Flops(), y, x, w)
	c.caps.Stats.ConvForwardStats(q, y.at, x.at, wide, sums.at, sums.at.Add(4*s.K))
}

func (c *gpu) convBackwardData(s convolution.Shape, dx, dy, w Tensor, add bool) {
	pass, beta := convolution.Data, float32(0)
	if add {
		pass, beta = convolution.DataAdd, 1
	}
	q, room := c.convOf(s, dx.dtype, pass, paddedBytes(s, w))
	had := Tensor{}
	if add {
		had = dx
	}
	c.tally.add("conv_data_"+dx.dtype.String(), s.Flops(), dx, had, dy, w)
	c.dev.ConvBackwardData(q, dx.at, dy.at, c.padded(s, w, room), beta)
}

func (c *gpu) convBackwardWeight(s convolution.Shape, dw, dy, x Tensor) {
	q, wide := c.convOf(s, x.dtype, convolution.Weight, paddedBytes(s, dw))
	narrow := dw.Dim(3) != s.C
	if !narrow {
		wide = dw.at
	} else {
		c.tally.add("fill", 0)
		c.dev.Set(wide, 0, 4, s.K*s.R*s.S*s.C)
	}
	c.tally.add("conv_weight_"+x.dtype.String(), s.Flops(), dw, dw, dy, x)
	c.dev.ConvBackwardWeight(q, wide, dy.at, x.at)
	if adds := c.caps.AddsWeights; adds != nil && adds(q) { // queued by now: its time is the convolution's
		c.tally.addBytes("cast_add_"+x.dtype.String(), dw.Len()*(8+x.dtype.Size()))
	}
	if !narrow {
		return
	}
	launch(c, "padchannels_backward", F32, c.grid(dw.Len(), 1), &kernels.PadchannelsBackward{Dx: dw.ptr(), Dy: uint64(wide),
		Rows: int64(s.K * s.R * s.S), C: int32(dw.Dim(3)), Wide: int32(s.C)})
}
