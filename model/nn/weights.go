package nn

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"contig-gpu/gpu"
)

// Weights are the parameters and running statistics of a network, in memory that they own: one flat tensor of values, one of
// gradients, those that are subject to weight decay first. There may be several side by side, each of its own layers.
type Weights struct {
	params  []*Param
	buffers []*Buffer

	memory                []*gpu.Arena // values, gradients
	values, grads, halves gpu.Tensor
	stats                 gpu.Tensor // running statistics, flat: of norms of present rows last
	decayed, whole        int        // of the others: elements of stats
}

// NewWeights returns the weights of layers, in order, without memory: Place gives them some.
func NewWeights(layers ...Layer) *Weights {
	w := &Weights{}
	for _, l := range layers {
		w.params, w.buffers = append(w.params, l.Params()...), append(w.buffers, l.Buffers()...)
	}
	return w
}

// Params returns all parameters, in the order of the layers.
func (w *Weights) Params() []*Param { return w.params }

// Buffers returns all running statistics, in the order of the layers.
func (w *Weights) Buffers() []*Buffer { return w.buffers }

// Count returns the number of learned values.
func (w *Weights) Count() int {
	n := 0
	for _, p := range w.params {
		n += p.Size()
	}
	return n
}

// paramAlign is what each parameter begins at a multiple of, in elements: a cache line of float32. The elements
// between are 0 and stay 0.
const paramAlign = 16

// Place takes memory on dev to compute in dtype. All is 0, running averages too: call Init, or load and Refresh. Where
// dtype has 16 bits, values and gradients are float32 all the same, and products take a 16-bit copy of the values.
func (w *Weights) Place(dev *gpu.Device, dtype gpu.DType) error {
	master := Master(dtype)
	if master != gpu.F32 && master != gpu.F64 {
		return fmt.Errorf("nn: Place: activations are f32, f64, bf16 or f16, not %v", dtype)
	}
	var total int
	total, w.decayed = w.layout()
	w.memory = []*gpu.Arena{
		dev.Deal("values", func(a *gpu.Arena) { w.dealValues(a, dtype, total) }),
		dev.Deal("gradients", func(a *gpu.Arena) { w.grads = a.Zeros(master, total) }),
	}
	w.cut()
	return nil
}

// dealValues takes all tensors but the gradients from a, filled with 0.
func (w *Weights) dealValues(a *gpu.Arena, dtype gpu.DType, total int) {
	master := Master(dtype)
	w.values, w.halves = a.Zeros(master, total), gpu.Tensor{}
	if dtype != master {
		w.halves = a.Zeros(dtype, total)
	}
	n := 0
	for _, b := range w.buffers {
		n += aligned(b.Size())
	}
	if n > 0 {
		w.stats = a.Zeros(master, n)
	}
}

// cut gives each parameter and each buffer its part of the flat tensors.
func (w *Weights) cut() {
	at := 0
	for _, decay := range []bool{true, false} {
		for _, p := range w.params {
			if p.Decay != decay {
				continue
			}
			part := func(flat gpu.Tensor) gpu.Tensor { return flat.Slice(at, at+p.Size()).View(p.Dims...) }
			p.Value, p.Grad = part(w.values), part(w.grads)
			if w.halves.Ok() {
				p.Half = part(w.halves)
			}
			at += aligned(p.Size())
		}
	}
	at = 0
	for _, present := range []bool{false, true} {
		for _, b := range w.buffers {
			if b.OfPresent == present {
				b.Value = w.stats.Slice(at, at+b.Size()).View(b.Dims...)
				at += aligned(b.Size())
			}
		}
		if !present {
			w.whole = at
		}
	}
}

// Spans returns where the parameters of a kind lie in the flat tensors, as ranges [from, to) that do not touch.
func (w *Weights) Spans(of func(*Param) bool) [][2]int {
	var spans [][2]int
	at := 0
	for _, decay := range []bool{true, false} {
		for _, p := range w.params {
			if p.Decay != decay {
				continue
			}
			end, n := at+aligned(p.Size()), len(spans)
			switch {
			case !of(p):
			case n > 0 && spans[n-1][1] == at:
				spans[n-1][1] = end
			default:
				spans = append(spans, [2]int{at, end})
			}
			at = end
		}
	}
	return spans
}

