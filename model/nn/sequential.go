package nn

import "contig-gpu/gpu"

// Sequential runs layers one after the other. An empty one is the identity.
type Sequential []Layer

// Forward runs the layers in order. In evaluation what lies between two layers is given back at once.
func (s Sequential) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	first := x
	for _, l := range s {
		y := l.Forward(p, x)
		if x != first && x != y {
			p.consumed(x)
		}
		x = y
	}
	return x
}

// Backward runs the layers in reverse order.
func (s Sequential) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	for i := len(s) - 1; i >= 0; i-- {
		dy = s[i].Backward(p, dy)
	}
	return dy
}

// BackwardAdd implements Adder where the first layer is one, and panics where it is not.
func (s Sequential) BackwardAdd(p *Pass, dy, dx gpu.Tensor) {
	s[0].(Adder).BackwardAdd(p, s[1:].Backward(p, dy), dx)
}

// Params returns the layers' parameters, in order.
func (s Sequential) Params() []*Param {
	var ps []*Param
	for _, l := range s {
		ps = append(ps, l.Params()...)
	}
	return ps
}

// Buffers returns the layers' buffers, in order.
func (s Sequential) Buffers() []*Buffer {
	var bs []*Buffer
	for _, l := range s {
		bs = append(bs, l.Buffers()...)
	}
	return bs
}

// First tells the first layer that nobody needs the gradient of its input, where the layer can make use of it.
func (s Sequential) First() {
	if len(s) == 0 {
		return
	}
	if f, ok := s[0].(interface{ First() }); ok {
		f.First()
	}
}

// Residual is y = ReLU(Norm(Body(x)) + Shortcut(x)); an empty Shortcut is the identity.
type Residual struct {
	Body     Sequential // its first layer is an Adder: the gradients of both ways are summed where that one's is computed
	Shortcut Sequential
	Norm     *BatchNorm // the last layer of the body, which adds the shortcut and rectifies
}

// Forward runs the body, the shortcut, and the norm that joins them.
func (r *Residual) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	h, short := r.Body.Forward(p, x), r.Shortcut.Forward(p, x)
	y := r.Norm.ForwardAdd(p, h, short)
	for _, t := range []gpu.Tensor{h, short} {
		if t != x {
			p.consumed(t)
		}
	}
	return y
}

// Backward sums the gradients of both ways.
func (r *Residual) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	dh, ds := r.Norm.BackwardAdd(p, dy)
	dx := r.Shortcut.Backward(p, ds)
	r.Body.BackwardAdd(p, dh, dx)
	return dx
}

// Params returns those of body, norm and shortcut.
func (r *Residual) Params() []*Param {
	return append(append(r.Body.Params(), r.Norm.Params()...), r.Shortcut.Params()...)
}

// Buffers returns those of body, norm and shortcut.
func (r *Residual) Buffers() []*Buffer {
	return append(append(r.Body.Buffers(), r.Norm.Buffers()...), r.Shortcut.Buffers()...)
}
