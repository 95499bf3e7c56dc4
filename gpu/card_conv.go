package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/gpu/internal/driver"
)

// convOf returns a convolution's shape as the device's library takes it, with scratch memory for a pass of it.
func (c *card) convOf(s cpukern.ConvShape, t DType, p driver.ConvPass) driver.Conv {
	q := driver.Conv{N: s.N, H: s.H, W: s.W, C: s.C, K: s.K, R: s.R, S: s.S, Stride: s.Stride, Pad: s.Pad, Type: typeOf(t), TF32: c.tf32 && t == F32}
	c.scratch(c.dev.ConvScratch(q, p))
	return q
}

func (c *card) conv(s cpukern.ConvShape, y, x, w Tensor) {
	c.dev.ConvForward(c.convOf(s, x.dtype, driver.PassForward), y.at, x.at, w.at)
}

func (c *card) convBackwardData(s cpukern.ConvShape, dx, dy, w Tensor) {
	c.dev.ConvBackwardData(c.convOf(s, dx.dtype, driver.PassData), dx.at, dy.at, w.at, 0)
}

func (c *card) convBackwardWeight(s cpukern.ConvShape, dw, dy, x Tensor) {
	c.dev.ConvBackwardWeight(c.convOf(s, x.dtype, driver.PassWeight), dw.at, dy.at, x.at)
}
