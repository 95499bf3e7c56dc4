package model

import (
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// NewBatch takes the tensors of a batch of n images of height x width pixels from a, uninitialised. They are float32
// where activations have 16 bits.
func (m *Model) NewBatch(a *gpu.Arena, dtype gpu.DType, n, height, width int) Batch {
	b := m.NewRows(a, dtype, n)
	m.NewInputs(&b, a, nn.Master(dtype), n, height, width)
	return b
}

// NewRows is NewBatch without Image and Tables: what the host says of each row of a batch.
func (m *Model) NewRows(a *gpu.Arena, dtype gpu.DType, n int) Batch {
	b := Batch{Group: a.New(gpu.I32, n), Scale: a.New(nn.Master(dtype), len(m.towers))}
	for range m.cfg.Modalities {
		b.Present = append(b.Present, a.New(gpu.U8, n))
	}
	return b
}

// NewInputs gives b the Image and Tables that NewRows leaves out, of type dtype.
func (m *Model) NewInputs(b *Batch, a *gpu.Arena, dtype gpu.DType, n, height, width int) {
	b.Image, b.Tables = a.New(dtype, n, height, width, ImageChannels(dtype)), nil
	for _, x := range m.cfg.Modalities {
		b.Tables = append(b.Tables, a.New(dtype, n, x.Features))
	}
}
