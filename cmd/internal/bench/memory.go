package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// moves is an operation bound by memory that reads and writes so many bytes.
func moves(name string, dims []int, bytes int, setup func(a *gpu.Arena) func()) operation {
	return operation{name: name, shape: strings.Trim(strings.ReplaceAll(fmt.Sprint(dims), " ", "x"), "[]"), bytes: float64(bytes), setup: setup}
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// norms are batch norms of x [N, H, W, C] forward and backward, as the encoder's blocks use them. The statistics need a
// pass over x of their own, the sums of the gradient one over all that it is made of.
func norms(t gpu.DType, dims []int) []operation {
	v, c, bytes := nn.Master(t), dims[len(dims)-1], size(dims)*t.Size()
	bits, spec := gpu.PassedLen(size(dims)), gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1}
	forward := func(name string, moved int, add, mask bool) operation {
		return moves(name, dims, moved, func(a *gpu.Arena) func() {
			x, y, one := noisy(a, t, dims...), a.New(t, dims...), filled(a, v, 1, c)
			mean, rstd, rm, rv := a.New(v, c), a.New(v, c), filled(a, v, 0, c), filled(a, v, 1, c)
			var more, signs gpu.Tensor
			if add {
				more = noisy(a, t, dims...)
			}
			if mask {
				signs = a.New(gpu.U8, bits)
			}
			return func() {
				gpu.BatchNormTrain(y, signs, gpu.Normed{X: x, Mean: mean, Rstd: rstd, Gamma: one, Beta: one, RunMean: rm, RunVar: rv, Add: more, ReLU: true}, spec)
			}
		})
	}
	backward := func(name string, moved int, add, mask bool) operation {
		return moves(name, dims, moved, func(a *gpu.Arena) func() {
			x, dy, dx, one, grad := noisy(a, t, dims...), noisy(a, t, dims...), a.New(t, dims...), filled(a, v, 1, c), filled(a, v, 0, c)
			var y, more gpu.Tensor
			if mask {
				y = filled(a, gpu.U8, 0xA5, bits)
			} else {
				y = noisy(a, t, dims...)
			}
			if add {
				more = a.New(t, dims...)
			}
			return func() {
				gpu.BatchNormBackward(dx, more, dy, y, gpu.Normed{X: x, Mean: one, Rstd: one, Gamma: one, ReLU: true, Dgamma: grad, Dbeta: grad})
			}
		})
	}
	return []operation{
		forward("norm + ReLU", 3*bytes, false, false), forward("norm + add + ReLU", 4*bytes, true, false),
		forward("norm + ReLU, bit mask", 3*bytes+bits, false, true), forward("norm + add + ReLU, bit mask", 4*bytes+bits, true, true),
		backward("norm + ReLU backward", 7*bytes, false, false), backward("norm + add + ReLU backward", 8*bytes, true, false),
		backward("norm + ReLU backward, bit mask", 5*bytes+2*bits, false, true), backward("norm + add + ReLU backward, bit mask", 6*bytes+2*bits, true, true),
		moves("add", dims, 3*bytes, func(a *gpu.Arena) func() {
			x, y := noisy(a, t, dims...), noisy(a, t, dims...)
			return func() { gpu.Add(y, y, x) }
		}),
	}
}

