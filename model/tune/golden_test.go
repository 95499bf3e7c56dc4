package tune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/nn"
	"contig-gpu/model/nn/nntest"
	"contig-gpu/model/objective"
	"contig-gpu/model/optim"
)

// Bounds of the reference's README.
const (
	bound64     = 1e-8
	lossBound32 = 1e-5
	gradBound32 = 1e-4
	torchFactor = 4 // times PyTorch's own float32 error, for gradients
)

type tuneCase struct {
	Name, Task, Net                      string
	Frozen                               bool
	Batch, Size, Outputs, Steps, Batches int
	FillPrefix                           string `json:"fill_prefix"`
	Curve                                []float64
	GradError                            float64 `json:"worst_gradient_float32_error_of_pytorch"`
	OutputError                          float64 `json:"output_float32_error_of_pytorch"`
	Optimizer                            struct {
		Name        string
		LR          float64
		WeightDecay float64 `json:"weight_decay"`
	}
	First struct {
		Gradients map[string]golden.Digest
		DX        *golden.Digest `json:"dx"`
	} `json:"first_step"`
	Last struct {
		Parameters, Buffers map[string]golden.Digest
	} `json:"last_step"`
	stored golden.Case
}

// TestGoldenFinetune takes the steps of every case: the whole curve in float64, the first step in float32, on the CPU and on
// every GPU of gputest.Targets.
func TestGoldenFinetune(t *testing.T) {
	seen := map[string]bool{}
	for _, stored := range golden.Cases(t, "finetune") {
		c := tuneCase{stored: stored}
		stored.Decode(t, &c)
		seen[fmt.Sprint(c.Task, c.Frozen)] = true
		t.Run(stored.Label()+"/f64", func(t *testing.T) { runSteps(t, gputest.Open(t, "cpu", gpu.Options{}), c, gpu.F64, c.Steps) })
		t.Run(stored.Label()+"/f32", func(t *testing.T) { runSteps(t, gputest.Open(t, "cpu", gpu.Options{}), c, gpu.F32, 1) })
		for _, g := range gputest.Targets() {
			if !g.Has(gpu.F64) {
				t.Run(stored.Label()+"/f32/"+g.Name, func(t *testing.T) { runSteps(t, g.OpenLong(t), c, gpu.F32, 1) })
			}
		}
	}
	if len(seen) < 4 {
		t.Errorf("the reference has the kinds %v alone", seen)
	}
}

// A rig is a filled Tuner with a batch and a pass.
type rig struct {
	u     *Tuner
	p     *nn.Pass
	b     objective.Batch
	terms gpu.Tensor
}

func (c tuneCase) rig(t *testing.T, dev *gpu.Device, dtype gpu.DType) rig {
	t.Helper()
	u, err := New(c.Net, Config{Task: c.Task, Names: make([]string, c.Outputs)})
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Weights().Place(dev, dtype); err != nil {
		t.Fatal(err)
	}
	nntest.FillWeights(u.Weights(), c.FillPrefix, nil)
	u.Freeze(c.Frozen)
	in := dev.NewArena(1 << 22)
	r := rig{u: u, p: nn.Training(dev.NewArena(1<<28), dtype), b: objective.NewBatch(u, in, dtype, c.Batch, 1, c.Size, c.Size), terms: in.New(nn.Master(dtype), objective.TermValues)}
	gpu.Write(r.b.Scale, u.TermWeights(c.Batch, nil))
	return r
}

// fill writes batch t of the case.
func (c tuneCase) fill(t *testing.T, r rig, batch int) {
	nchw := []int{c.Batch, 3, c.Size, c.Size}
	gpu.Write(r.b.Image, golden.ChannelsLast(golden.Fill(fmt.Sprintf("%simage/%d", c.FillPrefix, batch), c.Batch*3*c.Size*c.Size, -2, 2), nchw))
	y, known := c.stored.Tensor(t, fmt.Sprintf("y/%d", batch)).Data, make([]uint8, c.Batch*c.Outputs)
	for i, v := range c.stored.Tensor(t, fmt.Sprintf("known/%d", batch)).Data {
		known[i] = uint8(v)
	}
	if len(y) == c.Batch { // classes and grades
		grades := make([]int, c.Batch)
		for i, v := range y {
			grades[i] = int(v)
		}
		y, known = Targets(c.Task, c.Outputs, grades)
	}
	gpu.Write(r.b.Target, y)
	gpu.Write(r.b.Known, known)
}

