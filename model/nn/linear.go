package nn

import "contig-gpu/gpu"

// Linear is y = x W^T + b for x [N, in], optionally followed by a ReLU in the same pass over y.
// Its weights are drawn uniformly from +-1/sqrt(in), as PyTorch draws them.
type Linear struct {
	Weight *Param // [out, in]
	Bias   *Param // [out]

	relu, first bool
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

// Rectifies reports whether a ReLU ends the layer.
func (l *Linear) Rectifies() bool { return l.relu }

// First says that nobody needs the gradient of the input: Backward then returns the zero Tensor.
func (l *Linear) First() { l.first = true }

// Params returns the weight and the bias.
func (l *Linear) Params() []*Param { return []*Param{l.Weight, l.Bias} }

// Buffers returns nothing.
func (l *Linear) Buffers() []*Buffer { return nil }

// Forward maps [N, in] to [N, out].
func (l *Linear) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	y := p.New(x.Dim(0), l.Weight.Dims[0])
	gpu.MatMulBias(y, x, l.Weight.Weight(), false, true, l.Bias.Value, l.relu)
	if l.relu {
		p.Save(l, x, y)
	} else {
		p.Save(l, x)
	}
	return y
}

// Backward maps dy [N, out] to dx [N, in].
func (l *Linear) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	x := l.backwardParams(p, dy)
	var dx gpu.Tensor
	if !l.first {
		dx = p.Temp(x.Dims()...)
		gpu.MatMul(dx, dy, l.Weight.Weight(), false, false, 0)
	}
	p.Free(dy)
	return dx
}

// BackwardAdd implements Adder.
func (l *Linear) BackwardAdd(p *Pass, dy, dx gpu.Tensor) {
	l.backwardParams(p, dy)
	gpu.MatMul(dx, dy, l.Weight.Weight(), false, false, 1)
	p.Free(dy)
}

// backwardParams adds to the gradients of the parameters, leaves in dy what the ReLU let through, and returns x.
func (l *Linear) backwardParams(p *Pass, dy gpu.Tensor) gpu.Tensor {
	s := p.Load(l)
	x := s[0]
	if l.relu {
		gpu.ReLUBackward(dy, dy, s[1])
	}
	gpu.SumRows(l.Bias.Grad, dy)
	gpu.MatMul(l.Weight.Grad, dy, x, true, false, 1)
	return x
}