// pools are the two poolings: of the stem's result and of the last block's.
func pools(t gpu.DType, stem, last []int) []operation {
	half := []int{stem[0], (stem[1] + 1) / 2, (stem[2] + 1) / 2, stem[3]}
	mean := []int{last[0], last[3]}
	big, small := size(stem)*t.Size(), size(half)*(t.Size()+1)
	all, few := size(last)*t.Size(), size(mean)*t.Size()
	return []operation{
		moves("max pool", stem, big+small, func(a *gpu.Arena) func() {
			x, y, at := noisy(a, t, stem...), a.New(t, half...), a.New(gpu.U8, half...)
			return func() { gpu.MaxPool(y, at, x, 3, 2, 1) }
		}),
		moves("max pool backward", stem, big+small, func(a *gpu.Arena) func() {
			dx, dy, at := a.New(t, stem...), noisy(a, t, half...), filled(a, gpu.U8, 4, half...)
			return func() { gpu.MaxPoolBackward(dx, dy, at, 3, 2, 1) }
		}),
		moves("average pool", last, all+few, func(a *gpu.Arena) func() {
			x, y := noisy(a, t, last...), a.New(t, mean...)
			return func() { gpu.GlobalAvgPool(y, x) }
		}),
		moves("average pool backward", last, all+few, func(a *gpu.Arena) func() {
			dx, dy := a.New(t, last...), noisy(a, t, mean...)
			return func() { gpu.GlobalAvgPoolBackward(dx, dy) }
		}),
	}
}

// flat are the passes over all n parameters.
func flat(d *gpu.Device, o KernelOptions, n int) []operation {
	v, dims := nn.Master(o.DType), []int{n}
	bytes, half := n*v.Size(), 0
	if o.DType != v {
		half = n * o.DType.Size()
	}
	ops := []operation{
		moves("Adam", dims, 7*bytes+half, func(a *gpu.Arena) func() {
			p, g, m, s := noisy(a, v, n), noisy(a, v, n), filled(a, v, 0, n), filled(a, v, 1, n)
			var copied gpu.Tensor
			if half > 0 {
				copied = a.New(o.DType, n)
			}
			spec, rates := gpu.AdamSpec{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-6}, a.New(v, 3)
			gpu.Write(rates, spec.Rates(1e-9, 10))
			return func() { gpu.Adam(p, copied, g, m, s, rates, gpu.Tensor{}, spec) }
		}),
		moves("sum of squares", dims, bytes, func(a *gpu.Arena) func() {
			x, sum := noisy(a, v, n), filled(a, gpu.F64, 0, 1)
			return func() { gpu.SumSquares(sum, x) }
		}),
		moves("fill with zeros", dims, bytes, func(a *gpu.Arena) func() {
			x := a.New(v, n)
			return func() { gpu.Fill(x, 0) }
		}),
		moves("moving average", dims, 3*bytes, func(a *gpu.Arena) func() {
			x, p, decay := noisy(a, v, n), noisy(a, v, n), filled(a, v, 0.99, 1)
			return func() { gpu.EMA(x, p, decay) }
		}),
	}
	if half > 0 {
		ops = append(ops, moves("cast to "+o.DType.String(), dims, bytes+half, func(a *gpu.Arena) func() {
			x, y := noisy(a, v, n), a.New(o.DType, n)
			return func() { gpu.Cast(y, x) }
		}))
	}
	return ops
}

// inputs make a batch of what lies on the device: images as bytes, genetics packed.
func inputs(o KernelOptions) []operation {
	n, s, t, v := o.Batch, o.ImageSize, o.DType, nn.Master(o.DType)
	ops := []operation{moves("image variation", []int{n, s, s, 3}, 3*n*s*s*(1+t.Size()), func(a *gpu.Arena) func() {
		y, src, geometry := a.New(t, n, s, s, 3), filled(a, gpu.U8, 100, n, s, s, 3), a.New(gpu.I32, n, gpu.AugmentFields)
		at := make([]int32, n*gpu.AugmentFields)
		for i := range n { // turned by a few degrees about a corner
			copy(at[i*gpu.AugmentFields:], []int32{0, 0, 65000, 6500, -6500, 65000, int32(s), int32(s), 8, 8})
		}
		gpu.Write(geometry, at)
		colour, norm := filled(a, v, 1, n, 3), filled(a, v, 0.01, 6)
		return func() { gpu.Augment(y, src, geometry, colour, norm) }
	})}
	for _, m := range o.Model.Modalities {
		ops = append(ops, tables(n, m.Features, t)...)
	}
	return ops
}

