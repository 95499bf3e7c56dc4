package unet

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/nn/nntest"
	"contig-gpu/model/optim"
)

// Bounds of the reference's README.
const (
	bound64     = 1e-8
	outBound32  = 1e-5
	gradBound32 = 1e-4
	torchFactor = 4 // times PyTorch's own float32 error
)

// unetCase is a case of whole steps of a U-Net.
type unetCase struct {
	stored golden.Case

	Name, Net, Op                  string
	Batch, Classes, Steps, Batches int
	Input                          []int // [N, 3, H, W]
	Frozen                         bool
	FillPrefix                     string `json:"fill_prefix"`
	Parts, Curve                   []float64
	OutError                       float64 `json:"output_float32_error_of_pytorch"`
	GradError                      float64 `json:"worst_gradient_float32_error_of_pytorch"`
	Optimizer                      struct {
		Name        string
		LR          float64
		WeightDecay float64 `json:"weight_decay"`
	}
	First struct {
		Gradients map[string]golden.Digest
		DX        golden.Digest `json:"dx"`
	} `json:"first_step"`
	Last struct {
		Parameters, Buffers map[string]golden.Digest
	} `json:"last_step"`
}

// TestGoldenUNet takes whole steps: all of them in float64, the first one's logits, loss and gradients in float32.
func TestGoldenUNet(t *testing.T) {
	forEachCase(t, func(t *testing.T, c unetCase) {
		turn.Share(t)
		t.Run("f64", func(t *testing.T) { c.run(t, gputest.Open(t, "cpu", gpu.Options{}), gpu.F64, c.Steps) })
		t.Run("f32", func(t *testing.T) { c.run(t, gputest.Open(t, "cpu", gpu.Options{}), gpu.F32, 1) })
	})
}

// TestGoldenUNetEmulated takes the first step of each case on the emulated GPU.
func TestGoldenUNetEmulated(t *testing.T) {
	forEachCase(t, func(t *testing.T, c unetCase) {
		gputest.Long(t)
		c.run(t, gputest.OpenEmulated(t), gpu.F32, 1)
	})
}

func forEachCase(t *testing.T, f func(t *testing.T, c unetCase)) {
	n := 0
	for _, stored := range golden.Cases(t, "segment") {
		c := unetCase{stored: stored}
		stored.Decode(t, &c)
		if c.Op == "unet" {
			n++
			t.Run(stored.Label(), func(t *testing.T) { f(t, c) })
		}
	}
	if n == 0 {
		t.Error("the reference has no U-Net")
	}
}

// A stepper has what steps of a case need, on a device.
type stepper struct {
	c                     unetCase
	net                   *Net
	weights, learn        *nn.Weights // all, and those that steps change
	p                     *nn.Pass
	image, t, known, loss gpu.Tensor
	scale                 gpu.Tensor
}

func (c unetCase) build(t *testing.T, dev *gpu.Device, dtype gpu.DType) *stepper {
	net, err := NewNet(c.Net, c.Classes)
	if err != nil {
		t.Fatal(err)
	}
	net.frozen = c.Frozen
	s := &stepper{c: c, net: net, weights: nn.NewWeights(net)}
	if s.learn = s.weights; c.Frozen {
		s.weights, s.learn = nn.NewWeights(net.trunk), nn.NewWeights(rest{net})
		place(t, dev, dtype, s.weights, s.learn)
		nntest.FillWeights(s.weights, c.FillPrefix, asConvolution)
	} else {
		place(t, dev, dtype, s.weights)
	}
	nntest.FillWeights(s.learn, c.FillPrefix, asConvolution)
	n, h, w := c.Input[0], c.Input[2], c.Input[3]
	in := dev.NewArena(64 << 20)
	s.image, s.t, s.known = in.New(dtype, n, h, w, c.Input[1]), in.New(dtype, n, h, w, c.Classes), in.New(gpu.U8, n, h, w, c.Classes)
	s.loss, s.scale = in.New(dtype, 4), in.New(dtype, 1)
	gpu.Fill(s.known, 1)
	gpu.Fill(s.scale, 1)
	s.p = nn.Training(dev.NewArena(1<<29), dtype)
	return s
}

