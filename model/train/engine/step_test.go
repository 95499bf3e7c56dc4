package engine

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/loader"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// TestCUDANamesTheLayer: where only the gradient of a batch is not finite, and the next batch's has taken its place, its
// first layer is named all the same, and the parameters are those before.
func TestCUDANamesTheLayer(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	r := newRig(t, gputest.Open(t, "cuda", gpu.Options{Threads: 2}), "f32", 0.9)
	for range 2 {
		if err := r.take(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.dev.Sync(); err != nil { // the batch that is loaded ahead is there
		t.Fatal(err)
	}
	gpu.Write(r.slots[r.turn].input.Scale.Slice(0, 1), []float64{math.NaN()})
	if err := r.take(); err != nil {
		t.Fatal(err)
	}
	var p *data.Problem
	if err := r.take(); !errors.As(err, &p) || p.Code != CodeNotFinite {
		t.Fatalf("error %v, want E%d", err, CodeNotFinite)
	}
	last := ""
	for _, x := range r.weights.Params() {
		if strings.Contains(x.Name, "."+r.o.Dims.Modalities[0]+".") {
			last = x.Name
		}
	}
	if !strings.Contains(p.What, "gradient of step 3") || !strings.HasSuffix(p.Found, last) {
		t.Errorf("%v; want step 3 and %s", p, last)
	}
	allFinite := func(t gpu.Tensor) bool {
		return !slices.ContainsFunc(host(t), func(v float64) bool { return math.IsNaN(v - v) })
	}
	if !allFinite(r.update.values) || !allFinite(r.update.ema) {
		t.Errorf("the step changed parameters: they are finite %v, their averages %v", allFinite(r.update.values), allFinite(r.update.ema))
	}
}

// TestCUDAStepIsOneGraph: from the second step on a step is one graph, its update included, and its results are read while the
// next one runs.
func TestCUDAStepIsOneGraph(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	r := newRig(t, gputest.Open(t, "cuda", gpu.Options{Threads: 2}), "bf16", 0.9)
	for step := range 3 {
		if err := r.take(); err != nil {
			t.Fatal(err)
		}
		if len(r.steps) != step || len(r.pending) != 1 {
			t.Errorf("after %d steps %d were told of, %d are pending", step+1, len(r.steps), len(r.pending))
		}
	}
	if err := r.Finish(); err != nil || len(r.steps) != 3 {
		t.Fatalf("%v, %v", r.steps, err)
	}
	for i, s := range r.slots {
		before, steps := host(r.update.values), s.recorded[part{true, true}]
		if len(s.recorded) != 1 || steps == nil || steps.Nodes() == 0 {
			t.Fatalf("slot %d: %d recordings", i, len(s.recorded))
		}
		steps.Replay()
		if after := host(r.update.values); slices.Equal(before, after) {
			t.Errorf("slot %d: the recorded step changes no parameter", i)
		}
	}
}

// waiting is an objective that waits for the device in a step, which recorded work cannot do.
type waiting struct {
	objective.Objective
	dev *gpu.Device
}

func (w waiting) Step(p *nn.Pass, b objective.Batch, terms gpu.Tensor) {
	w.Objective.Step(p, b, terms)
	_ = w.dev.Sync() // spoils the recording, whose error the step returns
}

// TestCUDARecordingThatFails: a step that cannot be recorded is an error, and the engine can be closed after it.
func TestCUDARecordingThatFails(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	r := newRig(t, gputest.Open(t, "cuda", gpu.Options{Threads: 2}), "f32", 0)
	if err := r.take(); err != nil { // runs as it is
		t.Fatal(err)
	}
	r.obj = waiting{r.obj, r.dev}
	if err := r.take(); err == nil || !strings.Contains(err.Error(), "recorded work cannot do") {
		t.Errorf("error %v", err)
	}
	for _, s := range r.slots {
		if n := len(s.recorded); n != 0 {
			t.Errorf("a slot has %d recordings", n)
		}
	}
	r.Close()
}

// TestCUDAEvaluatesWholeBatches: the last batch of an evaluation is filled up, so that no shape is used that was not planned,
// and the rows that fill it up are not handed on.
func TestCUDAEvaluatesWholeBatches(t *testing.T) {
	gputest.UseEmulator(t)
	r := newRig(t, gputest.Open(t, "cuda", gpu.Options{Threads: 2}), "f32", 0)
	src, err := loader.New(r.cohort, loader.Options{Whole: true, Batch: 3, Size: 32, Raw: true, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	images := 0
	if err := r.Sweep(t.Context(), src, func(b *data.Batch, s Swept) {
		images += b.N
		if width := len(s.Features) / b.N; width != 512 {
			t.Errorf("%d features of %d images", len(s.Features), b.N)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if images != len(r.cohort.Images) {
		t.Errorf("%d images of %d", images, len(r.cohort.Images))
	}
	for l := range r.needs {
		if l.rows != r.o.Dims.Batch {
			t.Errorf("a pass of %d rows, which nothing is planned for", l.rows)
		}
	}
}

// TestCUDAScaleOnDevice: in f16, where gradients overflow at first, steps that are queued before the one before was read do what
// steps do that are read one by one: the same are skipped, the scale and the optimiser's count are the same, and the parameters
// are, to the byte. SIMT_DEFER puts all queued work of the emulator off as long as a GPU may.
func TestCUDAScaleOnDevice(t *testing.T) {
	gputest.Long(t)
	gputest.UseEmulator(t)
	type outcome struct {
		norms, values []float64
		skipped       []bool
		scale         LossScale
		taken         int
	}
	run := func(late string, each bool) (o outcome) {
		t.Setenv("SIMT_DEFER", late)
		r := newRig(t, gputest.Open(t, "cuda", gpu.Options{Threads: 2}), "f16", 0.9)
		r.Scaling.Log2 = firstScale - 2
		for range 8 {
			if err := r.take(); err != nil {
				t.Fatal(err)
			}
			if each {
				if err := r.Finish(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := r.Finish(); err != nil {
			t.Fatal(err)
		}
		for _, s := range r.steps {
			o.norms, o.skipped = append(o.norms, s.GradNorm), append(o.skipped, s.Skipped)
		}
		o.values = host(r.update.values)
		o.scale, o.taken = r.Scaling, r.Optimizer().StepCount()
		return o
	}
	want := run("0", true)
	if n := want.scale.Skipped; n < 2 || n > 6 || want.taken != 8-n {
		t.Fatalf("%d of 8 steps were skipped and %d taken: nothing is tested", n, want.taken)
	}
	for _, late := range []string{"0", "1"} {
		got := run(late, false)
		if !slices.Equal(got.norms, want.norms) || !slices.Equal(got.skipped, want.skipped) || got.scale != want.scale || got.taken != want.taken {
			t.Errorf("SIMT_DEFER=%s: %v %v %+v %d, want %v %v %+v %d", late, got.norms, got.skipped, got.scale, got.taken, want.norms, want.skipped, want.scale, want.taken)
		}
		if !slices.Equal(got.values, want.values) {
			t.Errorf("SIMT_DEFER=%s: the parameters differ", late)
		}
	}
}

// TestLossScaleAdapts: an overflow halves the scale, takes the optimiser's step back and is not an error.
func TestLossScaleAdapts(t *testing.T) {
	r := newRig(t, gputest.Open(t, "cpu", gpu.Options{Threads: 2}), "f32", 0)
	r.dtype = gpu.F16
	r.BeginScaling()
	r.Optimizer().Prepare(1)
	x := Result{GradNorm: math.Inf(1)}
	if !r.rescale(&x) || !x.Skipped || x.GradNorm != 0 || r.Scaling.Log2 != firstScale-1 || r.Optimizer().StepCount() != 0 {
		t.Errorf("after an overflow: %+v, %+v, %d steps", x, r.Scaling, r.Optimizer().StepCount())
	}
	for range growAfter {
		x = Result{GradNorm: 1}
		if r.rescale(&x) {
			t.Fatal("a good step was skipped")
		}
	}
	if r.Scaling.Log2 != firstScale || r.Scaling.Skipped != 1 {
		t.Errorf("after %d good steps: %+v", growAfter, r.Scaling)
	}
	r.Scaling.Log2 = LeastScale
	if x = (Result{GradNorm: math.NaN()}); r.rescale(&x) {
		t.Error("a gradient that is not finite at the least scale was skipped")
	}
}
