package model

import (
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/optim"
)

// BenchmarkStep is a whole training step, the optimiser's included, of ResNet-18 at 64 pixels with two modalities
// of 481 and 7,854 features: where its time goes, with -cpuprofile.
func BenchmarkStep(b *testing.B) {
	const batch, size = 32, 64
	cfg := Defaults()
	cfg.Encoder, cfg.Modalities = "resnet18", []Modality{{"a", 481}, {"b", 7854}}
	d, err := gpu.Open("cpu", gpu.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	m, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	if err := m.Place(d, gpu.F32); err != nil {
		b.Fatal(err)
	}
	m.Init(1)
	plan, err := PlanStep(cfg, gpu.F32, batch, size)
	if err != nil {
		b.Fatal(err)
	}
	a := d.NewArena(1 << 24)
	in, losses := m.NewBatch(a, gpu.F32, batch, size, size), a.New(gpu.F32, 2, 4)
	for i := range in.Tables {
		gpu.Fill(in.Tables[i], float64(i))
		gpu.Fill(in.Present[i], 1)
	}
	gpu.Fill(in.Image, 0.5)
	gpu.Fill(in.Scale, 0.5)
	values, grads, decayed := m.Flat()
	opt := optim.New(optim.Config{Name: "adam", LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}, values, grads, decayed)
	pass := &nn.Pass{Train: true, Arena: d.NewArena(plan.Activations), DType: gpu.F32}
	b.ResetTimer()
	for range b.N {
		m.ZeroGrad()
		m.Step(pass, in, losses)
		pass.Reset()
		opt.Step(1e-3, gpu.Tensor{})
	}
	b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