// rest is a Net without its trunk.
type rest struct{ *Net }

func (r rest) Params() []*nn.Param { return r.Net.Params()[len(r.trunk.Params()):] }

func (r rest) Buffers() []*nn.Buffer { return r.Net.Buffers()[len(r.trunk.Buffers()):] }

func place(t *testing.T, dev *gpu.Device, dtype gpu.DType, ws ...*nn.Weights) {
	t.Helper()
	for _, w := range ws {
		if err := w.Place(dev, dtype); err != nil {
			t.Fatal(err)
		}
	}
}

// batch writes a batch; change is done to each pixel.
func (s *stepper) batch(t *testing.T, b int, change func(float64) float64) {
	x := golden.ChannelsLast(golden.Fill(fmt.Sprintf("%simage/%d", s.c.FillPrefix, b), s.image.Len(), -2, 2), s.c.Input)
	for i := range x {
		x[i] = change(x[i])
	}
	gpu.Write(s.image, x)
	gpu.Write(s.t, s.c.stored.Tensor(t, fmt.Sprintf("mask/%d", b)).NHWC().Data)
}

// step runs forward and backward, and returns logits and, where the trunk learns, the image's gradient.
func (s *stepper) step() (logits, dx []float64) {
	s.learn.ZeroGrad()
	if s.p.Want = nn.OfParams; !s.c.Frozen {
		s.p.Want |= nn.OfInputs
	}
	z := s.net.Forward(s.p, s.image)
	logits = gputest.Values(z)
	dz := s.p.Temp(z.Dims()...)
	gpu.DiceBCE(s.loss, dz, z, s.t, s.known, s.scale, Loss())
	d := s.net.Backward(s.p, dz)
	if d.Ok() {
		dx = gputest.Values(d)
		s.p.Free(d)
	}
	s.p.Finish()
	return logits, dx
}

func same(x float64) float64 { return x }

