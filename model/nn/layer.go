package nn

import "contig-gpu/gpu"

// A Param is a learned tensor and the sum of its gradients since the last step.
type Param struct {
	Name        string
	Dims        []int // in the program's layout: convolutions [K, R, S, C], linear [out, in]
	Init        Init  // how Weights.Init fills it
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

// Size returns the number of elements.
func (p *Param) Size() int { return size(p.Dims) }

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

	OfPresent bool // of a norm of present rows
}

// Size returns the number of elements.
func (b *Buffer) Size() int { return size(b.Dims) }

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// A Layer maps activations forward and gradients backward. Backward adds to its parameters' gradients (+=), where the pass
// wants them, and returns the gradient of its input (=); it owns dy and frees it. It must be called once for every
// Forward of a pass that keeps, in reverse order; Pass panics if the order is broken.
type Layer interface {
	Forward(p *Pass, x gpu.Tensor) gpu.Tensor
	Backward(p *Pass, dy gpu.Tensor) gpu.Tensor
	Params() []*Param
	Buffers() []*Buffer
}

// An Adder can accumulate: BackwardAdd computes dx + gradient of the input in one operation, for an input that feeds two branches. It
// returns dx or, where the layer that made the input has its norm summed, another tensor in its place, and then frees dx.
type Adder interface {
	Layer
	BackwardAdd(p *Pass, dy, dx gpu.Tensor) gpu.Tensor
}

// BackwardInput runs a network backward whose input is data: it returns the gradient of that input if the pass wants it
// (OfInputs), else the zero Tensor, and then the first layer does not compute it.
func BackwardInput(p *Pass, l Layer, dy gpu.Tensor) gpu.Tensor {
	if p.Want&OfInputs != 0 {
		return l.Backward(p, dy)
	}
	backwardParams(p, l, dy)
	return gpu.Tensor{}
}

// A bottom is a layer that can leave out the gradient of its input.
type bottom interface {
	backwardParams(p *Pass, dy gpu.Tensor)
}

func backwardParams(p *Pass, l Layer, dy gpu.Tensor) {
	if b, ok := l.(bottom); ok {
		b.backwardParams(p, dy)
		return
	}
	p.Free(l.Backward(p, dy))
}
