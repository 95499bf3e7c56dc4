package nn

import "contig-gpu/gpu"

// Sequential runs layers one after the other. An empty one is the identity.
type Sequential []Layer

// Forward runs the layers in order. What lies between two layers and is not kept for Backward is given back at once.
func (s Sequential) Forward(p *Pass, x gpu.Tensor) gpu.Tensor {
	return s.forwardFor(p, x, reader{})
}

// forwardFor is Forward where r reads the result.
func (s Sequential) forwardFor(p *Pass, x gpu.Tensor, r reader) gpu.Tensor {
	first := x
	for i, l := range s {
		next := r
		if i+1 < len(s) {
			next = readerOf(s[i+1])
		}
		y := forwardFor(p, l, x, next)
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
func (s Sequential) BackwardAdd(p *Pass, dy, dx gpu.Tensor) gpu.Tensor {
	return s[0].(Adder).BackwardAdd(p, s[1:].Backward(p, dy), dx)
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

func (s Sequential) backwardParams(p *Pass, dy gpu.Tensor) {
	if len(s) == 0 {
		p.Free(dy)
		return
	}
	backwardParams(p, s[0], s[1:].Backward(p, dy))
}
