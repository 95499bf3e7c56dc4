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
	c.save(p, x)
	return y
}

// output takes memory for the result of Forward.
func (c *Conv) output(p *Pass, x gpu.Tensor) gpu.Tensor {
	w := c.Weight.Dims
	return p.New(x.Dim(0), windows(x.Dim(1), w[1], c.spec.Stride, c.spec.Pad), windows(x.Dim(2), w[2], c.spec.Stride, c.spec.Pad), w[0])
}

func (c *Conv) save(p *Pass, x gpu.Tensor) { p.SaveShape(c, x, p.ifParams(x)) }

// Backward adds to the weight's gradient and returns that of x.
func (c *Conv) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	dims := c.backwardWeight(p, dy)
	dx := p.Temp(dims...)
	gpu.ConvBackwardData(dx, dy, c.Weight.Weight(), c.spec)
	p.Free(dy)
	return dx
}

// BackwardAdd implements Adder.
func (c *Conv) BackwardAdd(p *Pass, dy, dx gpu.Tensor) {
	c.backwardWeight(p, dy)
	gpu.ConvBackwardDataAdd(dx, dy, c.Weight.Weight(), c.spec)
	p.Free(dy)
}

func (c *Conv) backwardParams(p *Pass, dy gpu.Tensor) {
	c.backwardWeight(p, dy)
	p.Free(dy)
}

// backwardWeight adds to the weight's gradient where it is wanted, and returns the shape of x.
func (c *Conv) backwardWeight(p *Pass, dy gpu.Tensor) []int {
	dims, s := p.LoadShape(c)
	if x := s[0]; x.Ok() {
		gpu.ConvBackwardWeight(c.Weight.Grad, dy, x, c.spec)
	}
	return dims
}

// windows returns how many windows of k fit into n with the stride and padding given.
func windows(n, k, stride, pad int) int { return (n+2*pad-k)/stride + 1 }
