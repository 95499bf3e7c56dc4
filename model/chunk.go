package model

import (
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// StepInChunks is Step with the trunk's activations of at most chunk images in memory at a time, 0: of all (Gao et al.
// 2021, "Scaling deep contrastive learning batch size under memory limited setup"). The trunk runs forward on every chunk
// and keeps its features alone; heads, genetics and the loss run on the whole batch; then each chunk is run forward again,
// and backward from its part of the features' gradient. That gradient, and the parameters', is the whole batch's and no
// estimate. What differs from Step is what batch normalisation in the trunk normalises with: the statistics of the
// chunk, the same ones both times. Running averages move once for every chunk. Genetics are normalised over the batch.
func (m *Model) StepInChunks(p *nn.Pass, b Batch, chunk int, losses gpu.Tensor) {
	n := b.Image.Dim(0)
	if chunk <= 0 || chunk >= n {
		m.Step(p, b, losses)
		return
	}
	features := p.Temp(n, m.TrunkWidth())
	m.embed(&nn.Pass{Train: true, NoBackward: true, Arena: p.Arena, DType: p.DType}, features, b.Image, chunk)
	d := m.heads(p, features, b, losses)
	p.Finish()
	again := &nn.Pass{Train: true, NoAverages: true, Arena: p.Arena, DType: p.DType}
	chunks(n, chunk, func(lo, hi int) {
		m.Features(again, chunkOf(again, b.Image, lo, hi))
		part := rows(d, lo, hi)
		dy := again.Temp(part.Dims()...)
		gpu.Copy(dy, part)
		m.trunk.Backward(again, dy)
		again.Finish()
	})
	p.Free(d)
	p.Free(features)
}

// FeaturesInChunks is Features in evaluation with the activations of at most chunk images in memory at a time, 0: of all.
func (m *Model) FeaturesInChunks(p *nn.Pass, image gpu.Tensor, chunk int) gpu.Tensor {
	n := image.Dim(0)
	if chunk <= 0 || chunk >= n {
		return m.Features(p, image)
	}
	features := p.New(n, m.TrunkWidth())
	m.embed(&nn.Pass{Arena: p.Arena, DType: p.DType}, features, image, chunk)
	return features
}

// embed writes the features [N, TrunkWidth] of image chunk by chunk; p keeps nothing.
func (m *Model) embed(p *nn.Pass, features, image gpu.Tensor, chunk int) {
	chunks(image.Dim(0), chunk, func(lo, hi int) {
		gpu.Copy(rows(features, lo, hi), m.Features(p, chunkOf(p, image, lo, hi)))
		p.Finish()
	})
}

// chunks cuts n rows into the fewest parts of at most chunk rows, as equal as can be, so that none is much smaller than
// the others.
func chunks(n, chunk int, f func(lo, hi int)) {
	parts := (n + chunk - 1) / chunk
	for i := range parts {
		f(i*n/parts, (i+1)*n/parts)
	}
}

// chunkAlign is what the address of a convolution's input is a multiple of, in bytes: cuDNN asks for it.
const chunkAlign = 16

// chunkOf returns images [lo, hi), copied where they do not begin at an address that convolutions take as it is.
func chunkOf(p *nn.Pass, image gpu.Tensor, lo, hi int) gpu.Tensor {
	x := rows(image, lo, hi)
	if x.DType() != p.DType || lo*x.Bytes()/(hi-lo)%chunkAlign == 0 {
		return x
	}
	y := p.New(x.Dims()...)
	gpu.Copy(y, x)
	return y
}

// rows returns rows [lo, hi) of t.
func rows(t gpu.Tensor, lo, hi int) gpu.Tensor {
	d := t.Dims()
	per := t.Len() / d[0]
	d[0] = hi - lo
	return t.Slice(lo*per, hi*per).View(d...)
}