func runSteps(t *testing.T, dev *gpu.Device, c tuneCase, dtype gpu.DType, steps int) {
	turn.Share(t)
	r := c.rig(t, dev, dtype)
	w := r.u.Weights()
	values, grads, decayed := w.Flat()
	o := optim.New(optim.Config{Name: c.Optimizer.Name, WeightDecay: c.Optimizer.WeightDecay, Beta1: .9, Beta2: .999, Eps: 1e-8, DecayAll: true}, values, grads, decayed)
	o.Only(w.Spans(r.u.Learns))
	bound := map[bool]float64{true: bound64, false: lossBound32}[dtype == gpu.F64]
	for step := range steps {
		c.fill(t, r, step%c.Batches)
		if step == 0 {
			c.compareOutput(t, r, math.Max(bound, torchFactor*map[bool]float64{false: c.OutputError}[dtype == gpu.F64]))
		}
		w.ZeroGrad()
		r.p.Want |= nn.OfInputs
		dx := r.u.step(r.p, r.b, r.terms)
		if got, want := gputest.Values(r.terms), c.Curve[step]; !(math.Abs(got[0]-want) <= bound*math.Abs(want)) {
			t.Errorf("step %d: the loss is %.15g, want %.15g", step, got[0], want)
		}
		if step == 0 {
			c.compareFirst(t, w, dx, dtype)
		}
		if dx.Ok() {
			r.p.Free(dx)
		}
		r.p.Finish()
		o.Step(c.Optimizer.LR, gpu.Tensor{})
	}
	if n := r.p.Arena.InUse(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
	if steps == c.Steps {
		c.compareLast(t, w)
	}
}

// compareOutput compares what the network predicts before the first step; in training, where norms take the batch's
// statistics, unless it is frozen.
func (c tuneCase) compareOutput(t *testing.T, r rig, bound float64) {
	t.Helper()
	p := nn.Evaluation(r.p.Arena, r.p.DType)
	if !c.Frozen {
		p.Stats = nn.BatchStats
	}
	got := gputest.Values(r.u.Evaluate(p, r.b, r.terms).Predicted)
	p.Finish()
	if e := gputest.RelError(got, c.stored.Tensor(t, "output").Data); !(e <= bound) {
		t.Errorf("the output is off by %.3g, bound %.3g", e, bound)
	}
}

// compareFirst compares the gradients of the first step. In float32 a ReLU whose input rounds to the other side of zero changes
// a whole path: a gradient beyond the bound is let pass where the float64 gradient itself jumps as far when the images are
// changed by as much as float32 rounds.
func (c tuneCase) compareFirst(t *testing.T, w *nn.Weights, dx gpu.Tensor, dtype gpu.DType) {
	t.Helper()
	bound := bound64
	if dtype != gpu.F64 {
		bound = math.Max(gradBound32, torchFactor*c.GradError)
	} else if dx.Ok() != (c.First.DX != nil) {
		t.Error("the gradient of the images is there, or not, unlike the reference's")
	} else if dx.Ok() {
		if e := c.First.DX.Error("dx", golden.ChannelsFirst(gputest.Values(dx), dx.Dims())); !(e <= bound) {
			t.Errorf("the gradient of the images is off by %.3g", e)
		}
	}
	var jumps []float64
	for i, p := range w.Params() {
		want, ok := c.First.Gradients[p.Name]
		got := nntest.InTorchOrder(p.Dims, gputest.Values(p.Grad))
		if !ok {
			if slices.ContainsFunc(got, func(v float64) bool { return v != 0 }) || !c.Frozen {
				t.Errorf("%s has a gradient", p.Name)
			}
			continue
		}
		e := want.Error(p.Name, got)
		if e <= bound {
			continue
		}
		if jumps == nil && dtype != gpu.F64 {
			jumps = c.jumps(t)
		}
		if dtype == gpu.F64 || !(e <= 4*jumps[i]) {
			t.Errorf("%s is off by %.3g, bound %.3g", p.Name, e, bound)
		}
	}
}

// jumps returns how far the float64 gradient of each parameter moves, at most, when the images are changed by rounding.
func (c tuneCase) jumps(t *testing.T) []float64 {
	exact := c.gradients(t, func(x float64) float64 { return x })
	most := make([]float64, len(exact))
	random := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		for i, moved := range c.gradients(t, func(x float64) float64 { return x * (1 + 1e-6*random.NormFloat64()) }) {
			most[i] = max(most[i], gputest.RelError(moved, exact[i]))
		}
	}
	return most
}

// gradients returns those of the first step in float64, of images changed by change.
func (c tuneCase) gradients(t *testing.T, change func(float64) float64) (all [][]float64) {
	r := c.rig(t, gputest.Open(t, "cpu", gpu.Options{}), gpu.F64)
	c.fill(t, r, 0)
	x := gputest.Values(r.b.Image)
	for i := range x {
		x[i] = change(x[i])
	}
	gpu.Write(r.b.Image, x)
	r.u.Step(r.p, r.b, r.terms)
	for _, q := range r.u.Weights().Params() {
		all = append(all, gputest.Values(q.Grad))
	}
	return all
}

// compareLast compares parameters and running averages after all steps. What is frozen is as it was, to the byte.
func (c tuneCase) compareLast(t *testing.T, w *nn.Weights) {
	t.Helper()
	before := map[string][]float64{}
	if c.Frozen {
		for _, x := range c.rig(t, gputest.Open(t, "cpu", gpu.Options{}), gpu.F64).u.Weights().Params() {
			before[x.Name] = nntest.InTorchOrder(x.Dims, gputest.Values(x.Value))
		}
	}
	check := func(name string, got []float64, want map[string]golden.Digest) {
		was, frozen := before[name]
		switch d, ok := want[name]; {
		case ok:
			if e := d.Error(name, got); !(e <= bound64) {
				t.Errorf("%s is off by %.3g after all steps", name, e)
			}
		case !frozen || !slices.Equal(got, was):
			t.Errorf("%s is not in the reference, or has changed though it is frozen", name)
		}
	}
	for _, p := range w.Params() {
		check(p.Name, nntest.InTorchOrder(p.Dims, gputest.Values(p.Value)), c.Last.Parameters)
	}
	for _, b := range w.Buffers() {
		check(b.Name, gputest.Values(b.Value), c.Last.Buffers)
	}
	if len(c.Last.Buffers) == 0 || len(c.Last.Parameters) == 0 {
		t.Error("the reference has no last step")
	}
}
