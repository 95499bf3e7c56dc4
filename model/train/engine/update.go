package engine

import (
	"math"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/optim"
)

// An update is what changes the parameters at the end of a step: clipping, the optimiser, the averages.
type update struct {
	opt           *optim.Optimizer
	values, grads gpu.Tensor // flat
	ema, spare    gpu.Tensor // flat; the zero Tensor without EMA
	sumsq, scale  gpu.Tensor // [1]: of the gradient, and what it is multiplied by
	decay         gpu.Tensor // [1]: of the averages, in this step
	flags         gpu.Tensor // I32, one for each tensor that culprit looks at
	scaling       *scaling   // of f16; nil: no scale
	spans         [][2]int   // of the elements that steps change

	memory []*gpu.Arena
}

// addUpdate takes the memory of updates.
func (e *Engine) addUpdate() error {
	u := &update{}
	e.update = u
	var decayed int
	u.values, u.grads, decayed = e.weights.Flat()
	u.opt, u.spans = optim.New(e.o.Optimizer, u.values, u.grads, decayed), [][2]int{{0, u.values.Len()}}
	u.opt.Refresh(e.weights.Halves())
	if e.o.EMA > 0 {
		// An arena each: its size is then the tensor's, whatever the alignment.
		for _, t := range []*gpu.Tensor{&u.ema, &u.spare} {
			a := e.dev.NamedArena("averages", u.values.Bytes())
			*t, u.memory = a.Zeros(u.values.DType(), u.values.Len()), append(u.memory, a)
		}
	}
	master := nn.Master(e.dtype)
	u.memory = append(u.memory, e.dev.Deal("scalars", func(a *gpu.Arena) {
		if e.dev.Ranks() > 1 {
			e.votes = a.New(gpu.F32, Votes)
		}
		u.sumsq, u.scale, u.decay = a.New(gpu.F64, 1), a.New(master, 1), a.New(master, 1)
		u.flags = a.New(gpu.I32, 2*len(e.weights.Params())+len(e.weights.Buffers()))
		if e.dtype == gpu.F16 {
			u.scaling = newScaling(a, e.slots[0].whole.Scale)
		}
	}))
	if e.dev.Ranks() > 1 {
		e.sums = newSums(e.weights, e.o.Halved)
	}
	for _, s := range e.slots {
		var err error
		if s.results, err = e.dev.NewDownload(e.left()...); err != nil {
			return err
		}
	}
	return nil
}

// prepare writes the values of a step's update to the device; skipped is how many steps are known to have changed nothing.
func (u *update) prepare(o Options, step int, lr float64, skipped int) {
	if u.scaling != nil {
		all, less := u.opt.PrepareEither(lr)
		gpu.Write(u.scaling.choice, append(append(all, less...), float64(skipped)))
	} else {
		u.opt.Prepare(lr)
	}
	if u.ema.Ok() {
		// Early averages follow faster, or they would hold on to the initial values: (1+n)/(10+n), as TensorFlow's.
		n := float64(step - 1)
		gpu.Write(u.decay, []float64{math.Min(o.EMA, (1+n)/(10+n))})
	}
}

// apply clips the gradient and steps the parameters and their averages.
func (u *update) apply(o Options) {
	scale := gpu.Tensor{}
	gpu.Fill(u.sumsq, 0)
	if !o.Omit.Norm {
		gpu.SumSquares(u.sumsq, u.grads)
		if u.scaling != nil {
			u.scaling.adapt(u, o.Clip)
		} else {
			gpu.ClipScale(u.scale, u.sumsq, o.Clip, 1)
		}
		scale = u.scale
	}
	u.opt.Apply(scale)
	if u.ema.Ok() {
		for _, s := range u.spans {
			gpu.EMA(u.ema.Slice(s[0], s[1]), u.values.Slice(s[0], s[1]), u.decay)
		}
	}
}

func (u *update) close() {
	u.opt.Close()
	for _, a := range u.memory {
		a.Close()
	}
}

// only says which elements steps change, in spans [from, to).
func (u *update) only(spans [][2]int) {
	u.spans = spans
	u.opt.Only(spans)
}
