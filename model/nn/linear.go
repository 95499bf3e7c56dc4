package nn

import "contig-gpu/gpu"

// Linear is y = x W^T + b for x [N, in], optionally with a ReLU fused.
// Its weights are drawn uniformly from +-1/sqrt(in), as PyTorch draws them.
type Linear struct {
	Weight *Param // [out, in]
	Bias   *Param // [out]

	relu bool
}

// NewLinear returns a layer whose parameters are name.weight and name.bias.
func NewLinear(name string, in, out int) *Linear {
	return &Linear{
		Weight: &Param{Name: name + ".weight", Dims: []int{out, in}, Init: Uniform, FanIn: in, Decay: true},
		Bias:   &Param{Name: name + ".bias", Dims: []int{out}, Init: Uniform, FanIn: in},
	}
}

// WithReLU makes y = max(0, x W^T + b), and returns l.
func (l *Linear) WithReLU() *Linear {
	l.relu = true
	return l
}

// Params returns the weight and the bias.
func (l *Linear) Params() []*Param { return []*Param{l.Weight, l.Bias} }

// Buffers returns nothing.
func (l *Linear) Buffers() []*Buffer { return nil }

// Forward maps [N, in] to [N, out].
func (l *Linear) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	y := p.New(x.Dim(0), l.Weight.Dims[0])
	gpu.MatMulBias(y, x, l.Weight.Weight(), false, true, l.Bias.Value, l.relu)
	var passed gpu.Tensor
	if l.relu {
		p.noRule(l)
		passed = y
	}
	p.Save(l, p.ifParams(x), passed)
	return y
}

// Backward maps dy [N, out] to dx [N, in].
func (l *Linear) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	l.backwardOwn(p, dy)
	dx := p.Temp(dy.Dim(0), l.Weight.Dims[1])
	gpu.MatMul(dx, dy, l.Weight.Weight(), false, false, 0)
	p.Free(dy)
	return dx
}

// BackwardAdd implements Adder.
func (l *Linear) BackwardAdd(p *Pass, dy, dx gpu.Tensor) gpu.Tensor {
	l.backwardOwn(p, dy)
	gpu.MatMul(dx, dy, l.Weight.Weight(), false, false, 1)
	p.Free(dy)
	return dx
}

var _, _, _, _ Adder = (*Linear)(nil), (*Conv)(nil), (*ConvNorm)(nil), Sequential(nil)

func (l *Linear) backwardParams(p *Pass, dy gpu.Tensor) {
	l.backwardOwn(p, dy)
	p.Free(dy)
}

// backwardOwn leaves in dy what the ReLU let through, and adds to the gradients of the parameters where they are wanted.
func (l *Linear) backwardOwn(p *Pass, dy gpu.Tensor) {
	s := p.Load(l)
	x, passed := s[0], s[1]
	if passed.Ok() {
		gpu.ReLUBackward(dy, dy, passed)
	}
	if x.Ok() {
		gpu.SumRows(l.Bias.Grad, dy)
		gpu.MatMul(l.Weight.Grad, dy, x, true, false, 1)
		p.complete(l.Weight)
	}
}
