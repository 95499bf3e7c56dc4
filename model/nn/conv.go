package nn

import "contig-gpu/gpu"

// Conv is a square convolution without bias, x [N, H, W, C] to y [N, H', W', K] with
// H' = (H + 2 pad - k)/stride + 1. Its weights are drawn from N(0, 2/(K k k)), as torchvision's ResNet draws them.
type Conv struct {
	Weight *Param // [K, R, S, C]

	spec gpu.ConvSpec
}

// NewConv returns a k x k convolution of cin to cout channels whose parameter is name.weight.
func NewConv(name string, cin, cout, k, stride, pad int) *Conv {
	return &Conv{
		Weight: &Param{Name: name + ".weight", Dims: []int{cout, k, k, cin}, Init: KaimingNormal, FanOut: cout * k * k, Decay: true},
		spec:   gpu.ConvSpec{Stride: stride, Pad: pad},
	}
}

// Params returns the weight.
func (c *Conv) Params() []*Param { return []*Param{c.Weight} }

// Buffers returns nothing.
func (c *Conv) Buffers() []*Buffer { return nil }

// Forward convolves.
func (c *Conv) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	y := c.output(p, x)
	gpu.Conv(y, x, c.Weight.Weight(), c.spec)
	c.save(p, x, gpu.Tensor{}, made{})
	return y
}

// output takes memory for the result of Forward.
func (c *Conv) output(p *Pass, x gpu.Tensor) gpu.Tensor {
	w := c.Weight.Dims
	return p.New(x.Dim(0), windows(x.Dim(1), w[1], c.spec.Stride, c.spec.Pad), windows(x.Dim(2), w[2], c.spec.Stride, c.spec.Pad), w[0])
}

// save keeps x, the line of a norm that was left to c, and what x was made of where c is to sum for that norm.
func (c *Conv) save(p *Pass, x, line gpu.Tensor, m made) {
	p.SaveShape(c, x, p.ifParams(x), p.ifParams(line), m.by.X, m.by.Mean, m.by.Rstd, m.by.Add)
	if p.keeps() {
		p.stack[len(p.stack)-1].before = m.norm
	}
}

// Backward adds to the weight's gradient and returns that of x.
func (c *Conv) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	f := c.backwardWeight(p, dy)
	dx := p.Temp(f.dims...)
	if f.before != nil {
		c.backwardSummed(p, dx, dy, gpu.Tensor{}, f)
	} else {
		gpu.ConvBackwardData(dx, dy, c.Weight.Weight(), c.spec)
	}
	p.Free(dy)
	return dx
}

// BackwardAdd implements Adder.
func (c *Conv) BackwardAdd(p *Pass, dy, dx gpu.Tensor) gpu.Tensor {
	f := c.backwardWeight(p, dy)
	if f.before != nil {
		d := p.Temp(f.dims...)
		c.backwardSummed(p, d, dy, dx, f)
		p.Free(dx)
		dx = d
	} else {
		gpu.ConvBackwardDataAdd(dx, dy, c.Weight.Weight(), c.spec)
	}
	p.Free(dy)
	return dx
}

// backwardSummed computes d, with what was added before the ReLU also branch, and tells the norm before its sums.
func (c *Conv) backwardSummed(p *Pass, d, dy, branch gpu.Tensor, f frame) {
	s, b := f.saved[2:], f.before
	sums := p.Arena.New(Master(p.DType), 2, b.channels)
	gpu.NormConvBackwardData(d, sums, dy, branch, c.Weight.Weight(), c.spec,
		gpu.Normed{X: s[0], Mean: s[1], Rstd: s[2], Gamma: b.Weight.Value, Beta: b.Bias.Value, Add: s[3]})
	p.summed = summed{b, d, sums}
}

func (c *Conv) backwardParams(p *Pass, dy gpu.Tensor) {
	c.backwardWeight(p, dy)
	p.Free(dy)
}

// backwardWeight adds to the weight's gradient where it is wanted, and returns what Forward saved.
func (c *Conv) backwardWeight(p *Pass, dy gpu.Tensor) frame {
	f := p.load(c)
	switch x, line := f.saved[0], f.saved[1]; {
	case line.Ok():
		gpu.NormConvBackwardWeight(c.Weight.Grad, dy, x, line, c.spec)
	case x.Ok():
		gpu.ConvBackwardWeight(c.Weight.Grad, dy, x, c.spec)
	}
	p.complete(c.Weight)
	return f
}

// windows returns how many windows of k fit into n with the stride and padding given.
func windows(n, k, stride, pad int) int { return (n+2*pad-k)/stride + 1 }
