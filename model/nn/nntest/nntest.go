// Package nntest is for tests that hold networks to PyTorch's values: it fills weights as scripts/make_golden.py does, and reads them in PyTorch's order.
package nntest

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/model/nn"
)

// FillWeights writes the reference's values into parameters and running statistics. shape says which shape PyTorch has a parameter of dims in; nil: Shape.
func FillWeights(w *nn.Weights, prefix string, shape func(dims []int) []int) {
	FillParams(w.Params(), prefix, shape)
	for _, b := range w.Buffers() {
		gpu.Write(b.Value, golden.Weight(prefix+b.Name, b.Dims))
	}
}

// FillParams is FillWeights of parameters alone.
func FillParams(params []*nn.Param, prefix string, shape func(dims []int) []int) {
	if shape == nil {
		shape = Shape
	}
	for _, p := range params {
		in := shape(p.Dims)
		v := golden.Weight(prefix+p.Name, in)
		if len(p.Dims) == 4 {
			v = golden.ChannelsLast(v, in)
		}
		gpu.Write(p.Value, v)
	}
}

// Shape is a parameter's shape in PyTorch: of a convolution, [K, R, S, C] here, [K, C, R, S].
func Shape(dims []int) []int {
	if len(dims) == 4 {
		return []int{dims[0], dims[3], dims[1], dims[2]}
	}
	return dims
}

// InTorchOrder returns v, which is of a parameter of dims or its gradient, in PyTorch's order.
func InTorchOrder(dims []int, v []float64) []float64 {
	if len(dims) == 4 {
		return golden.ChannelsFirst(v, dims)
	}
	return v
}