// layout returns the elements of the flat tensors, and how many of them weight decay applies to.
func (w *Weights) layout() (total, decayed int) {
	for _, p := range w.params {
		n := aligned(p.Size())
		total += n
		if p.Decay {
			decayed += n
		}
	}
	return total, decayed
}

func aligned(n int) int { return (n + paramAlign - 1) / paramAlign * paramAlign }

// Flat returns all values and all gradients as one-dimensional tensors, and how many leading elements weight
// decay applies to.
func (w *Weights) Flat() (values, grads gpu.Tensor, decayed int) { return w.values, w.grads, w.decayed }

// A Part is of the flat gradient: that of some parameters.
type Part struct {
	Grad   gpu.Tensor // one-dimensional
	Params []*Param
}

// Parts cuts the gradient of all parameters that weight decay applies to, from its end, into parts of at least so many elements, but for the
// last. Backward passes complete them in about this order. Where they are cut depends on the parameters alone.
func (w *Weights) Parts(least int) []Part {
	var parts []Part
	var params []*Param
	at, end := w.decayed, w.decayed
	for _, p := range slices.Backward(w.params) {
		if !p.Decay {
			continue
		}
		params, at = append(params, p), at-aligned(p.Size())
		if end-at >= least || at == 0 {
			parts = append(parts, Part{w.grads.Slice(at, end), params})
			params, end = nil, at
		}
	}
	return parts
}

// Statistics returns the running statistics of all norms but those of present rows, flat; the zero Tensor: there are none.
func (w *Weights) Statistics() gpu.Tensor {
	if w.whole == 0 {
		return gpu.Tensor{}
	}
	return w.stats.Slice(0, w.whole)
}

// Halves returns the 16-bit copies of all values, the zero Tensor where there are none.
func (w *Weights) Halves() gpu.Tensor { return w.halves }

// Refresh makes the 16-bit copies of the values, where there are any: after values were written.
func (w *Weights) Refresh() {
	if w.halves.Ok() {
		gpu.Cast(w.halves, w.values)
	}
}

// ZeroGrad sets all gradients to 0.
func (w *Weights) ZeroGrad() { gpu.Fill(w.grads, 0) }

// Close gives the memory of Place back. The weights may be placed again.
func (w *Weights) Close() {
	for _, a := range w.memory {
		a.Close()
	}
	w.memory, w.values, w.grads, w.halves, w.stats = nil, gpu.Tensor{}, gpu.Tensor{}, gpu.Tensor{}, gpu.Tensor{}
	for _, p := range w.params {
		p.Value, p.Grad, p.Half = gpu.Tensor{}, gpu.Tensor{}, gpu.Tensor{}
	}
	for _, b := range w.buffers {
		b.Value = gpu.Tensor{}
	}
}

// Init fills all parameters and running averages. A parameter's values depend on the seed and its name, so that
// neither other modalities nor their order change them; float32 gets the float64 values, rounded.
func (w *Weights) Init(seed uint64) {
	for _, p := range w.params {
		gpu.Write(p.Value, draw(p, seed))
	}
	for _, b := range w.buffers {
		fill := 0.0
		if b.Init == Ones {
			fill = 1
		}
		gpu.Fill(b.Value, fill)
	}
	w.Refresh()
}

// draw returns a parameter's initial values.
func draw(p *Param, seed uint64) []float64 {
	h := fnv.New64a()
	h.Write([]byte(p.Name))
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	next := func() float64 { return 0 }
	switch p.Init {
	case Ones:
		next = func() float64 { return 1 }
	case Uniform:
		bound := 1 / math.Sqrt(float64(p.FanIn))
		next = func() float64 { return bound * (2*r.Float64() - 1) }
	case KaimingNormal:
		sd := math.Sqrt(2 / float64(p.FanOut))
		next = func() float64 { return sd * r.NormFloat64() }
	}
	v := make([]float64, p.Size())
	for i := range v {
		v[i] = next()
	}
	return v
}
