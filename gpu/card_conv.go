package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// convOf returns a convolution's shape as the device's library takes it, with scratch memory for a pass of it, and bytes
// more behind what the library uses, at the address returned.
func (c *gpu) convOf(s cpukern.ConvShape, t DType, p driver.ConvPass, more int) (driver.Conv, driver.Ptr) {
	q := c.convolution(s, t)
	need := aligned(c.dev.ConvScratch(q, p))
	return q, c.scratch(need + more).Add(need)
}

func (c *gpu) convolution(s cpukern.ConvShape, t DType) driver.Conv {
	return driver.Conv{N: s.N, H: s.H, W: s.W, C: s.C, K: s.K, R: s.R, S: s.S, Stride: s.Stride, Pad: s.Pad, Type: typeOf(t), TF32: c.tf32 && t == F32}
}

// paddedBytes returns what w takes with the channels of a convolution's x, 0 where it has them.
func paddedBytes(s cpukern.ConvShape, w Tensor) int {
	if w.Dim(3) == s.C {
		return 0
	}
	return s.K * s.R * s.S * s.C * w.dtype.Size()
}

// padded returns where w is with the channels of a convolution's x: where it was, or, with zeros added, at room.
func (c *gpu) padded(s cpukern.ConvShape, w Tensor, room driver.Ptr) driver.Ptr {
	if w.Dim(3) == s.C {
		return w.at
	}
	launch(c, "padchannels_forward", w.dtype, c.grid(s.K*s.R*s.S*s.C, 1), &kernels.PadchannelsForward{Y: uint64(room), X: w.ptr(),
		Rows: int64(s.K * s.R * s.S), C: int32(w.Dim(3)), Wide: int32(s.C)})
	return room
}

func (c *gpu) conv(s cpukern.ConvShape, y, x, w Tensor) {
	q, room := c.convOf(s, x.dtype, driver.PassForward, paddedBytes(s, w))
	c.tally.add("conv_forward_"+x.dtype.String(), convFlops(s), y, x, w)
	c.dev.ConvForward(q, y.at, x.at, c.padded(s, w, room))
}

// A convStatist convolves and sums what comes out, by channel, in one pass; devices without it do only the former.
type convStatist interface {
	// StatsPay reports whether that takes less time than ConvForward and a pass over y: measured once for every shape where
	// the device can, else always where the library has it.
	StatsPay(c driver.Conv) bool
	// ConvForwardStats queues y = x * w, and the sums over y and its squares, float32 [K] each.
	ConvForwardStats(c driver.Conv, y, x, w, sum, square driver.Ptr)
}

func (c *gpu) statsPay(s cpukern.ConvShape, t DType) bool {
	f, ok := c.dev.(convStatist)
	return ok && f.StatsPay(c.convolution(s, t))
}

func (c *gpu) convStats(s cpukern.ConvShape, y, sums, x, w Tensor) {
	q, room := c.convOf(s, x.dtype, driver.PassForwardStats, paddedBytes(s, w))
	wide := c.padded(s, w, room)
	c.tally.add("conv_forward_stats_"+x.dtype.String(), convFlops(s), y, x, w)
	c.dev.(convStatist).ConvForwardStats(q, y.at, x.at, wide, sums.at, sums.at.Add(4*s.K))
}

func (c *gpu) convBackwardData(s cpukern.ConvShape, dx, dy, w Tensor, add bool) {
	pass, beta := driver.PassData, float32(0)
	if add {
		pass, beta = driver.PassDataAdd, 1
	}
	q, room := c.convOf(s, dx.dtype, pass, paddedBytes(s, w))
	had := Tensor{}
	if add {
		had = dx
	}
	c.tally.add("conv_data_"+dx.dtype.String(), convFlops(s), dx, had, dy, w)
	c.dev.ConvBackwardData(q, dx.at, dy.at, c.padded(s, w, room), beta)
}

// A weightAdder says for which convolutions ConvBackwardWeight takes a launch of its own to add the gradient.
type weightAdder interface{ AddsWeights(c driver.Conv) bool }

func (c *gpu) convBackwardWeight(s cpukern.ConvShape, dw, dy, x Tensor) {
	q, wide := c.convOf(s, x.dtype, driver.PassWeight, paddedBytes(s, dw))
	narrow := dw.Dim(3) != s.C
	if !narrow {
		wide = dw.at
	} else {
		c.tally.add("fill", 0)
		c.dev.Set(wide, 0, 4, s.K*s.R*s.S*s.C)
	}
	c.tally.add("conv_weight_"+x.dtype.String(), convFlops(s), dw, dw, dy, x)
	c.dev.ConvBackwardWeight(q, wide, dy.at, x.at)
	if f, ok := c.dev.(weightAdder); ok && f.AddsWeights(q) { // queued by now: its time is the convolution's
		c.tally.addBytes("cast_add_"+x.dtype.String(), dw.Len()*(8+x.dtype.Size()))
	}
	if !narrow {
		return
	}
	launch(c, "padchannels_backward", F32, c.grid(dw.Len(), 1), &kernels.PadchannelsBackward{Dx: dw.ptr(), Dy: uint64(wide),
		Rows: int64(s.K * s.R * s.S), C: int32(dw.Dim(3)), Wide: int32(s.C)})
}

// convFlops returns the operations of one pass of a convolution.
func convFlops(s cpukern.ConvShape) int { return 2 * s.N * s.OH() * s.OW() * s.K * s.R * s.S * s.C }

func (c *gpu) padChannels(y, x Tensor) {
	last := x.Rank() - 1
	args := &kernels.PadchannelsForward{Y: y.ptr(), X: x.ptr(), Rows: int64(x.Len() / max(1, x.Dim(last))), C: int32(x.Dim(last)), Wide: int32(y.Dim(last))}
	if x.dtype == y.dtype {
		launch(c, "padchannels_forward", y.dtype, c.elemGrid(y), args, y, x)
		return
	}
	launch(c, "padchannels_narrow", y.dtype, c.elemGrid(y), (*kernels.PadchannelsNarrow)(args), y, x)
}
