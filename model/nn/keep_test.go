package nn

import (
	"testing"

	"contig-gpu/gpu"
)

// kept returns the bytes that a forward pass of training which wants some gradients leaves for the backward sweep, beside its
// result.
func kept(t *testing.T, l Layer, d gpu.DType, want Gradients, dims ...int) int {
	t.Helper()
	dev, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	a := dev.NewArena(0)
	for _, q := range l.Params() {
		q.Value, q.Grad = a.New(Master(d), q.Dims...), a.New(Master(d), q.Dims...)
		if d != Master(d) {
			q.Half = a.New(d, q.Dims...)
		}
	}
	for _, b := range l.Buffers() {
		b.Value = a.New(Master(d), b.Dims...)
	}
	p := Training(dev.NewArena(0), d)
	p.Want = want
	y := l.Forward(p, a.New(d, dims...))
	n := p.Arena.InUse()
	dx := l.Backward(p, p.Temp(y.Dims()...))
	p.Free(dx)
	if p.Finish(); p.Arena.InUse() != 0 {
		t.Errorf("%d bytes are left over", p.Arena.InUse())
	}
	return n - (y.Bytes()+255)/256*256
}

// TestForwardKeepsWhatBackwardReads: of a norm's result only what passed the ReLU is needed: a bit of each element in 16
// bits, the result itself in 32, and nothing without a ReLU; a pooling needs no input.
func TestForwardKeepsWhatBackwardReads(t *testing.T) {
	const elements = 4 * 8 * 8 * 64 // of the image
	vectors := 2 * 256              // mean and rstd
	norm := func() *BatchNorm { return NewBatchNorm("b", 64) }
	for name, c := range map[string]struct {
		layer Layer
		d     gpu.DType
		want  int
	}{
		"f32, relu, pool":     {Sequential{norm().WithReLU(), &GlobalAvgPool{}}, gpu.F32, 4*elements + vectors},
		"bf16, relu, pool":    {Sequential{norm().WithReLU(), &GlobalAvgPool{}}, gpu.BF16, elements/8 + vectors},
		"bf16, relu, maxpool": {Sequential{norm().WithReLU(), &MaxPool{K: 3, Stride: 2, Pad: 1}}, gpu.BF16, elements/8 + elements/4 + vectors},
		"bf16, relu, conv":    {Sequential{norm().WithReLU(), NewConv("c", 64, 8, 1, 1, 0)}, gpu.BF16, 2*elements + elements/8 + vectors},
		"f32, pool":           {Sequential{norm(), &GlobalAvgPool{}}, gpu.F32, vectors},
		"f32, shortcut": {&Residual{Body: Sequential{NewConv("c", 64, 64, 1, 1, 0)}, Last: &ConvNorm{NewConv("e", 64, 64, 1, 1, 0), norm().WithReLU()},
			Shortcut: &ConvNorm{NewConv("d", 64, 64, 1, 1, 0), norm()}}, gpu.F32, 3*4*elements + 2*vectors},
	} {
		if got := kept(t, c.layer, c.d, OfParams|OfInputs, 4, 8, 8, 64); got != c.want {
			t.Errorf("%s: %d bytes are kept, want %d", name, got, c.want)
		}
	}
}

// TestInputsAloneKeepLess: inputs of products and convolutions are kept for the gradients of parameters alone, and so are
// those of norms by running averages.
func TestInputsAloneKeepLess(t *testing.T) {
	for name, c := range map[string]struct {
		layer Layer
		dims  []int
	}{
		"linears":  {Sequential{NewLinear("l", 64, 64).WithReLU(), NewBatchNorm("b", 64), NewLinear("m", 64, 64)}, []int{512, 64}},
		"convs":    {Sequential{NewConv("c", 8, 8, 3, 1, 1), NewConv("d", 8, 8, 3, 1, 1)}, []int{4, 8, 8, 8}},
		"residual": {&Residual{Body: Sequential{NewConv("c", 64, 64, 1, 1, 0)}, Last: &ConvNorm{NewConv("e", 64, 64, 1, 1, 0), NewBatchNorm("b", 64).WithReLU()}}, []int{4, 8, 8, 64}},
	} {
		for _, d := range []gpu.DType{gpu.F32, gpu.BF16} {
			both, params, inputs := kept(t, c.layer, d, OfParams|OfInputs, c.dims...), kept(t, c.layer, d, OfParams, c.dims...), kept(t, c.layer, d, OfInputs, c.dims...)
			if !(inputs < both) || params != both {
				t.Errorf("%s, %v: %d bytes are kept for inputs, %d for parameters, %d for both", name, d, inputs, params, both)
			}
		}
	}
}
