package ssl

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
	lossBound64  = 1e-10
	gradBound64  = 1e-9
	curveBound64 = 1e-8
	lossBound32  = 1e-5
	gradBound32  = 1e-4
	torchFactor  = 4 // times PyTorch's own float32 error, for gradients
)

// TestGoldenNTXent holds every case of the loss of two views, forward and backward, to the reference. Losses with a memory
// bank are others.
func TestGoldenNTXent(t *testing.T) {
	n := 0
	for _, c := range golden.Cases(t, "ssl") {
		var op string
		if c.Attr(t, "op", &op); op != "ntxent" {
			continue
		}
		n++
		t.Run(c.Label()+"/f64", func(t *testing.T) { runNTXent(t, c, gpu.F64, lossBound64, gradBound64) })
		t.Run(c.Label()+"/f32", func(t *testing.T) { runNTXent(t, c, gpu.F32, lossBound32, gradBound(t, c)) })
	}
	if n == 0 {
		t.Error("the reference has no case of this loss")
	}
}

// gradBound is the bound of float32 gradients, wider where the case states a larger error of PyTorch's own.
func gradBound(t *testing.T, c golden.Case) float64 {
	const stated = "worst_gradient_float32_error_of_pytorch"
	e := 0.0
	if c.Has(stated) {
		c.Attr(t, stated, &e)
	}
	return math.Max(gradBound32, torchFactor*e)
}

