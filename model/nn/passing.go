package nn

import "contig-gpu/gpu"

// What a norm and the convolution that reads its result do for each other, where the device has it in one operation and that takes less time.
// Forward the norm may leave itself to the convolution; backward the convolution may apply the ReLU and take the sums of the norm's
// gradient. Either tells the other on the pass, right before it runs.

// A reader is a convolution that reads a layer's result. Its gradient of that is all of it where it alone reads it; else the last that is
// added. Without a convolution nothing is known of who reads.
type reader struct {
	*Conv
	alone bool
}

// readerOf returns what reads l's input.
func readerOf(l Layer) reader {
	switch l := l.(type) {
	case *ConvNorm:
		return reader{l.Conv, true}
	case *Residual: // its shortcut reads it too
		return reader{readerOf(l.Body).Conv, false}
	case Sequential:
		if len(l) > 0 {
			return readerOf(l[0])
		}
	}
	return reader{}
}

// takes reports whether the norm b of x, to which a residual is added, is left to r.
func (r reader) takes(p *Pass, b *BatchNorm, x gpu.Tensor) bool {
	if r.Conv == nil || r.alone || !b.leaves(p) {
		return false
	}
	w := r.Weight.Weight()
	return gpu.NormConvAddPays(x, w, r.spec) && gpu.NormConvDataPays(x, w, r.spec, true)
}

// forwardFor is Forward of a layer whose result r reads.
func forwardFor(p *Pass, l Layer, x gpu.Tensor, r reader) gpu.Tensor {
	switch l := l.(type) {
	case *ConvNorm:
		return l.forwardFor(p, x, r)
	case *Residual:
		return l.forwardFor(p, x, r)
	case Sequential:
		return l.forwardFor(p, x, r)
	}
	return l.Forward(p, x)
}

// passing is what neighbours told each other last.
type passing struct {
	left   left
	made   made
	before made
	summed summed
}

// A left norm is one that the convolution which reads x applies: from is what the norm reads, of line see gpu.BatchNormLine. x is from or, where
// something is added before the ReLU, what the convolution is to write. held says that nobody else needs what is added any more.
type left struct {
	x, from, add, line gpu.Tensor
	held               bool
}

// leftOf returns the norm that was left to who reads x, once, and nothing where x is what it is.
func (p *passing) leftOf(x gpu.Tensor) (l left) {
	if p.left.x == x {
		l, p.left = p.left, left{}
	}
	return l
}

// A made activation is y, rectified, of a norm. Where the norm was left y is its input.
type made struct {
	norm *BatchNorm
	y    gpu.Tensor
	by   gpu.Normed
}

// offer lets r take the sums of the norm that made y, if it was the last to run.
func (p *passing) offer(y gpu.Tensor, r reader) {
	m := p.made
	p.made, p.before = made{}, made{}
	add := m.by.Add.Ok()
	if m.norm != nil && m.y == y && r.Conv != nil && r.alone != add && gpu.NormConvDataPays(m.by.X, r.Weight.Weight(), r.spec, add) {
		p.before = m
	}
}

// beforeOf returns what x was made of, once, if its reader is to take the norm's sums.
func (p *passing) beforeOf(x gpu.Tensor) (m made) {
	if p.before.norm != nil && p.before.y == x {
		m, p.before = p.before, made{}
	}
	return m
}

// A summed gradient is d, of a norm's result, where the ReLU let through, and of sums see gpu.NormConvBackwardData.
type summed struct {
	norm    *BatchNorm
	d, sums gpu.Tensor
}

// sumsOf returns the sums of d, once, if the convolution that computed it took them for the norm b.
func (p *passing) sumsOf(b *BatchNorm, d gpu.Tensor) (sums gpu.Tensor) {
	if p.summed.norm == b && p.summed.d == d {
		sums, p.summed = p.summed.sums, summed{}
	}
	return sums
}
