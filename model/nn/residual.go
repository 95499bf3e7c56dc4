package nn

import "contig-gpu/gpu"

// Residual is y = ReLU(Last(Body(x)) + Shortcut(x)); an empty Shortcut is the identity.
type Residual struct {
	Body     Sequential // its first layer is an Adder: both gradients of x are summed where that one's is computed
	Last     *ConvNorm  // its norm adds the shortcut and rectifies
	Shortcut Sequential
}

// Forward runs the body, the last convolution, the shortcut, and the norm that joins them.
func (r *Residual) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	h := r.Body.Forward(p, x)
	y, s := r.Last.convolve(p, h)
	p.consumed(h)
	short := r.Shortcut.Forward(p, x)
	z := r.Last.normalise(p, y, s, short)
	if short != x {
		p.consumed(short)
	}
	return z
}

// Backward sums the gradients of both branches.
func (r *Residual) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	dh, dx := r.Last.Norm.backwardBoth(p, dy)
	dx = r.Shortcut.Backward(p, dx)
	r.Body.BackwardAdd(p, r.Last.Conv.Backward(p, dh), dx)
	return dx
}

// Params returns those of body, last convolution and shortcut.
func (r *Residual) Params() []*Param {
	return append(append(r.Body.Params(), r.Last.Params()...), r.Shortcut.Params()...)
}

// Buffers returns those of body, last convolution and shortcut.
func (r *Residual) Buffers() []*Buffer {
	return append(append(r.Body.Buffers(), r.Last.Buffers()...), r.Shortcut.Buffers()...)
}
