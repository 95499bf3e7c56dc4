package model

import (
	"fmt"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
	"contig-gpu/model/optim"
)

// BenchmarkStep is a whole training step, the optimiser's included, with two modalities of 481 and 7,854 features: where
// its time goes, with -cpuprofile.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		encoder     string
		size, batch int
	}{{"resnet18", 64, 32}, {"resnet50", 64, 32}, {"resnet50", 224, 8}} {
		b.Run(fmt.Sprintf("%s_%d_px_batch_%d", c.encoder, c.size, c.batch), func(b *testing.B) {
			benchmarkStep(b, c.encoder, c.size, c.batch)
		})
	}
}

func benchmarkStep(b *testing.B, encoder string, size, batch int) {
	cfg := Defaults()
	cfg.Encoder, cfg.Modalities = encoder, []Modality{{Name: "a", Features: 481}, {Name: "b", Features: 7854}}
	d, err := gpu.Open("cpu", gpu.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	m, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	if err := m.Weights().Place(d, gpu.F32); err != nil {
		b.Fatal(err)
	}
	m.Weights().Init(1)
	plan, err := planStep(cfg, gpu.F32, batch, size)
	if err != nil {
		b.Fatal(err)
	}
	a := d.NewArena(1 << 24)
	in, losses := objective.NewBatch(m, a, gpu.F32, batch, 1, size, size), a.New(gpu.F32, 2, 4)
	for i := range in.Tables {
		gpu.Fill(in.Tables[i], float64(i))
		gpu.Fill(in.Present[i], 1)
	}
	gpu.Fill(in.Image, 0.5)
	gpu.Fill(in.Scale, 0.5)
	values, grads, decayed := m.Weights().Flat()
	opt := optim.New(optim.Config{Name: "adam", LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}, values, grads, decayed)
	pass := nn.Training(d.NewArena(plan.Activations), gpu.F32)
	b.ResetTimer()
	for range b.N {
		m.Weights().ZeroGrad()
		m.Step(pass, in, losses)
		pass.Reset()
		opt.Step(1e-3, gpu.Tensor{})
	}
	b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
