package nn

import (
	"fmt"
	"slices"

	"contig-gpu/gpu"
)

// Stats says which statistics a norm normalises by.
type Stats uint8

const (
	RunningStats Stats = iota // the running averages, as in evaluation
	BatchStats                // those of the batch, as in training
)

// Over says which rows a norm takes the statistics of a batch of where ranks share it: see gpu.Device.Join.
type Over uint8

const (
	OwnRows     Over = iota // those of this rank
	PresentRows             // norms of present rows: those of all ranks, since a rank may have few or none; others: those of this rank
	AllRows                 // those of all ranks
)

// Gradients says which gradients Backward computes.
type Gradients uint8

const (
	OfParams Gradients = 1 << iota // of the parameters
	OfInputs                       // of what the network's first layer reads: see BackwardInput
)

// A Rule says what Backward makes of a ReLU.
type Rule uint8

const (
	Gradient Rule = iota // its derivative
	Rescale              // DeepLift's multipliers: see gpu.ReLURescale
)

// A Pass is one sweep forward and, where gradients are wanted, backward. It has the arena of its activations and the stack of
// what Backward will need. A layer may run several times in one pass. The zero values of Stats, Move and Want are those of
// an evaluation.
type Pass struct {
	Arena *gpu.Arena
	DType gpu.DType // of activations

	Stats   Stats
	Move    bool       // running averages follow the statistics of the batch; without BatchStats they never move
	Want    Gradients  // what they need, and no more, is kept for Backward; 0: nothing is kept, and there is no Backward
	Over    Over       // where ranks share a batch: which rows norms take their statistics of
	Present gpu.Tensor // U8 [N], the rows that a norm of present rows counts; the zero Tensor: all

	// Done, where it is not nil, is told of a parameter that weight decay applies to when its gradient is complete: it has what Backward of all
	// of the batch adds to it. A pass of a part of a batch before the last has none.
	Done func(w *Param)

	// Rule is Gradient or, in networks of Linear, BatchNorm by running statistics and ReLU (see Unfused), Rescale. Forward then
	// takes rows and behind them those of their baselines, Backward the multipliers of the first alone: see gpu.ReLURescale for
	// how many. It is for passes that want OfInputs.
	Rule Rule

	stack    []frame
	open     []gpu.Tensor // dealt out since the last Save
	done     []gpu.Tensor // of the frame loaded last; dead when the next one is loaded
	passing               // between neighbours
	branches []*Pass
}

// Training returns a pass for a step of training.
func Training(a *gpu.Arena, d gpu.DType) *Pass {
	return &Pass{Arena: a, DType: d, Stats: BatchStats, Move: true, Want: OfParams}
}

// Evaluation returns a pass by running averages, without gradients.
func Evaluation(a *gpu.Arena, d gpu.DType) *Pass { return &Pass{Arena: a, DType: d} }

// Branch returns a pass of the same kind over the same arena with a stack of its own: a part of the network that may run
// backward in an order of its own. Finish and Reset of p end it too.
func (p *Pass) Branch() *Pass {
	b := &Pass{Arena: p.Arena, DType: p.DType, Stats: p.Stats, Move: p.Move, Want: p.Want, Over: p.Over, Present: p.Present, Done: p.Done, Rule: p.Rule}
	p.branches = append(p.branches, b)
	return b
}

type frame struct {
	owner  any
	dims   []int // a shape that was saved
	saved  []gpu.Tensor
	own    []gpu.Tensor
	before *BatchNorm // of a convolution: the norm that it sums for, or nil
}

// New returns an activation. It lives until the next layer of its Sequential has run, if no layer saved it; else until
// the backward sweep has passed the layer that saved next; the last one of an evaluation, until Finish.
func (p *Pass) New(dims ...int) gpu.Tensor { return p.NewAs(p.DType, dims...) }

// NewAs is New for an element type other than the pass's, such as the U8 of a pooling's argmax.
func (p *Pass) NewAs(t gpu.DType, dims ...int) gpu.Tensor {
	x := p.Arena.New(t, dims...)
	p.open = append(p.open, x)
	return x
}

// Temp returns a tensor of the backward sweep (a gradient, scratch): whoever consumes it frees it with Free.
func (p *Pass) Temp(dims ...int) gpu.Tensor { return p.Arena.New(p.DType, dims...) }

