package nn

import "contig-gpu/gpu"

// A residual block with a convolution in its shortcut ends in two norms, which are added and rectified: by the statistics of the
// batch both are one operation.

// forwardBoth is forward of x and of z by another norm, added before the ReLU; s and t are their sums.
func (b *BatchNorm) forwardBoth(p *Pass, other *BatchNorm, x, z gpu.Tensor, s, t sums) gpu.Tensor {
	y := p.New(x.Dims()...)
	passed := b.passed(p, y)
	n, m := b.normed(p, x, s), other.normed(p, z, t)
	spec := gpu.BatchNorm{Eps: normEps}
	if p.Move {
		spec.Momentum = normMomentum
	}
	gpu.BatchNormTrainBoth(y, bits(passed), n, m, spec)
	p.consumed(s.room)
	p.consumed(t.room)
	p.Save(b, passed, x, n.Mean, n.Rstd, z, m.Mean, m.Rstd)
	if !p.keeps() {
		for _, v := range []gpu.Tensor{n.Mean, n.Rstd, m.Mean, m.Rstd} {
			p.consumed(v)
		}
	}
	return y
}

// normed takes memory for the statistics of x.
func (b *BatchNorm) normed(p *Pass, x gpu.Tensor, s sums) gpu.Normed {
	return gpu.Normed{X: x, Mean: p.NewAs(Master(p.DType), b.channels), Rstd: p.NewAs(Master(p.DType), b.channels), Gamma: b.Weight.Value, Beta: b.Bias.Value,
		RunMean: b.RunMean.Value, RunVar: b.RunVar.Value, Shared: b.shared(p), Sums: s.known()}
}

// backwardNorms is Backward of forwardBoth: the gradients of x and of z, which takes dy's place.
func (b *BatchNorm) backwardNorms(p *Pass, other *BatchNorm, dy gpu.Tensor) (dx, dz gpu.Tensor) {
	dx = p.Temp(dy.Dims()...)
	s := p.Load(b)
	of := func(n *BatchNorm, s []gpu.Tensor) gpu.Normed {
		return gpu.Normed{X: s[0], Mean: s[1], Rstd: s[2], Gamma: n.Weight.Value, Shared: n.shared(p), Dgamma: p.ifParams(n.Weight.Grad), Dbeta: p.ifParams(n.Bias.Grad)}
	}
	gpu.BatchNormBothBackward(dx, dy, s[0], of(b, s[1:4]), of(other, s[4:7]))
	return dx, dy
}
