package bench

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model"
	"contig-gpu/model/loss"
	"contig-gpu/model/optim"
	"contig-gpu/model/train/safetensors"
)

func tinyModel() model.Config {
	c := model.Defaults()
	c.Encoder, c.Hidden, c.Embedding, c.Modalities = "resnet18", 8, 4, []model.Modality{{Name: "a", Features: 3}, {Name: "b", Features: 5}}
	return c
}

func tinyStep(t *testing.T, device string, graph bool) *Step {
	t.Helper()
	return stepIn(t, device, gpu.F32, graph)
}

func stepIn(t *testing.T, device string, d gpu.DType, graph bool) *Step {
	t.Helper()
	dev := gputest.Open(t, device, gpu.Options{Threads: 2})
	o := StepOptions{Model: tinyModel(), DType: d, Batch: 3, ImageSize: 32, Batches: 2, Missing: 0.3, Norm: true, Graph: graph,
		Optimizer: optim.Config{Name: "adam", LR: 1e-6, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}}
	s, err := NewStep(dev, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestRecordedStep: the step replayed on the emulated GPU has the losses of the step queued anew, and nearly the CPU's.
func TestRecordedStep(t *testing.T) {
	if testing.Short() {
		t.Skip("steps on the emulator take seconds")
	}
	gputest.UseEmulator(t)
	run := func(device string, graph bool) []float64 {
		s := tinyStep(t, device, graph)
		if err := s.Warm(context.Background()); err != nil {
			t.Fatal(err)
		}
		if recorded := s.Nodes() > 0; recorded != graph {
			t.Errorf("%s: recorded %v, want %v", device, recorded, graph)
		}
		l, err := s.Losses(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	cpu, anew, replayed := run("cpu", false), run("cuda", false), run("cuda", true)
	if !slices.Equal(anew, replayed) {
		t.Errorf("losses %v replayed, %v anew", replayed, anew)
	}
	gputest.Close(t, "losses", replayed, cpu, 1e-3)
}

// TestDump: the file has the losses of the first step and a gradient for every parameter.
func TestDump(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump")
	if err := tinyStep(t, "cpu", false).Dump(path); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	get := func(name string) []float64 {
		x, ok := f.Lookup(name)
		if !ok {
			t.Fatalf("the file has no %s", name)
		}
		return x.Float64s()
	}
	s := tinyStep(t, "cpu", false)
	for _, p := range s.model.Params() {
		if g := get("grad/" + p.Name); len(g) != len(get("param/"+p.Name)) || len(g) != p.Size() {
			t.Errorf("%s has %d gradients", p.Name, len(g))
		}
	}
	losses, err := s.Losses(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if total := loss.Total(get("batch/0/scale"), get("losses")); math.Abs(total-losses[0]) > 1e-6 {
		t.Errorf("loss %v, want %v", total, losses[0])
	}
	if len(get("batch/1/present/b")) != 3 || f.Metadata["modality/1"] != "b" {
		t.Errorf("metadata %v", f.Metadata)
	}
}

func TestLoss(t *testing.T) {
	d := gputest.Open(t, "cpu", gpu.Options{Threads: 1})
	o := LossOptions{Modalities: 2, Embedding: 4, Tau: 0.1, Lambda: 0.75, Windows: 1, Memory: 1 << 20}
	r, err := Loss(context.Background(), d, 5, o)
	if err != nil || r.Time == nil || !(r.Loss > 0) || r.Bytes < 16*25 || r.Problem != "" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = Loss(context.Background(), d, 1000, o); err != nil || r.Time != nil || r.Problem != "out of memory" {
		t.Errorf("16 MB of logits in 1 MB: %+v, %v", r, err)
	}
}

// TestKernels: every convolution, product and pass over memory is there once, with a time and something to move.
func TestKernels(t *testing.T) {
	d := gputest.Open(t, "cpu", gpu.Options{Threads: 2})
	o := KernelOptions{Model: tinyModel(), DType: gpu.F32, Batch: 2, ImageSize: 32, Windows: 1}
	k, err := MeasureKernels(context.Background(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	convs, params, err := shapesOf(o)
	if err != nil {
		t.Fatal(err)
	}
	computed := 0
	seen := map[string]bool{}
	for _, r := range k.Rows {
		if seen[r.Op+r.Shape] || !(r.Time.Median > 0) || !(r.Ceiling > 0) || (r.Bytes > 0) == (r.Flops > 0) {
			t.Errorf("%+v, seen before: %v", r, seen[r.Op+r.Shape])
		}
		seen[r.Op+r.Shape] = true
		if r.Flops > 0 {
			computed++
		}
	}
	if want := len(convs) + 3*len(linears(params)); computed != want || want < 40 {
		t.Errorf("%d convolutions and products, want %d", computed, want)
	}
}

func TestSpreadOf(t *testing.T) {
	if s := SpreadOf([]float64{3, 1, 2}); s != (Spread{2, 1, 3}) {
		t.Errorf("%+v", s)
	}
}
