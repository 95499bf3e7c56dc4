// Package nn has the layers that encoders are built from. A layer computes its own gradient: there is no tape.
package nn

import (
	"fmt"
	"slices"

	"contig-gpu/gpu"
)

// A Param is a learned tensor and the sum of its gradients since the last step.
type Param struct {
	Name        string
	Dims        []int // in the program's layout: convolutions [K, R, S, C], linear [out, in]
	Init        Init  // how Place's caller fills it
	FanIn       int   // of Uniform
	FanOut      int   // of KaimingNormal
	Decay       bool  // weight decay applies in recipe "default": not to biases and norms
	Value, Grad gpu.Tensor
	Half        gpu.Tensor // 16-bit copy of Value where the pass computes in 16 bits
}

// Weight returns what products and convolutions take: the 16-bit copy where there is one.
func (p *Param) Weight() gpu.Tensor {
	if p.Half.Ok() {
		return p.Half
	}
	return p.Value
}

// Init names an initialisation.
type Init uint8

const (
	Zeros Init = iota
	Ones
	Uniform       // +-1/sqrt(FanIn)
	KaimingNormal // N(0, 2/FanOut)
)

// A Buffer is state that is not learned: running statistics.
type Buffer struct {
	Name  string
	Dims  []int
	Init  Init
	Value gpu.Tensor
}

// A Layer maps activations forward and gradients backward. Backward adds to its parameters' gradients (+=)
// and returns the gradient of its input (=); it owns dy and frees it. It must be called once for every
// Forward in training, in reverse order; Pass panics if the order is broken.
type Layer interface {
	Forward(p *Pass, x gpu.Tensor) gpu.Tensor
	Backward(p *Pass, dy gpu.Tensor) gpu.Tensor
	Params() []*Param
	Buffers() []*Buffer
}

// An Adder can add the gradient of its input to what another way to the same input got, in the pass that computes it.
type Adder interface {
	Layer
	// BackwardAdd is Backward that adds the gradient of the input to dx.
	BackwardAdd(p *Pass, dy, dx gpu.Tensor)
}

// A Pass is one forward and backward sweep: whether it trains, the arena of its activations and the stack of
// what Backward will need. A layer may run several times in one pass.
type Pass struct {
	Train bool // norms take the statistics of the batch, and move their running averages
	Arena *gpu.Arena
	DType gpu.DType
	Rows  gpu.Tensor // U8 [N], the rows that a masked BatchNorm counts; the zero Tensor: all

	// For activations that are computed twice: first with NoBackward, which keeps none for Backward, as in evaluation;
	// then with NoAverages, which leaves running averages as they are, having seen this batch.
	NoBackward, NoAverages bool

	sums  map[gpu.Tensor]sums // of activations whose norm has not come yet
	stack []frame
	open  []gpu.Tensor // dealt out since the last Save
	done  []gpu.Tensor // of the frame loaded last; dead when the next one is loaded
}

type frame struct {
	owner any
	dims  []int // a shape that was saved
	saved []gpu.Tensor
	own   []gpu.Tensor
}

// New returns an activation. It lives until the next layer of its Sequential has run, if no layer saved it; else until
// the backward sweep has passed the layer that saved next; the last one of an evaluation, until Finish.
func (p *Pass) New(dims ...int) gpu.Tensor {
	t := p.Arena.New(p.DType, dims...)
	p.open = append(p.open, t)
	return t
}

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
func (p *Pass) keeps() bool { return p.Train && !p.NoBackward }

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

// sums is room for gpu.BatchNorm.Sums of an activation. It is there whether they were computed or not: what a pass takes
// does not depend on what the device found to be faster.
type sums struct {
	room     gpu.Tensor
	computed bool
}

// summed keeps the sums of an activation for the norm that follows.
func (p *Pass) summed(y, room gpu.Tensor, computed bool) {
	if p.sums == nil {
		p.sums = map[gpu.Tensor]sums{}
	}
	p.sums[y] = sums{room, computed}
}

// sumsOf calls use with the sums of x, the zero Tensor where there are none, and gives their room back.
func (p *Pass) sumsOf(x gpu.Tensor, use func(gpu.Tensor)) {
	s, ok := p.sums[x]
	if !s.computed {
		use(gpu.Tensor{})
	} else {
		use(s.room)
	}
	if ok {
		delete(p.sums, x)
		p.consumed(s.room)
	}
}

// consumed gives an activation back that no Backward will ask for, and keeps one that a layer saved. It must come from
// this pass's New, and nobody else may read it afterwards.
func (p *Pass) consumed(t gpu.Tensor) {
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

// Size returns the number of elements.
func (p *Param) Size() int {
	n := 1
	for _, d := range p.Dims {
		n *= d
	}
	return n
}

// Size returns the number of elements.
func (b *Buffer) Size() int { return (&Param{Dims: b.Dims}).Size() }

// Finish gives back the activations that are left when a sweep is over: in training those of the first layer,
// in evaluation all. The arena is then as it was before the sweep. It panics if a Forward lacks its Backward.
func (p *Pass) Finish() {
	if len(p.stack) > 0 {
		panic(fmt.Sprintf("nn: Finish: %d Forward calls lack their Backward, the last of %T", len(p.stack), p.stack[len(p.stack)-1].owner))
	}
	for _, t := range append(p.done, p.open...) {
		p.Arena.Free(t)
	}
	p.open, p.done = nil, nil
}

// Reset takes back everything, for the next step.
func (p *Pass) Reset() {
	p.stack, p.open, p.done, p.sums = p.stack[:0], nil, nil, nil
	p.Arena.Reset()
}
