package bench

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// convolution is one pass of one convolution, of which a step has so many.
func convolution(c gpu.ConvUse, calls int) operation {
	h, w := c.OH(), c.OW()
	spec, v := gpu.ConvSpec{Stride: c.Stride, Pad: c.Pad}, nn.Master(c.Type)
	name := [...]string{gpu.ConvForward: "conv", gpu.ConvData: "conv data gradient", gpu.ConvWeight: "conv weight gradient"}[c.Pass]
	return operation{
		name: name, shape: fmt.Sprintf("%dx%dx%dx%d, %dx%d to %d, stride %d", c.N, c.H, c.W, c.C, c.R, c.S, c.K, c.Stride),
		calls: calls, flops: float64(c.Flops()),
		setup: func(a *gpu.Arena) func() {
			x, y := noisy(a, c.Type, c.N, c.H, c.W, c.C), noisy(a, c.Type, c.N, h, w, c.K)
			k := noisy(a, c.Type, c.K, c.R, c.S, c.C)
			switch c.Pass {
			case gpu.ConvForward:
				return func() { gpu.Conv(y, x, k, spec) }
			case gpu.ConvData:
				return func() { gpu.ConvBackwardData(x, y, k, spec) }
			}
			dw := filled(a, v, 0, c.K, c.R, c.S, c.C)
			return func() { gpu.ConvBackwardWeight(dw, y, x, spec) }
		},
	}
}

// products are the three of a linear layer.
func products(o KernelOptions, out, in int) []operation {
	n, t, v := o.Batch, o.DType, nn.Master(o.DType)
	one := func(name string, setup func(a *gpu.Arena) func()) operation {
		return operation{name: name, shape: fmt.Sprintf("%dx%d to %d", n, in, out), flops: 2 * float64(n) * float64(in) * float64(out), setup: setup}
	}
	return []operation{
		one("linear + ReLU", func(a *gpu.Arena) func() {
			y, x, w, b := a.New(t, n, out), noisy(a, t, n, in), noisy(a, t, out, in), noisy(a, v, out)
			return func() { gpu.MatMulBias(y, x, w, false, true, b, true) }
		}),
		one("linear data gradient", func(a *gpu.Arena) func() {
			dx, dy, w := a.New(t, n, in), noisy(a, t, n, out), noisy(a, t, out, in)
			return func() { gpu.MatMul(dx, dy, w, false, false, 0) }
		}),
		one("linear weight gradient", func(a *gpu.Arena) func() {
			dw, dy, x := filled(a, v, 0, out, in), noisy(a, t, n, out), noisy(a, t, n, in)
			return func() { gpu.MatMul(dw, dy, x, true, false, 1) }
		}),
	}
}
