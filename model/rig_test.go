package model

import (
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// A rig is a placed model with a batch and a pass, on one device.
type rig struct {
	m      *Model
	p      *nn.Pass
	b      objective.Batch
	losses gpu.Tensor
}

func open(t testing.TB, spec string) *gpu.Device {
	t.Helper()
	dev, err := gpu.Open(spec, gpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev
}

func newRig(t testing.TB, device string, cfg Config, dtype gpu.DType, batch, size int) *rig {
	t.Helper()
	return newRigOn(t, open(t, device), cfg, dtype, batch, size)
}

func newRigOn(t testing.TB, dev *gpu.Device, cfg Config, dtype gpu.DType, batch, size int) *rig {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Weights().Place(dev, dtype); err != nil {
		t.Fatal(err)
	}
	plan, err := planStep(cfg, dtype, batch, size)
	if err != nil {
		t.Fatal(err)
	}
	in := dev.NewArena(1 << 22)
	// Twice what a step takes: walkTrunk runs layers one by one, and gives nothing back.
	r := &rig{m: m, p: nn.Training(dev.NewArena(2*plan.Activations), dtype)}
	r.b, r.losses = objective.NewBatch(m, in, dtype, batch, 1, size, size), in.New(dtype, len(cfg.Modalities), 4)
	return r
}

// step runs Step with the scale of the present rows given, and returns the scale.
func (r *rig) step(present []int) []float64 {
	scale := r.m.TermWeights(r.b.Group.Len(), present)
	gpu.Write(r.b.Scale, scale)
	r.m.Step(r.p, r.b, r.losses)
	return scale
}

// compare is the second act of a step for the anchors [lo, hi); both 0: all. It writes the losses and returns the gradients of
// the embeddings.
func (r *rig) compare(e Embedding, lo, hi int) (dz, dw []gpu.Tensor) {
	dz, dw = like(r.p, e.Z), like(r.p, e.W)
	spec := r.m.spec
	spec.Lo, spec.Hi = lo, hi
	for i := range e.Z {
		gpu.InfoNCE(objective.TermAt(r.losses, i), dz[i], dw[i], e.Z[i], e.W[i], r.b.Present[i], r.b.Group, r.b.Scale.Slice(i, i+1), spec)
	}
	return dz, dw
}

func (r *rig) read() []float64 { return gputest.Values(r.losses) }

// A stepPlan says what memory a training step takes, in bytes.
type stepPlan struct {
	Values      int // parameters, their 16-bit copies if any, and running averages
	Grads       int // gradients of the parameters
	Activations int // the step's arena at its fullest: activations, their gradients, scratch
	Params      int // learned elements, not bytes
}

// planStep returns what a step over batch images of size x size pixels takes. It runs the step itself on the
// planning device, so that the figure is the step's own, not an estimate.
func planStep(cfg Config, dtype gpu.DType, batch, size int) (stepPlan, error) {
	m, err := New(cfg)
	if err != nil {
		return stepPlan{}, err
	}
	dev, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		return stepPlan{}, err
	}
	defer dev.Close()
	if err := m.Weights().Place(dev, dtype); err != nil {
		return stepPlan{}, err
	}
	p := nn.Training(dev.NewArena(0), dtype)
	in := dev.NewArena(0)
	m.Step(p, objective.NewBatch(m, in, dtype, batch, 1, size, size), in.New(nn.Master(dtype), len(m.towers), 4))
	return stepPlan{Values: held(dev, "values"), Grads: held(dev, "gradients"), Activations: p.Arena.Peak(), Params: m.Weights().Count()}, nil
}

// held returns the bytes that a device's arenas of a name hold.
func held(dev *gpu.Device, name string) int {
	n := 0
	for _, h := range dev.Allocated() {
		if h.Name == name {
			n += h.Bytes
		}
	}
	return n
}

// weighted returns the loss of the terms [M, 4], weighted by scale.
func weighted(scale, losses []float64) float64 {
	sum := 0.0
	for i, s := range scale {
		sum += s * losses[objective.TermValues*i]
	}
	return sum
}
