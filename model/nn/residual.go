package nn

import "contig-gpu/gpu"

// Residual is y = ReLU(Last(Body(x)) + Shortcut(x)); without a Shortcut x itself is added.
type Residual struct {
	Body     Sequential // its first layer is an Adder: both gradients of x are summed where that one's is computed
	Last     *ConvNorm  // its norm adds the shortcut and rectifies
	Shortcut *ConvNorm  // nil: the identity; its norm does not rectify
}

// Forward runs the body, the last convolution, the shortcut, and the norm that joins them: two norms at once by the statistics of
// the batch.
func (r *Residual) Forward(p *Pass, x gpu.Tensor) gpu.Tensor { return r.forwardFor(p, x, reader{}) }

// forwardFor is Forward where next reads the result.
func (r *Residual) forwardFor(p *Pass, x gpu.Tensor, next reader) gpu.Tensor {
	z := r.forward(p, x, next)
	p.offer(z, next)
	return z
}

func (r *Residual) forward(p *Pass, x gpu.Tensor, next reader) gpu.Tensor {
	h := r.Body.forwardFor(p, x, readerOf(r.Last))
	y, s := r.Last.convolve(p, h)
	p.consumed(h)
	switch {
	case r.Shortcut == nil && next.takes(p, r.Last.Norm, y):
		return r.Last.Norm.leaveAdd(p, y, x, s)
	case r.Shortcut == nil:
		return r.Last.normalise(p, y, s, x)
	case p.Stats == RunningStats:
		short := r.Shortcut.Forward(p, x)
		z := r.Last.normalise(p, y, s, short)
		p.consumed(short)
		return z
	}
	c, t := r.Shortcut.convolve(p, x)
	z := r.Last.Norm.forwardBoth(p, r.Shortcut.Norm, y, c, s, t)
	p.consumed(y)
	p.consumed(c)
	return z
}

// Backward sums the gradients of both branches.
func (r *Residual) Backward(p *Pass, dy gpu.Tensor) gpu.Tensor {
	var dh, dx gpu.Tensor
	switch {
	case r.Shortcut == nil:
		dh, dx = r.Last.Norm.backwardBoth(p, dy)
	case p.Stats == RunningStats:
		dh, dx = r.Last.Norm.backwardBoth(p, dy)
		dx = r.Shortcut.Backward(p, dx)
	default:
		dh, dx = r.Last.Norm.backwardNorms(p, r.Shortcut.Norm, dy)
		dx = r.Shortcut.Conv.Backward(p, dx)
	}
	return r.Body.BackwardAdd(p, r.Last.Conv.Backward(p, dh), dx)
}

// Params returns those of body, last convolution and shortcut.
func (r *Residual) Params() []*Param {
	ps := append(r.Body.Params(), r.Last.Params()...)
	if r.Shortcut != nil {
		ps = append(ps, r.Shortcut.Params()...)
	}
	return ps
}

// Buffers returns those of body, last convolution and shortcut.
func (r *Residual) Buffers() []*Buffer {
	bs := append(r.Body.Buffers(), r.Last.Buffers()...)
	if r.Shortcut != nil {
		bs = append(bs, r.Shortcut.Buffers()...)
	}
	return bs
}
