package nn

import "contig-gpu/gpu"

// ConvNorm is a convolution and the BatchNorm of its output, of all rows, as one layer: the norm takes its statistics from
// the convolution where the device has them fused and faster than a pass of their own.
type ConvNorm struct {
	Conv *Conv
	Norm *BatchNorm
}

// sums is room for gpu.BatchNorm.Sums of a convolution's output. It is taken whether they are computed or not: the memory of
// a pass does not depend on what the device found to be faster.
type sums struct {
	room     gpu.Tensor // [2, K]; the zero Tensor by running statistics, which need none
	computed bool
}

// known returns the sums, the zero Tensor where they were not computed.
func (s sums) known() gpu.Tensor {
	if s.computed {
		return s.room
	}
	return gpu.Tensor{}
}

// Params returns those of the convolution and of the norm.
func (c *ConvNorm) Params() []*Param { return append(c.Conv.Params(), c.Norm.Params()...) }

// Buffers returns the running averages.
func (c *ConvNorm) Buffers() []*Buffer { return c.Norm.Buffers() }

// Forward convolves and normalises.
func (c *ConvNorm) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	return c.forwardFor(p, x, reader{})
}

// forwardFor is Forward where r reads the result: where that takes less time the norm is left to it.
func (c *ConvNorm) forwardFor(p *Pass, x gpu.Tensor, r reader) gpu.Tensor {
	y, s := c.convolve(p, x)
	if r.alone && c.Norm.leaves(p) && gpu.NormConvPays(y, r.Weight.Weight(), r.spec) {
		c.Norm.leave(p, y, s)
	} else {
		y = c.normalise(p, y, s, gpu.Tensor{})
	}
	p.offer(y, r)
	return y
}

// convolve is the first half of Forward, and normalise the second, which adds a residual: the zero Tensor is none.
func (c *ConvNorm) convolve(p *Pass, x gpu.Tensor) (y gpu.Tensor, s sums) {
	if p.Stats == RunningStats {
		return c.Conv.Forward(p, x), s
	}
	y = c.Conv.output(p, x)
	s.room = p.NewAs(Master(p.DType), 2, y.Dim(3))
	n, before, w := p.leftOf(x), p.beforeOf(x), c.Conv.Weight.Weight()
	switch {
	case n.add.Ok():
		s.computed = gpu.NormConvAdd(y, s.room, x, n.from, n.add, n.line, w, c.Conv.spec)
		p.consumed(n.line)
		p.consumed(n.from)
		if n.held {
			p.consumed(n.add)
		}
		n.line = gpu.Tensor{} // x is what it is from now on
	case n.line.Ok():
		s.computed = gpu.NormConv(y, s.room, x, n.line, w, c.Conv.spec)
		p.consumed(n.line)
	case c.Norm.shared(p):
		gpu.Conv(y, x, w, c.Conv.spec)
	default:
		s.computed = gpu.ConvStats(y, s.room, x, w, c.Conv.spec)
	}
	s.computed = s.computed && !c.Norm.shared(p) // they would be of this rank's rows alone
	c.Conv.save(p, x, n.line, before)
	return y, s
}

func (c *ConvNorm) normalise(p *Pass, y gpu.Tensor, s sums, residual gpu.Tensor) gpu.Tensor {
	z := c.Norm.forward(p, y, residual, s)
	p.consumed(y)
	return z
}

// Backward adds to the parameters' gradients and returns that of x.
func (c *ConvNorm) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	return c.Conv.Backward(p, c.Norm.Backward(p, dy))
}

// BackwardAdd implements Adder.
func (c *ConvNorm) BackwardAdd(p *Pass, dy, dx gpu.Tensor) gpu.Tensor {
	return c.Conv.BackwardAdd(p, c.Norm.Backward(p, dy), dx)
}

func (c *ConvNorm) backwardParams(p *Pass, dy gpu.Tensor) {
	c.Conv.backwardParams(p, c.Norm.Backward(p, dy))
}
