package nn

import "contig-gpu/gpu"

// Up is a step of a U-Net's way up: x is enlarged, a feature map of that size is put behind its channels, and both go through a block.
type Up struct {
	Enlarge *ConvTranspose
	Block   Sequential
}

// Forward joins x, enlarged, with skip, which must live until the pass ends. x is given back where nothing saved it.
func (u *Up) Forward(p *Pass, x, skip gpu.Tensor) gpu.Tensor {
	large := u.Enlarge.Forward(p, x)
	p.consumed(x)
	d := large.Dims()
	joined := p.New(d[0], d[1], d[2], d[3]+skip.Dim(3))
	gpu.Concat(joined, large, skip)
	p.consumed(large)
	y := u.Block.Forward(p, joined)
	p.consumed(joined)
	return y
}

// Backward returns the gradients of x and of skip. Whoever takes them frees them.
func (u *Up) Backward(p *Pass, dy gpu.Tensor) (dx, dskip gpu.Tensor) {
	dy = u.Block.Backward(p, dy)
	d := dy.Dims()
	own := u.Enlarge.Weight.Dims[3]
	dlarge := p.Temp(d[0], d[1], d[2], own)
	dskip = p.Temp(d[0], d[1], d[2], d[3]-own)
	gpu.Split(dlarge, dskip, dy)
	p.Free(dy)
	return u.Enlarge.Backward(p, dlarge), dskip
}

// Params returns those of the enlargement and of the block.
func (u *Up) Params() []*Param { return append(u.Enlarge.Params(), u.Block.Params()...) }

// Buffers returns those of the block.
func (u *Up) Buffers() []*Buffer { return u.Block.Buffers() }

// PerPixel runs a Linear on each pixel of x [N, H, W, C]: a convolution of 1 x 1 with a bias.
type PerPixel struct{ *Linear }

// Forward maps x to [N, H, W, K].
func (l PerPixel) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	d := x.Dims()
	return l.Linear.Forward(p, x.View(d[0]*d[1]*d[2], d[3])).View(d[0], d[1], d[2], l.Weight.Dims[0])
}

// Backward returns the gradient of x.
func (l PerPixel) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	d := dy.Dims()
	return l.Linear.Backward(p, dy.View(d[0]*d[1]*d[2], d[3])).View(d[0], d[1], d[2], l.Weight.Dims[1])
}
