package model

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// placeAlign is what each parameter begins at a multiple of, in elements: a cache line of float32. The elements
// between are 0 and stay 0.
const placeAlign = 16

// Place gives the model memory on dev to compute in dtype: one flat tensor of values, one of gradients, those that
// are subject to weight decay first. Both are 0, running averages too: call Init, or load and Refresh. Where dtype
// has 16 bits, values and gradients are float32 all the same, and products take a 16-bit copy of the values.
func (m *Model) Place(dev *gpu.Device, dtype gpu.DType) error {
	master := nn.Master(dtype)
	if master != gpu.F32 && master != gpu.F64 {
		return fmt.Errorf("model: Place: activations are f32, f64, bf16 or f16, not %v", dtype)
	}
	probe, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		return err
	}
	values, grads := probe.NewArena(0), probe.NewArena(0)
	m.deal(values, grads, dtype)
	m.memory = []*gpu.Arena{dev.NamedArena("values", values.Peak()), dev.NamedArena("gradients", grads.Peak())}
	m.deal(m.memory[0], m.memory[1], dtype)
	return nil
}

// deal takes all tensors from two arenas, filled with 0.
func (m *Model) deal(values, grads *gpu.Arena, dtype gpu.DType) {
	master := nn.Master(dtype)
	var total int
	total, m.decayed = m.layout()
	m.values, m.grads, m.halves = values.Zeros(master, total), grads.Zeros(master, total), gpu.Tensor{}
	if dtype != master {
		m.halves = values.Zeros(dtype, total)
	}
	at := 0
	for _, decay := range []bool{true, false} {
		for _, p := range m.params {
			if p.Decay == decay {
				p.Value, p.Grad = m.values.Slice(at, at+p.Size()).View(p.Dims...), m.grads.Slice(at, at+p.Size()).View(p.Dims...)
				if m.halves.Ok() {
					p.Half = m.halves.Slice(at, at+p.Size()).View(p.Dims...)
				}
				at += aligned(p.Size())
			}
		}
	}
	for _, b := range m.buffers {
		b.Value = values.Zeros(master, b.Dims...)
	}
}

// layout returns the elements of the flat tensors, and how many of them weight decay applies to.
func (m *Model) layout() (total, decayed int) {
	for _, p := range m.params {
		n := aligned(p.Size())
		total += n
		if p.Decay {
			decayed += n
		}
	}
	return total, decayed
}

func aligned(n int) int { return (n + placeAlign - 1) / placeAlign * placeAlign }

// Flat returns all values and all gradients as one-dimensional tensors, and how many leading elements weight
// decay applies to.
func (m *Model) Flat() (values, grads gpu.Tensor, decayed int) { return m.values, m.grads, m.decayed }

// Halves returns the 16-bit copies of all values, the zero Tensor where there are none.
func (m *Model) Halves() gpu.Tensor { return m.halves }

// Refresh makes the 16-bit copies of the values, where there are any: after values were written.
func (m *Model) Refresh() {
	if m.halves.Ok() {
		gpu.Cast(m.halves, m.values)
	}
}

// ZeroGrad sets all gradients to 0.
func (m *Model) ZeroGrad() { gpu.Fill(m.grads, 0) }

// Close gives the memory of Place back. The model may be placed again.
func (m *Model) Close() {
	for _, a := range m.memory {
		a.Close()
	}
	m.memory, m.values, m.grads, m.halves = nil, gpu.Tensor{}, gpu.Tensor{}, gpu.Tensor{}
	for _, p := range m.params {
		p.Value, p.Grad, p.Half = gpu.Tensor{}, gpu.Tensor{}, gpu.Tensor{}
	}
	for _, b := range m.buffers {
		b.Value = gpu.Tensor{}
	}
}

// Init fills all parameters and running averages. A parameter's numbers depend on the seed and its name, so that
// neither other modalities nor their order change them; float32 gets the float64 numbers, rounded.
func (m *Model) Init(seed uint64) {
	for _, p := range m.params {
		gpu.Write(p.Value, draw(p, seed))
	}
	for _, b := range m.buffers {
		fill := 0.0
		if b.Init == nn.Ones {
			fill = 1
		}
		gpu.Fill(b.Value, fill)
	}
	m.Refresh()
}

// draw returns a parameter's initial values.
func draw(p *nn.Param, seed uint64) []float64 {
	h := fnv.New64a()
	h.Write([]byte(p.Name))
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	next := func() float64 { return 0 }
	switch p.Init {
	case nn.Ones:
		next = func() float64 { return 1 }
	case nn.Uniform:
		bound := 1 / math.Sqrt(float64(p.FanIn))
		next = func() float64 { return bound * (2*r.Float64() - 1) }
	case nn.KaimingNormal:
		sd := math.Sqrt(2 / float64(p.FanOut))
		next = func() float64 { return sd * r.NormFloat64() }
	}
	v := make([]float64, p.Size())
	for i := range v {
		v[i] = next()
	}
	return v
}
