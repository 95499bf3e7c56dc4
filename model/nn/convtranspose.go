package nn

import "contig-gpu/gpu"

// ConvTranspose makes squares of k x k of the pixels of x [N, H, W, C], to y [N, k H, k W, K], and adds a bias. Weight and bias are drawn uniformly from +-1/sqrt(K k k), as PyTorch draws them.
type ConvTranspose struct {
	Weight *Param // [C, k, k, K]
	Bias   *Param // [K]
}

// NewConvTranspose returns a layer of cin to cout channels whose parameters are name.weight and name.bias.
func NewConvTranspose(name string, cin, cout, k int) *ConvTranspose {
	return &ConvTranspose{
		Weight: &Param{Name: name + ".weight", Dims: []int{cin, k, k, cout}, Init: Uniform, FanIn: cout * k * k, Decay: true},
		Bias:   &Param{Name: name + ".bias", Dims: []int{cout}, Init: Uniform, FanIn: cout * k * k},
	}
}

// Params returns the weight and the bias.
func (c *ConvTranspose) Params() []*Param { return []*Param{c.Weight, c.Bias} }

// Buffers returns nothing.
func (c *ConvTranspose) Buffers() []*Buffer { return nil }

// Forward enlarges.
func (c *ConvTranspose) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	k := c.Weight.Dims[1]
	y := p.New(x.Dim(0), k*x.Dim(1), k*x.Dim(2), c.Weight.Dims[3])
	gpu.ConvTranspose(y, x, c.Weight.Weight(), c.Bias.Value)
	p.SaveShape(c, x, p.ifParams(x))
	return y
}

// Backward adds to the gradients of weight and bias and returns that of x.
func (c *ConvTranspose) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	dims, s := p.LoadShape(c)
	if x := s[0]; x.Ok() {
		gpu.ConvTransposeBackwardWeight(c.Weight.Grad, c.Bias.Grad, dy, x)
		p.complete(c.Weight)
	}
	dx := p.Temp(dims...)
	gpu.ConvTransposeBackwardData(dx, dy, c.Weight.Weight())
	p.Free(dy)
	return dx
}
