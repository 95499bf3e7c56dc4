package model

import (
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// With Chunk, the trunk's activations of at most so many images are in memory at a time (Gao et al. 2021, "Scaling deep
// contrastive learning batch size under memory limited setup"). The trunk runs forward on every chunk and keeps its features
// alone; towers and the loss run on the whole batch; then each chunk is run forward again, and backward from its part of the
// features' gradient. That gradient, and the parameters', is the whole batch's and no estimate. What differs is what batch
// normalisation in the trunk normalises with: the statistics of the chunk, the same ones both times. Running averages move
// once for every chunk. Genetics are normalised over the batch.

// chunked reports whether n images are taken in chunks.
func (m *Model) chunked(n int) bool { return m.Chunk > 0 && m.Chunk < n }

// trainFeatures returns the features of a step's images. Of chunks, nothing is kept for Backward.
func (m *Model) trainFeatures(p *nn.Pass, image gpu.Tensor) gpu.Tensor {
	n := image.Dim(0)
	if !m.chunked(n) {
		return m.trunk.Forward(p, image)
	}
	features := p.Temp(n, m.trunk.Width)
	once := nn.Training(p.Arena, p.DType)
	once.Want, once.Over = 0, p.Over
	m.embedInChunks(once, features, image)
	return features
}

// trainTrunk runs the trunk backward from the gradient of the features, which it frees.
func (m *Model) trainTrunk(p *nn.Pass, e Embedding, df gpu.Tensor) {
	n := e.image.Dim(0)
	if !m.chunked(n) {
		m.trunk.Backward(p, df)
		return
	}
	again := nn.Training(p.Arena, p.DType)
	again.Move, again.Over = false, p.Over // running averages have seen this batch
	chunks(n, m.Chunk, func(lo, hi int) {
		if hi == n {
			again.Done = p.Done
		}
		m.trunk.Forward(again, chunkOf(again, e.image, lo, hi))
		part := rows(df, lo, hi)
		dy := again.Temp(part.Dims()...)
		gpu.Copy(dy, part)
		m.trunk.Backward(again, dy)
		again.Finish()
	})
	p.Free(df)
	p.Free(e.features)
}

// Features returns the image features [N, width] of image [N, H, W, trunk.Channels of its type], chunk by chunk where
// the model has a Chunk. They live until the pass is reset or finished. The pass keeps nothing.
func (m *Model) Features(p *nn.Pass, image gpu.Tensor) gpu.Tensor {
	n := image.Dim(0)
	if !m.chunked(n) {
		return m.trunk.Forward(p, image)
	}
	features := p.New(n, m.trunk.Width)
	m.embedInChunks(nn.Evaluation(p.Arena, p.DType), features, image)
	return features
}

// embedInChunks writes the features [N, width] of image chunk by chunk; p keeps nothing.
func (m *Model) embedInChunks(p *nn.Pass, features, image gpu.Tensor) {
	chunks(image.Dim(0), m.Chunk, func(lo, hi int) {
		gpu.Copy(rows(features, lo, hi), m.trunk.Forward(p, chunkOf(p, image, lo, hi)))
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
