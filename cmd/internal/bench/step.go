package bench

import (
	"context"
	"math/rand/v2"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/loss"
	"contig-gpu/model/nn"
	"contig-gpu/model/optim"
)

// scaleF16 is what the loss is multiplied by in f16: training begins there too.
const scaleF16 = 1 << 16

// factorOf is what the loss is multiplied by in a type of activations.
func factorOf(t gpu.DType) float64 {
	if t == gpu.F16 {
		return scaleF16
	}
	return 1
}

// StepOptions say what a Step is.
type StepOptions struct {
	Model     model.Config
	DType     gpu.DType // of activations
	Batch     int       // images
	ImageSize int       // pixels
	Batches   int       // that steps take in turn
	Missing   float64   // share of the persons that lack a modality, each by itself
	Optimizer optim.Config
	Norm      bool // the length of the gradient is computed too
	Graph     bool // a device that records work records the step
}

// A Step is a training step on random data: forward, backward and optimiser, all memory taken, the work recorded where
// the device can. Weights and data depend on nothing but the options.
type Step struct {
	o      StepOptions
	dev    *gpu.Device
	model  *model.Model
	opt    *optim.Optimizer
	params int
	slot   model.Batch   // what the work reads
	data   []model.Batch // copied there in turn, unless it is the only one
	losses gpu.Tensor    // [M, 4]
	sumsq  gpu.Tensor
	scale  gpu.Tensor
	pass   *nn.Pass
	arenas []*gpu.Arena
	graph  *gpu.Recording
	taken  int     // steps
	factor float64 // that the loss is multiplied by
}

// NewStep takes the memory and fills weights and batches. Nothing is computed yet.
func NewStep(d *gpu.Device, o StepOptions) (*Step, error) {
	plan, err := model.PlanStep(o.Model, o.DType, o.Batch, o.ImageSize)
	if err != nil {
		return nil, err
	}
	m, err := model.New(o.Model)
	if err != nil {
		return nil, err
	}
	s := &Step{o: o, dev: d, model: m, params: plan.Params, factor: factorOf(o.DType)}
	planner, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		return nil, err
	}
	defer planner.Close()
	a := planner.NewArena(0)
	s.stage(a)
	staging := a.Peak()
	if err := m.Place(d, o.DType); err != nil {
		return nil, err
	}
	m.Init(1)
	values, grads, decayed := m.Flat()
	s.opt = optim.New(o.Optimizer, values, grads, decayed)
	s.opt.Refresh(m.Halves())
	s.stage(s.arena("staging", staging))
	s.pass = &nn.Pass{Train: true, Arena: s.arena("activations", plan.Activations), DType: o.DType}
	s.fill()
	return s, d.Sync()
}

func (s *Step) arena(name string, bytes int) *gpu.Arena {
	a := s.dev.NamedArena(name, bytes)
	s.arenas = append(s.arenas, a)
	return a
}

// stage deals out what a step reads and writes beside model and activations.
func (s *Step) stage(a *gpu.Arena) {
	batch := func() model.Batch { return s.model.NewBatch(a, s.o.DType, s.o.Batch, s.o.ImageSize, s.o.ImageSize) }
	s.slot, s.data = batch(), nil
	for range s.o.Batches {
		if s.o.Batches > 1 {
			s.data = append(s.data, batch())
		}
	}
	master := nn.Master(s.o.DType)
	s.losses = a.New(master, len(s.o.Model.Modalities), 4)
	s.sumsq, s.scale = a.New(gpu.F64, 1), a.New(master, 1)
}

// fill draws the batches: pixels uniform, features normal, every row's content regardless of whether it is present.
func (s *Step) fill() {
	r := rand.New(rand.NewPCG(1, 2))
	for _, b := range s.batches() {
		draw(b.Image, r.Float64)
		counts := make([]int, len(b.Tables))
		for i := range b.Tables {
			draw(b.Tables[i], r.NormFloat64)
			counts[i] = present(b.Present[i], r, s.o.Missing)
		}
		group := make([]int32, b.Group.Len())
		for i := range group {
			group[i] = int32(i)
		}
		gpu.Write(b.Group, group)
		w, _ := loss.ParseWeights(s.o.Model.Weights) // which PlanStep has found to be right
		scale := w.Scale(counts)
		for i := range scale {
			scale[i] *= s.factor
		}
		gpu.Write(b.Scale, scale)
	}
}