func runNTXent(t *testing.T, c golden.Case, dtype gpu.DType, lossBound, gradBound float64) {
	var tau, loss float64
	c.Attr(t, "tau", &tau)
	c.Attr(t, "loss", &loss)
	z0, z1 := c.Tensor(t, "z0"), c.Tensor(t, "z1")
	n, d := z0.Dims[0], z0.Dims[1]
	dev := gputest.Open(t, "cpu", gpu.Options{})
	a, p := dev.NewArena(1<<20), nn.Training(dev.NewArena(1<<22), dtype)
	z, dz, out := a.New(dtype, 2*n, d), a.New(dtype, 2*n, d), a.New(dtype, objective.TermValues)
	scale, group := a.New(dtype, 1), a.New(gpu.I32, n)
	gpu.Write(z, slices.Concat(z0.Data, z1.Data))
	gpu.Write(scale, []float64{1})
	gpu.Write(group, ownGroups(n))
	NTXent(p, out, dz, z, group, scale, tau)
	p.Finish()
	got := gputest.Values(out)
	if !(math.Abs(got[0]-loss) <= lossBound*math.Abs(loss)) || got[3] != float64(2*n) {
		t.Errorf("the loss is %.15g of %g rows, want %.15g of %d", got[0], got[3], loss, 2*n)
	}
	want := slices.Concat(c.Tensor(t, "dz0").Data, c.Tensor(t, "dz1").Data)
	if e := gputest.RelError(gputest.Values(dz), want); !(e <= gradBound) {
		t.Errorf("the gradient is off by %.3g, bound %.3g", e, gradBound)
	}
	if n := p.Arena.InUse(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}

type stepsCase struct {
	Name, Method, Net, Projection            string
	Batch, Size, Hidden, Dim, Steps, Batches int
	Tau                                      float64
	FillPrefix                               string `json:"fill_prefix"`
	Curve                                    []float64
	LossError                                []float64 `json:"curve_float32_relative_error_of_pytorch"`
	GradError                                float64   `json:"worst_gradient_float32_error_of_pytorch"`
	Optimizer                                struct {
		Name        string
		LR          float64
		Momentum    float64
		WeightDecay float64 `json:"weight_decay"`
	}
	First struct {
		Gradients map[string]golden.Digest
	} `json:"first_step"`
	Last struct {
		Parameters, Buffers map[string]golden.Digest
	} `json:"last_step"`
}

// TestGoldenSimCLR takes whole steps: the whole curve in float64, the first step's loss and gradients in float32.
func TestGoldenSimCLR(t *testing.T) {
	n := 0
	for _, stored := range golden.Cases(t, "ssl_steps") {
		var c stepsCase
		stored.Decode(t, &c)
		if c.Method != "simclr" {
			continue
		}
		n++
		if c.Projection != "plain" {
			t.Errorf("%s: a projection %q, which SimCLR does not have", c.Name, c.Projection)
			continue
		}
		t.Run(stored.Label()+"/f64", func(t *testing.T) { runSteps(t, c, gpu.F64, c.Steps) })
		t.Run(stored.Label()+"/f32", func(t *testing.T) { runSteps(t, c, gpu.F32, 1) })
	}
	if n == 0 {
		t.Error("the reference has no steps of SimCLR")
	}
}

func runSteps(t *testing.T, c stepsCase, dtype gpu.DType, steps int) {
	turn.Share(t)
	s, b, terms, p := c.build(t, dtype)
	w := s.Weights()
	values, grads, decayed := w.Flat()
	o := optim.New(optim.Config{Name: c.Optimizer.Name, WeightDecay: c.Optimizer.WeightDecay, Beta1: .9, Beta2: .999, Eps: 1e-8,
		Momentum: c.Optimizer.Momentum, DecayAll: true}, values, grads, decayed)
	for step := range steps {
		fillViews(b.Image, c, step%c.Batches)
		w.ZeroGrad()
		s.Step(p, b, terms)
		if got, want, bound := gputest.Values(terms)[0], c.Curve[step], c.lossBound(dtype, step); !(math.Abs(got-want) <= bound*math.Abs(want)) {
			t.Errorf("step %d: the loss is %.15g, want %.15g (bound %g)", step, got, want, bound)
		}
		if step == 0 {
			compareFirst(t, c, w, dtype)
		}
		o.Step(c.Optimizer.LR, gpu.Tensor{})
	}
	if n := p.Arena.InUse(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
	if steps == c.Steps {
		compareParams(t, w, c.Last.Parameters, curveBound64, func(p *nn.Param) gpu.Tensor { return p.Value })
		compareBuffers(t, w, c.Last.Buffers, curveBound64)
	}
}

// compareFirst compares the gradients of the first step. In float32 a ReLU whose input rounds to the other side of zero changes a
// whole path: a gradient beyond the bound is let pass where the float64 gradient itself jumps as far when the images are
// changed by as much as float32 rounds.
func compareFirst(t *testing.T, c stepsCase, w *nn.Weights, dtype gpu.DType) {
	gradOf := func(p *nn.Param) gpu.Tensor { return p.Grad }
	bound := c.gradBound(dtype)
	if dtype == gpu.F64 {
		compareParams(t, w, c.First.Gradients, bound, gradOf)
		return
	}
	var jumps []float64
	for i, p := range w.Params() {
		e := c.First.Gradients[p.Name].Error(p.Name, nntest.InTorchOrder(p.Dims, gputest.Values(p.Grad)))
		if e <= bound {
			continue
		}
		if jumps == nil {
			jumps = c.jumps(t)
		}
		if !(e <= 4*jumps[i]) {
			t.Errorf("%s is off by %.3g, bound %.3g; rounding the images moves it by %.3g", p.Name, e, bound, jumps[i])
		}
	}
}

// jumps returns how far the float64 gradient of each parameter moves, at most, when the images are changed by rounding.
func (c stepsCase) jumps(t *testing.T) []float64 {
	exact := c.gradients(t, func(x float64) float64 { return x })
	most := make([]float64, len(exact))
	r := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		moved := c.gradients(t, func(x float64) float64 { return x * (1 + 1e-6*r.NormFloat64()) })
		for i := range most {
			most[i] = max(most[i], gputest.RelError(moved[i], exact[i]))
		}
	}
	return most
}

// gradients returns those of the first step in float64, of images changed by change.
func (c stepsCase) gradients(t *testing.T, change func(float64) float64) (all [][]float64) {
	s, b, terms, p := c.build(t, gpu.F64)
	fillViews(b.Image, c, 0)
	x := gputest.Values(b.Image)
	for i := range x {
		x[i] = change(x[i])
	}
	gpu.Write(b.Image, x)
	s.Step(p, b, terms)
	for _, q := range s.Weights().Params() {
		all = append(all, gputest.Values(q.Grad))
	}
	return all
}

// build returns a filled SimCLR on a device of its own, room for a batch and its terms, and a pass.
func (c stepsCase) build(t *testing.T, dtype gpu.DType) (*SimCLR, objective.Batch, gpu.Tensor, *nn.Pass) {
	dev := gputest.Open(t, "cpu", gpu.Options{})
	s, err := NewSimCLR(SimCLRConfig{Encoder: c.Net, Hidden: c.Hidden, Embedding: c.Dim, Tau: c.Tau})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Weights().Place(dev, dtype); err != nil {
		t.Fatal(err)
	}
	nntest.FillWeights(s.Weights(), c.FillPrefix, nil)
	in := dev.NewArena(1 << 22)
	b, terms := objective.NewBatch(s, in, dtype, c.Batch, views, c.Size, c.Size), in.New(dtype, objective.TermValues)
	gpu.Write(b.Group, ownGroups(c.Batch))
	gpu.Write(b.Scale, s.TermWeights(c.Batch, nil))
	return s, b, terms, nn.Training(dev.NewArena(1<<28), dtype)
}

func (c stepsCase) lossBound(dtype gpu.DType, step int) float64 {
	if dtype == gpu.F64 {
		return curveBound64
	}
	// Where PyTorch is itself further off in float32 than the bound, the case states it.
	return math.Max(lossBound32, c.LossError[step])
}

func (c stepsCase) gradBound(dtype gpu.DType) float64 {
	if dtype == gpu.F64 {
		return curveBound64
	}
	return math.Max(gradBound32, torchFactor*c.GradError)
}

// fillViews writes both views of a batch, the first views first.
func fillViews(image gpu.Tensor, c stepsCase, batch int) {
	nchw := []int{c.Batch, 3, c.Size, c.Size}
	for v := range views {
		x := golden.Fill(fmt.Sprintf("%sview%d/%d", c.FillPrefix, v, batch), c.Batch*3*c.Size*c.Size, -2, 2)
		gpu.Write(part(image, v), golden.ChannelsLast(x, nchw))
	}
}

func compareParams(t *testing.T, w *nn.Weights, want map[string]golden.Digest, bound float64, of func(*nn.Param) gpu.Tensor) {
	t.Helper()
	if len(w.Params()) != len(want) {
		t.Errorf("%d parameters, want %d", len(w.Params()), len(want))
	}
	for _, p := range w.Params() {
		if e := want[p.Name].Error(p.Name, nntest.InTorchOrder(p.Dims, gputest.Values(of(p)))); !(e <= bound) {
			t.Errorf("%s is off by %.3g, bound %.3g", p.Name, e, bound)
		}
	}
}

func compareBuffers(t *testing.T, w *nn.Weights, want map[string]golden.Digest, bound float64) {
	t.Helper()
	if len(w.Buffers()) != len(want) {
		t.Errorf("%d buffers, want %d", len(w.Buffers()), len(want))
	}
	for _, b := range w.Buffers() {
		if e := want[b.Name].Error(b.Name, gputest.Values(b.Value)); !(e <= bound) {
			t.Errorf("%s is off by %.3g, bound %.3g", b.Name, e, bound)
		}
	}
}

// ownGroups says that every image is another person's.
func ownGroups(n int) []int32 {
	g := make([]int32, n)
	for i := range g {
		g[i] = int32(i)
	}
	return g
}