func (c unetCase) run(t *testing.T, dev *gpu.Device, dtype gpu.DType, steps int) {
	s := c.build(t, dev, dtype)
	before := ""
	if c.Frozen {
		before = s.trunkDigest()
	}
	var o *optim.Optimizer
	if dtype == gpu.F64 { // elsewhere the step is not taken, and the emulated GPU has no room for its state
		values, grads, decayed := s.learn.Flat()
		o = optim.New(optim.Config{Name: c.Optimizer.Name, WeightDecay: c.Optimizer.WeightDecay, Beta1: .9, Beta2: .999, Eps: 1e-8, DecayAll: true}, values, grads, decayed)
	}
	outBound, gradBound := bound64, bound64
	if dtype == gpu.F32 {
		outBound, gradBound = max(outBound32, torchFactor*c.OutError), max(gradBound32, torchFactor*c.GradError)
	}
	for step := range steps {
		s.batch(t, step%c.Batches, same)
		logits, dx := s.step()
		if err := dev.Sync(); err != nil {
			t.Fatal(err)
		}
		got := gputest.Values(s.loss)
		if want := c.Curve[step]; !(math.Abs(got[0]-want) <= outBound*math.Abs(want)) {
			t.Errorf("step %d: the loss is %.15g, want %.15g", step, got[0], want)
		}
		if step == 0 {
			gputest.Close(t, "logits", logits, c.stored.Tensor(t, "output").NHWC().Data, outBound)
			gputest.Close(t, "parts", got[1:3], c.Parts, outBound)
			s.compareFirst(t, dx, gradBound)
		}
		if o != nil {
			o.Step(c.Optimizer.LR, gpu.Tensor{})
		}
	}
	if n := s.p.Arena.InUse(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
	if c.Frozen && before != s.trunkDigest() {
		t.Error("the frozen trunk has moved")
	}
	if steps == c.Steps && dtype == gpu.F64 {
		compare(t, s.learn.Params(), c.Last.Parameters, bound64, func(p *nn.Param) gpu.Tensor { return p.Value })
		for _, b := range s.net.Buffers() {
			if e := c.Last.Buffers[b.Name].Error(b.Name, gputest.Values(b.Value)); !(e <= bound64) {
				t.Errorf("%s is off by %.3g", b.Name, e)
			}
		}
	}
}

// trunkDigest is a digest of the weights and running averages of the trunk, to the bit.
func (s *stepper) trunkDigest() string {
	h := sha256.New()
	add := func(x gpu.Tensor) {
		v := gputest.Values(x)
		b := make([]byte, 0, 8*len(v))
		for _, y := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(y))
		}
		h.Write(b)
	}
	for _, p := range s.net.trunk.Params() {
		add(p.Value)
	}
	for _, q := range s.net.trunk.Buffers() {
		add(q.Value)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// compareFirst compares the gradients of the first step. In float32 a ReLU whose input rounds to the other side of zero changes a whole path: a gradient beyond the bound is let pass where the float64 gradient itself jumps
// as far when the images are changed by as much as float32 rounds.
func (s *stepper) compareFirst(t *testing.T, dx []float64, bound float64) {
	t.Helper()
	if !s.c.Frozen {
		if e := s.c.First.DX.Error("dx", golden.ChannelsFirst(dx, s.image.Dims())); !(e <= bound) {
			t.Errorf("dx is off by %.3g, bound %.3g", e, bound)
		}
	}
	grad := func(p *nn.Param) gpu.Tensor { return p.Grad }
	if s.image.DType() == gpu.F64 {
		compare(t, s.learn.Params(), s.c.First.Gradients, bound, grad)
		return
	}
	var jumps []float64
	for i, p := range s.learn.Params() {
		e := s.c.First.Gradients[p.Name].Error(p.Name, nntest.InTorchOrder(p.Dims, gputest.Values(p.Grad)))
		if e <= bound {
			continue
		}
		if jumps == nil {
			jumps = s.c.jumps(t)
		}
		if !(e <= torchFactor*jumps[i]) {
			t.Errorf("%s is off by %.3g, bound %.3g; rounding the images moves it by %.3g", p.Name, e, bound, jumps[i])
		}
	}
}

// jumps returns how far the float64 gradient of each parameter moves, at most, when the images are changed by rounding.
func (c unetCase) jumps(t *testing.T) []float64 {
	s := c.build(t, gputest.Open(t, "cpu", gpu.Options{}), gpu.F64)
	gradients := func(change func(float64) float64) (all [][]float64) {
		s.batch(t, 0, change)
		s.step()
		for _, q := range s.learn.Params() {
			all = append(all, gputest.Values(q.Grad))
		}
		return all
	}
	exact, r := gradients(same), rand.New(rand.NewPCG(1, 2))
	most := make([]float64, len(exact))
	for range 6 {
		for i, g := range gradients(func(x float64) float64 { return x * (1 + 1e-6*r.NormFloat64()) }) {
			most[i] = max(most[i], gputest.RelError(g, exact[i]))
		}
	}
	return most
}

func compare(t *testing.T, params []*nn.Param, want map[string]golden.Digest, bound float64, of func(*nn.Param) gpu.Tensor) {
	t.Helper()
	if len(params) != len(want) {
		t.Errorf("%d parameters, want %d", len(params), len(want))
	}
	for _, p := range params {
		if e := want[p.Name].Error(p.Name, nntest.InTorchOrder(p.Dims, gputest.Values(of(p)))); !(e <= bound) {
			t.Errorf("%s is off by %.3g, bound %.3g", p.Name, e, bound)
		}
	}
}

// asConvolution is the shape in PyTorch, which has the last layer as a convolution of 1 x 1, whose values lie in another range.
func asConvolution(dims []int) []int {
	if len(dims) == 2 {
		return []int{dims[0], dims[1], 1, 1}
	}
	return nntest.Shape(dims)
}

// TestNetRefuses: classes and encoders that there are not.
func TestNetRefuses(t *testing.T) {
	if _, err := NewNet("resnet18", 0); err == nil {
		t.Error("no class is taken")
	}
	if _, err := NewNet("vgg", 1); err == nil {
		t.Error("another encoder is taken")
	}
	if n, err := NewNet("resnet18", 3); err != nil || n.Side() != 32 || n.Classes() != 3 || !strings.HasPrefix(n.Params()[0].Name, model.TrunkPrefix) {
		t.Errorf("%+v, %v", n, err)
	}
}