// Free gives back a tensor of Temp.
func (p *Pass) Free(t gpu.Tensor) { p.Arena.Free(t) }

// keeps reports whether there will be a Backward.
func (p *Pass) keeps() bool { return p.Want != 0 }

// ifParams returns x where gradients of parameters are wanted, for which alone it is kept, else the zero Tensor.
func (p *Pass) ifParams(x gpu.Tensor) gpu.Tensor {
	if p.Want&OfParams != 0 {
		return x
	}
	return gpu.Tensor{}
}

// complete says that Backward has added to the gradient of w all that it adds.
func (p *Pass) complete(w *Param) {
	if p.Done != nil && p.Want&OfParams != 0 {
		p.Done(w)
	}
}

// Save keeps tensors for owner's Backward and closes owner's frame: all that New dealt out since the last Save.
// It must be called by every layer in Forward, after its last New. Where there will be no Backward nothing is kept to load.
func (p *Pass) Save(owner any, ts ...gpu.Tensor) {
	if !p.keeps() {
		return
	}
	p.stack = append(p.stack, frame{owner: owner, saved: ts, own: p.open})
	p.open = nil
}

// SaveShape is Save for a Backward that needs the shape of x beside ts, and not what it holds. LoadShape returns it.
func (p *Pass) SaveShape(owner any, x gpu.Tensor, ts ...gpu.Tensor) {
	p.Save(owner, ts...)
	if p.keeps() {
		p.stack[len(p.stack)-1].dims = x.Dims()
	}
}

// consumed gives an activation back that no Backward will ask for, and keeps one that a layer saved. It must come from
// this pass's New, and nobody else may read it afterwards.
func (p *Pass) consumed(t gpu.Tensor) {
	if t == p.left.add { // the next convolution reads it once more
		p.left.held = true
		return
	}
	own := &p.open
	for i := len(p.stack) - 1; !slices.Contains(*own, t); i-- {
		if i < 0 {
			panic(fmt.Sprintf("nn: an activation %v %v was consumed that is not of this pass", t.DType(), t.Dims()))
		}
		if slices.Contains(p.stack[i].saved, t) {
			return
		}
		own = &p.stack[i].own
	}
	*own = slices.DeleteFunc(*own, func(o gpu.Tensor) bool { return o == t })
	p.Arena.Free(t)
}

// Load returns what owner saved last and frees the activations of the layers above. It panics if another layer
// saved since, which means that Backward calls are out of order.
func (p *Pass) Load(owner any) []gpu.Tensor { return p.load(owner).saved }

// LoadShape is Load of what SaveShape saved: the shape, and the tensors.
func (p *Pass) LoadShape(owner any) ([]int, []gpu.Tensor) {
	f := p.load(owner)
	return f.dims, f.saved
}

// noRule panics in a pass by another rule than Gradient: owner knows that one alone.
func (p *Pass) noRule(owner any) {
	if p.Rule != Gradient {
		panic(fmt.Sprintf("nn: a fused ReLU or a pooling of %T has no rescale rule: see Unfused", owner))
	}
}

func (p *Pass) load(owner any) frame {
	n := len(p.stack)
	if n == 0 || p.stack[n-1].owner != owner {
		panic(fmt.Sprintf("nn: %T.Backward out of order", owner))
	}
	f := p.stack[n-1]
	p.stack = p.stack[:n-1]
	for _, t := range p.done {
		p.Arena.Free(t)
	}
	p.done = f.own
	return f
}

// Finish gives back the activations that are left when a sweep is over: in training those of the first layer,
// in evaluation all. The arena is then as it was before the sweep. It panics if a Forward lacks its Backward.
func (p *Pass) Finish() {
	if len(p.stack) > 0 {
		panic(fmt.Sprintf("nn: Finish: %d Forward calls lack their Backward, the last of %T", len(p.stack), p.stack[len(p.stack)-1].owner))
	}
	for _, b := range p.branches {
		b.Finish()
	}
	for _, t := range append(p.done, p.open...) {
		p.Arena.Free(t)
	}
	p.open, p.done, p.branches = nil, nil, nil
}

// Reset takes back everything, for the next step.
func (p *Pass) Reset() {
	p.stack, p.open, p.done, p.branches = p.stack[:0], nil, nil, nil
	p.Arena.Reset()
}
