package model

import (
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// A rig is a placed model with a batch and a pass, on one device.
type rig struct {
	m      *Model
	p      *nn.Pass
	b      Batch
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
	if err := m.Place(dev, dtype); err != nil {
		t.Fatal(err)
	}
	plan, err := PlanStep(cfg, dtype, batch, size)
	if err != nil {
		t.Fatal(err)
	}
	in := dev.NewArena(1 << 22)
	// Twice what a step takes: walk runs layers one by one, and gives nothing back.
	r := &rig{m: m, p: &nn.Pass{Train: true, Arena: dev.NewArena(2 * plan.Activations), DType: dtype}}
	r.b, r.losses = m.NewBatch(in, dtype, batch, size, size), in.New(dtype, len(cfg.Modalities), 4)
	return r
}

// step runs Step with the scale of the present rows given, and returns the scale.
func (r *rig) step(present []int) []float64 {
	scale := r.m.ModalityScale(present)
	gpu.Write(r.b.Scale, scale)
	r.m.Step(r.p, r.b, r.losses)
	return scale
}

func (r *rig) read() []float64 { return read(r.losses) }
