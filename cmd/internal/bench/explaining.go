package bench

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// pairs is the persons of the reference, pathNodes the nodes of a path, where operations of explanations are measured.
const pairs, pathNodes = 256, 50

// explaining are the operations that explanations add to a step's, in the type that they are made in: that of master weights.
func explaining(d *gpu.Device, o KernelOptions) []operation {
	n, e, h, v := o.Batch, o.Model.Embedding, o.Model.Hidden, nn.Master(o.DType)
	hidden := []int{n, h}
	pair := func(name string, value, gradient bool) operation {
		moved := (n*pairs + n*e) * v.Size()
		if gradient {
			moved *= 2
		}
		return operation{name: name, shape: fmt.Sprintf("%dx%d beside %d", n, e, pairs), bytes: float64(moved), setup: func(a *gpu.Arena) func() {
			across, unit, partner := noisy(a, v, n, pairs), noisy(a, v, n, e), noisy(a, v, n, e)
			lse, fixed := filled(a, gpu.F64, 5, pairs), filled(a, gpu.F64, 5, n, 2)
			var values, dunit gpu.Tensor
			if value {
				values = a.New(gpu.F64, n, 4)
			}
			if gradient {
				dunit = a.New(v, n, e)
			}
			spec := gpu.InfoNCEPairSpec{Asked: 0.75, Asks: 0.25, Base: 5 * pairs}
			return func() { gpu.InfoNCEPair(values, dunit, across, unit, partner, lse, fixed, spec) }
		}}
	}
	all := []operation{
		pair("InfoNCE of a pair", true, false), pair("InfoNCE of a pair, gradient", false, true),
		moves("ReLU rescale", hidden, 4*size(hidden)*v.Size(), func(a *gpu.Arena) func() {
			dx, dy, x, b := a.New(v, hidden...), noisy(a, v, hidden...), noisy(a, v, hidden...), noisy(a, v, hidden...)
			return func() { gpu.ReLURescale(dx, dy, x, b) }
		}),
	}
	if d.Paths() {
		all = append(all, pathOperations(n, h, v)...)
	}
	return all
}

// pathOperations are a linear layer behind ReLUs along n paths, forward and backward; the products are those of a line's units
// that are all on, which no line has more than.
func pathOperations(n, h int, v gpu.DType) []operation {
	one := func(name string, products float64, work func(a *gpu.Arena, p gpu.Path) func()) operation {
		return operation{name: name, shape: fmt.Sprintf("%d paths of %d nodes, %d to %d", n, pathNodes, h, h), flops: 2 * products * float64(n*h*h),
			setup: func(a *gpu.Arena) func() {
				p := gpu.Path{Start: noisy(a, v, n, h), Step: noisy(a, v, n, h), At: a.New(v, pathNodes), W: noisy(a, v, gpu.PathDims(h, h)...)}
				at := make([]float64, pathNodes)
				for k := range at {
					at[k] = float64(k) / pathNodes
				}
				gpu.Write(p.At, at)
				return work(a, p)
			}}
	}
	return []operation{
		one("path linear", 2, func(a *gpu.Arena, p gpu.Path) func() {
			y, bias := a.New(v, pathNodes, n, h), filled(a, v, 0, h)
			return func() { gpu.PathLinear(y, p, bias, true) }
		}),
		one("path linear backward", 1, func(a *gpu.Arena, p gpu.Path) func() {
			du, dy, weight := a.New(v, n, h), noisy(a, v, pathNodes, n, h), filled(a, v, 1, pathNodes)
			return func() { gpu.PathLinearBackward(du, dy, dy, weight, p, true) }
		}),
	}
}
