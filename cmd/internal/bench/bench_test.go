package bench

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/objective"
	"contig-gpu/model/optim"
)

func tinyModel() model.Config {
	c := model.Defaults()
	c.Encoder, c.Hidden, c.Embedding, c.Modalities = "resnet18", 8, 4, []model.Modality{{Name: "a", Features: 3}, {Name: "b", Features: 5}}
	return c
}

// tinyOptions are those of a step in f32 by ready floats, two batches in turn.
func tinyOptions() StepOptions {
	return StepOptions{Model: tinyModel(), Precision: "f32", Batch: 3, ImageSize: 32, Batches: 2, Missing: 0.3, Floats: true,
		Optimizer: optim.Config{Name: "adam", LR: 1e-6, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}}
}

func newStep(t *testing.T, device string, o StepOptions) *Step {
	t.Helper()
	s, err := NewStep(gputest.Open(t, device, gpu.Options{Threads: 2}), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestWays: on the emulated GPU a step that is replayed has the losses of one that is queued anew; from raw batches, whose
// images the device varies and whose rows it looks up, nearly those of the CPU, which gets both ready; from ready ones too.
func TestWays(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	run := func(device string, floats, anew bool) []float64 {
		o := tinyOptions()
		o.Floats, o.Omit.Graph = floats, anew
		s := newStep(t, device, o)
		l, err := s.Losses(t.Context(), 5)
		if err != nil {
			t.Fatal(err)
		}
		if onGPU := device == "cuda"; (s.Nodes() > 0) != (onGPU && !anew) || s.Raw() != (onGPU && !floats) {
			t.Errorf("%s, floats %v: %d nodes, raw %v", device, floats, s.Nodes(), s.Raw())
		}
		return l
	}
	cpu, floats, raw, anew := run("cpu", true, false), run("cuda", true, false), run("cuda", false, false), run("cuda", false, true)
	if !slices.Equal(anew, raw) {
		t.Errorf("losses %v replayed, %v anew", raw, anew)
	}
	gputest.Close(t, "losses of floats", floats, cpu, 1e-3)
	gputest.Close(t, "losses of raw batches", raw, cpu, 1e-3)
}

// TestRawForms: raw batches have a table of each form, and are what a step says that it uploads.
func TestRawForms(t *testing.T) {
	o := tinyOptions()
	o.Floats, o.Model.Modalities = false, []model.Modality{{Name: "a", Features: 5}, {Name: "b", Features: 5}, {Name: "c", Features: 5}}
	s := newStep(t, "plan:cuda", o)
	for i, x := range randomCohort(6, o.Model.Modalities, 0.3).Tables {
		if p, want := data.Pack(x, leastPersons), []int{32, 2, 1}[i]; p.Bits != want {
			t.Errorf("table %d takes %d bits, want %d", i, p.Bits, want)
		}
	}
	var b data.Batch
	if err := s.source.Next(&b); err != nil {
		t.Fatal(err)
	}
	// Of a person a group and, for each of three modalities, a row and whether there is one; the weights of the terms.
	if want := len(b.Pixels) + 4*len(b.Geometry) + 4*len(b.Colour) + 3*(4+3*(4+1)) + 3*4; s.Uploaded() != want || len(b.Pixels) != 3*40*40*3 {
		t.Errorf("%d bytes are uploaded, want %d", s.Uploaded(), want)
	}
}

// TestDump: the file has the losses of the first step and a gradient for every parameter.
func TestDump(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dump")
	if err := newStep(t, "cpu", tinyOptions()).Dump(path); err != nil {
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
	s := newStep(t, "cpu", tinyOptions())
	for _, p := range s.Weights().Params() {
		if g := get("grad/" + p.Name); len(g) != len(get("param/"+p.Name)) || len(g) != p.Size() {
			t.Errorf("%s has %d gradients", p.Name, len(g))
		}
	}
	losses, err := s.Losses(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for i, weight := range get("batch/0/scale") {
		total += weight * get("losses")[objective.TermValues*i]
	}
	if math.Abs(total-losses[0]) > 1e-6 {
		t.Errorf("loss %v, want %v", total, losses[0])
	}
	if len(get("batch/1/present/b")) != 3 || f.Metadata["modality/1"] != "b" {
		t.Errorf("metadata %v", f.Metadata)
	}
}

// TestDumpF16: where the loss must be multiplied by less first, the gradient is still the first batch's, by the first weights.
func TestDumpF16(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	of := func(precision string) (*Step, []float64) {
		o := tinyOptions()
		o.Precision, o.Optimizer.LR = precision, 0.1
		s, path := newStep(t, "cuda", o), filepath.Join(t.TempDir(), "dump")
		if err := s.Dump(path); err != nil {
			t.Fatal(err)
		}
		f, err := safetensors.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := f.Lookup("grad/image_head.a.2.weight")
		return s, x.Float64s()
	}
	s, half := of("f16")
	if s.LossScale() >= 1<<16 {
		t.Error("the first gradient was finite: nothing is tested")
	}
	_, whole := of("f32")
	gputest.Close(t, "gradient", half, whole, 0.25) // another batch is 1 off; f16 by some percent, by the plans that were the fastest
}

func TestLoss(t *testing.T) {
	d := gputest.Open(t, "cpu", gpu.Options{Threads: 1})
	o := LossOptions{Modalities: 2, Embedding: 4, Tau: 0.1, Lambda: 0.75, Windows: 1, Memory: 1 << 20}
	r, err := Loss(t.Context(), d, 5, o)
	if err != nil || r.Time == nil || !(r.Loss > 0) || r.Bytes < 16*25 || r.Problem != "" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = Loss(t.Context(), d, 1000, o); err != nil || r.Time != nil || r.Problem != "out of memory" {
		t.Errorf("16 MB of logits in 1 MB: %+v, %v", r, err)
	}
}

// TestKernels: every convolution, product and pass over memory is there once, with a time and something to move.
func TestKernels(t *testing.T) {
	d := gputest.Open(t, "cpu", gpu.Options{Threads: 2})
	o := KernelOptions{Model: tinyModel(), DType: gpu.F32, Batch: 2, ImageSize: 32, Windows: 1}
	k, err := MeasureKernels(t.Context(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	plan, params, err := planned(o)
	if err != nil {
		t.Fatal(err)
	}
	convs := plan.Convs()
	computed, calls := 0, 0
	seen := map[string]bool{}
	for _, r := range k.Rows {
		if seen[r.Op+r.Shape] || !(r.Time.Median > 0) || !(r.Ceiling > 0) || (r.Bytes > 0) == (r.Flops > 0) {
			t.Errorf("%+v, seen before: %v", r, seen[r.Op+r.Shape])
		}
		seen[r.Op+r.Shape] = true
		if r.Flops > 0 {
			computed++
		}
		calls += r.Calls
	}
	for _, op := range []string{"InfoNCE of a pair", "InfoNCE of a pair, gradient", "ReLU rescale", "path linear", "path linear backward"} {
		if !slices.ContainsFunc(k.Rows, func(r KernelRow) bool { return r.Op == op }) {
			t.Errorf("no %s", op)
		}
	}
	if want := 3*20 - 1; calls != want { // ResNet-18 has 20 convolutions; nobody wants the gradient of the image
		t.Errorf("%d convolutions in a step, want %d", calls, want)
	}
	const paths = 2 // forward and backward
	if want := len(convs) + 3*len(linears(params)) + paths; computed != want || want < 40 {
		t.Errorf("%d convolutions and products, want %d", computed, want)
	}
}

func TestSpreadOf(t *testing.T) {
	if s := SpreadOf([]float64{3, 1, 2}); s != (Spread{2, 1, 3}) {
		t.Errorf("%+v", s)
	}
}
