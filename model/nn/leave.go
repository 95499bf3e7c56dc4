package nn

import "contig-gpu/gpu"

// leaves reports whether b may leave its ReLU and what is before it to another layer.
func (b *BatchNorm) leaves(p *Pass) bool {
	return b.relu && !b.presentOnly && !b.shared(p) && p.Stats == BatchStats && p.Rule == Gradient
}

// leave takes the statistics of x, of all rows, and leaves the rest and the ReLU to the convolution that reads x next.
func (b *BatchNorm) leave(p *Pass, x gpu.Tensor, s sums) {
	n, line := b.line(p, x, s)
	p.left = left{x: x, from: x, line: line}
	p.Save(b, x, gpu.Tensor{}, gpu.Tensor{}, n.Mean, n.Rstd, line, gpu.Tensor{})
	b.left(p, x, n)
}

// leaveAdd is leave where a residual is added before the ReLU. It returns what the next convolution is to write.
func (b *BatchNorm) leaveAdd(p *Pass, x, residual gpu.Tensor, s sums) gpu.Tensor {
	y := p.New(x.Dims()...)
	n, line := b.line(p, x, s)
	p.left, n.Add = left{x: y, from: x, add: residual, line: line}, residual
	var passed gpu.Tensor
	if p.keeps() {
		passed = y
	}
	p.Save(b, x, passed, gpu.Tensor{}, n.Mean, n.Rstd, gpu.Tensor{}, p.ifParams(residual))
	b.left(p, y, n)
	return y
}

// line takes the statistics of x.
func (b *BatchNorm) line(p *Pass, x gpu.Tensor, s sums) (gpu.Normed, gpu.Tensor) {
	n, line := b.normed(p, x, s), p.New(2, b.channels)
	spec := gpu.BatchNorm{Eps: normEps}
	if p.Move {
		spec.Momentum = normMomentum
	}
	gpu.BatchNormLine(line, n, spec)
	p.consumed(s.room)
	return n, line
}

// left tells what y will be made of, where there is a Backward; else nobody needs the statistics any more.
func (b *BatchNorm) left(p *Pass, y gpu.Tensor, n gpu.Normed) {
	if !p.keeps() {
		p.consumed(n.Mean)
		p.consumed(n.Rstd)
		return
	}
	if !n.Add.Ok() || p.Want&OfParams != 0 {
		p.made = made{b, y, n}
	}
}
