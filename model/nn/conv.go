package nn

import "contig-gpu/gpu"

// Conv is a square convolution without bias, x [N, H, W, C] to y [N, H', W', K] with
// H' = (H + 2 pad - k)/stride + 1. Its weights are drawn from N(0, 2/(K k k)), as torchvision's ResNet draws them.
type Conv struct {
	Weight *Param // [K, R, S, C]

	spec   gpu.ConvSpec
	first  bool
	normed bool
}

// NewConv returns a k x k convolution of cin to cout channels whose parameter is name.weight.
func NewConv(name string, cin, cout, k, stride, pad int) *Conv {
	return &Conv{
		Weight: &Param{Name: name + ".weight", Dims: []int{cout, k, k, cin}, Init: KaimingNormal, FanOut: cout * k * k, Decay: true},
		spec:   gpu.ConvSpec{Stride: stride, Pad: pad},
	}
}

// First says that nobody needs the gradient of the input: Backward then returns the zero Tensor.
func (c *Conv) First() { c.first = true }

// Normed says that a BatchNorm of all rows follows, which takes its statistics from the convolution where that has them in
// passing, and returns c.
func (c *Conv) Normed() *Conv {
	c.normed = true
	return c
}

// Params returns the weight.
func (c *Conv) Params() []*Param { return []*Param{c.Weight} }

// Buffers returns nothing.
func (c *Conv) Buffers() []*Buffer { return nil }

// Forward convolves.
func (c *Conv) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	w := c.Weight.Dims
	y := p.New(x.Dim(0), windows(x.Dim(1), w[1], c.spec.Stride, c.spec.Pad), windows(x.Dim(2), w[2], c.spec.Stride, c.spec.Pad), w[0])
	if c.normed && p.Train {
		sums := p.NewAs(Master(p.DType), 2, w[0])
		p.summed(y, sums, gpu.ConvStats(y, sums, x, c.Weight.Weight(), c.spec))
	} else {
		gpu.Conv(y, x, c.Weight.Weight(), c.spec)
	}
	p.Save(c, x)
	return y
}

// Backward adds to the weight's gradient and returns that of x.
func (c *Conv) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	x := p.Load(c)[0]
	gpu.ConvBackwardWeight(c.Weight.Grad, dy, x, c.spec)
	var dx gpu.Tensor
	if !c.first {
		dx = p.Temp(x.Dims()...)
		gpu.ConvBackwardData(dx, dy, c.Weight.Weight(), c.spec)
	}
	p.Free(dy)
	return dx
}

// BackwardAdd implements Adder.
func (c *Conv) BackwardAdd(p *Pass, dy, dx gpu.Tensor) {
	x := p.Load(c)[0]
	gpu.ConvBackwardWeight(c.Weight.Grad, dy, x, c.spec)
	gpu.ConvBackwardDataAdd(dx, dy, c.Weight.Weight(), c.spec)
	p.Free(dy)
}

// windows returns how many windows of k fit into n with the stride and padding given.
func windows(n, k, stride, pad int) int { return (n+2*pad-k)/stride + 1 }