// batches are those that steps take in turn.
func (s *Step) batches() []model.Batch {
	if len(s.data) == 0 {
		return []model.Batch{s.slot}
	}
	return s.data
}

// halve multiplies the loss by half of what it was multiplied by: where gradients leave the range of f16.
func (s *Step) halve() {
	s.factor /= 2
	for _, b := range s.batches() {
		v := host(b.Scale)
		for i := range v {
			v[i] /= 2
		}
		gpu.Write(b.Scale, v)
	}
}

func draw(t gpu.Tensor, next func() float64) {
	x := make([]float64, t.Len())
	for i := range x {
		x[i] = next()
	}
	gpu.Write(t, x)
}

// present marks all rows but a share of them, drawn, and returns how many.
func present(t gpu.Tensor, r *rand.Rand, missing float64) int {
	x, n := make([]uint8, t.Len()), 0
	for i := range x {
		if r.Float64() >= missing {
			x[i], n = 1, n+1
		}
	}
	gpu.Write(t, x)
	return n
}

// work queues a step but for what Prepare writes.
func (s *Step) work() {
	s.model.ZeroGrad()
	s.model.Step(s.pass, s.slot, s.losses)
	s.pass.Reset()
	var scale gpu.Tensor
	if s.o.Norm || s.o.DType == gpu.F16 {
		_, grads, _ := s.model.Flat()
		gpu.Fill(s.sumsq, 0)
		gpu.SumSquares(s.sumsq, grads)
		gpu.ClipScale(s.scale, s.sumsq, 0, 1/s.factor)
		scale = s.scale
	}
	s.opt.Apply(scale)
}

// prepare brings the next batch into the slot and writes the step's numbers.
func (s *Step) prepare() {
	s.opt.Prepare(s.o.Optimizer.LR)
	if len(s.data) > 0 {
		from := s.data[s.taken%len(s.data)]
		gpu.Copy(s.slot.Image, from.Image)
		gpu.Copy(s.slot.Group, from.Group)
		gpu.Copy(s.slot.Scale, from.Scale)
		for i := range from.Tables {
			gpu.Copy(s.slot.Tables[i], from.Tables[i])
			gpu.Copy(s.slot.Present[i], from.Present[i])
		}
	}
	s.taken++
}

// run queues a step: the first one as it is, so that all is there that a recording needs.
func (s *Step) run() {
	if s.graph == nil {
		s.work()
		return
	}
	s.graph.Replay()
}

// Warm takes two steps, between which the work is recorded.
func (s *Step) Warm(ctx context.Context) error {
	for range 2 {
		if _, err := window(ctx, s.dev, 0, s.prepare, s.run); err != nil {
			return err
		}
		if s.o.Graph && s.graph == nil && s.dev.Overlaps() {
			var err error
			if s.graph, err = s.dev.Record(s.work); err != nil {
				return err
			}
		}
	}
	return nil
}

// Window takes steps for the given time.
func (s *Step) Window(ctx context.Context, seconds float64) (Window, error) {
	return window(ctx, s.dev, seconds, s.prepare, s.run)
}

// Losses takes n steps and returns the loss of each.
func (s *Step) Losses(ctx context.Context, n int) ([]float64, error) {
	out := make([]float64, n)
	for i := range out {
		if _, err := s.Window(ctx, 0); err != nil {
			return nil, err
		}
		out[i] = s.loss()
	}
	return out, nil
}

// loss returns that of the last step, the weighted sum over modalities.
func (s *Step) loss() float64 { return loss.Total(host(s.slot.Scale), host(s.losses)) / s.factor }

// Nodes returns the operations of the recorded step, 0 where none is recorded.
func (s *Step) Nodes() int {
	if s.graph == nil {
		return 0
	}
	return s.graph.Nodes()
}

// Params returns the number of learned numbers.
func (s *Step) Params() int { return s.params }

// Close gives the memory back.
func (s *Step) Close() {
	if s.graph != nil {
		s.graph.Close()
	}
	for _, a := range s.arenas {
		a.Close()
	}
	s.model.Close()
}

// host returns a copy of a float tensor's elements.
func host(t gpu.Tensor) []float64 {
	v := make([]float64, t.Len())
	gpu.Read(v, t)
	return v
}
