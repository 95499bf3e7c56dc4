package model

import (
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// A Plan says what memory a training step takes, in bytes.
type Plan struct {
	Values      int `json:"values"`      // parameters, their 16-bit copies if any, and running averages
	Grads       int `json:"grads"`       // gradients of the parameters
	Activations int `json:"activations"` // the step's arena at its fullest: activations, their gradients, scratch
	Params      int `json:"params"`      // learned numbers, not bytes
}

// PlanStep returns what a step over batch images of size x size pixels takes. It runs the step itself on the
// planning device, so that the figure is the step's own, not an estimate.
func PlanStep(cfg Config, dtype gpu.DType, batch, size int) (Plan, error) {
	m, err := New(cfg)
	if err != nil {
		return Plan{}, err
	}
	dev, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		return Plan{}, err
	}
	defer dev.Close()
	if err := m.Place(dev, dtype); err != nil {
		return Plan{}, err
	}
	p := &nn.Pass{Train: true, Arena: dev.NewArena(0), DType: dtype}
	in := dev.NewArena(0)
	m.Step(p, m.NewBatch(in, dtype, batch, size, size), in.New(nn.Master(dtype), len(m.towers), 4))
	return Plan{Values: m.memory[0].Peak(), Grads: m.memory[1].Peak(), Activations: p.Arena.Peak(), Params: m.ParamCount()}, nil
}

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