// tables take the rows of a batch of n persons out of a table of four times as many, of f features.
func tables(n, f int, t gpu.DType) []operation {
	v, dims := nn.Master(t), []int{n, f}
	index := func(a *gpu.Arena) gpu.Tensor {
		x, at := a.New(gpu.I32, n), make([]int32, n)
		for i, j := range rand.New(rand.NewPCG(5, 6)).Perm(4 * n)[:n] {
			at[i] = int32(j)
		}
		gpu.Write(x, at)
		return x
	}
	packed := func(name string, perByte int, decode func(y, packed, index, lut gpu.Tensor)) operation {
		row := (f + perByte - 1) / perByte
		codes := map[int]int{4: 4, 8: 2}[perByte]
		return moves(name, dims, n*row+n*f*t.Size()+f*codes*v.Size(), func(a *gpu.Arena) func() {
			y, bytes, at, lut := a.New(t, n, f), filled(a, gpu.U8, 0x9C, 4*n, row), index(a), noisy(a, v, f, codes)
			return func() { decode(y, bytes, at, lut) }
		})
	}
	return []operation{
		packed("decode genotypes", 4, gpu.DecodeGenotypes), packed("decode bits", 8, gpu.DecodeBits),
		moves("gather rows", dims, n*f*(v.Size()+t.Size()), func(a *gpu.Arena) func() {
			y, table, at := a.New(t, n, f), noisy(a, v, 4*n, f), index(a)
			return func() { gpu.GatherRows(y, table, at, gpu.Tensor{}, gpu.Tensor{}) }
		}),
		moves("mask rows", dims, 2*n*f*t.Size(), func(a *gpu.Arena) func() {
			y, x, on := a.New(t, n, f), noisy(a, t, n, f), filled(a, gpu.U8, 1, n)
			return func() { gpu.MaskRows(y, x, on) }
		}),
	}
}

// rowwise are the operations on heads' results.
func rowwise(o KernelOptions) []operation {
	n, e, t, v := o.Batch, o.Model.Embedding, o.DType, nn.Master(o.DType)
	hidden, dims, classes := []int{n, o.Model.Hidden}, []int{n, e}, []int{n, 1000}
	return []operation{
		moves("sum of rows", hidden, size(hidden)*t.Size(), func(a *gpu.Arena) func() {
			db, dy := filled(a, v, 0, hidden[1]), noisy(a, t, hidden...)
			return func() { gpu.SumRows(db, dy) }
		}),
		moves("ReLU backward", hidden, 3*size(hidden)*t.Size(), func(a *gpu.Arena) func() {
			dx, dy, y := a.New(t, hidden...), noisy(a, t, hidden...), noisy(a, t, hidden...)
			return func() { gpu.ReLUBackward(dx, dy, y) }
		}),
		moves("L2 norm", dims, 2*size(dims)*v.Size(), func(a *gpu.Arena) func() {
			y, norm, x := a.New(v, dims...), a.New(v, n), noisy(a, v, dims...)
			return func() { gpu.L2Norm(y, norm, x, 1e-12) }
		}),
		moves("L2 norm backward", dims, 3*size(dims)*v.Size(), func(a *gpu.Arena) func() {
			dx, dy, y, norm := a.New(v, dims...), noisy(a, v, dims...), noisy(a, v, dims...), filled(a, v, 1, n)
			return func() { gpu.L2NormBackward(dx, dy, y, norm, 1e-12) }
		}),
		moves("softmax cross-entropy", classes, 3*size(classes)*t.Size(), func(a *gpu.Arena) func() {
			loss, dx, x, labels, scale := a.New(v, 2), a.New(t, classes...), noisy(a, t, classes...), filled(a, gpu.I32, 7, n), filled(a, v, 1, 1)
			return func() { gpu.SoftmaxCrossEntropy(loss, dx, x, labels, scale) }
		}),
	}
}
