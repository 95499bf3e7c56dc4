package gpu

import (
	"fmt"
	"slices"
	"unsafe"

	"contig-gpu/gpu/world"
	"contig-gpu/kernels"
)

// What ranks exchange: see Device.Join. All ranks get the same bytes; with as many ranks and the same libraries they are the same each time.

// AllReduce replaces x by its sum over all ranks, element by element. It is of floats of 32 bits or more.
func AllReduce(x Tensor) {
	reduce("AllReduce", x, wholeFloats(), false, func(c *gpu) { c.allReduce(x) })
}

// AllMean replaces x by its mean over all ranks, element by element. It is of floats of 32 bits or more.
func AllMean(x Tensor) { reduce("AllMean", x, wholeFloats(), true, func(c *gpu) { c.allMean(x) }) }

// AllReduceBeside is AllReduce, on a GPU beside what is queued after it: until Device.Rejoin nothing may touch x. Elsewhere it is done at once. On a GPU
// it may be of BF16, which is rounded at each rank that it passes.
func AllReduceBeside(x Tensor) {
	reduce("AllReduceBeside", x, append(wholeFloats(), BF16), false, func(c *gpu) { c.allReduceBeside(x) })
}

// Rejoin makes what is queued from here on wait for every AllReduceBeside.
func (d *Device) Rejoin() {
	if d.Ranks() > 1 {
		d.rejoin()
	}
}

// wholeFloats are the types that sums over ranks are made in without loss.
func wholeFloats() []DType { return []DType{F32, F64} }

// reduce is a sum or a mean over all ranks of x, which is of one of the types.
func reduce(op string, x Tensor, types []DType, mean bool, onGPU func(c *gpu)) {
	wantFloat(op, "x", x)
	if !slices.Contains(types, x.dtype) {
		panic(fmt.Sprintf("gpu: %s: x is %v, want one of %v", op, x.dtype, types))
	}
	if x.dev.Ranks() == 1 {
		return
	}
	compute(x, func() { reduceHost[float32](x, mean) }, func() { reduceHost[float64](x, mean) }, onGPU)
}

func reduceHost[F Float](x Tensor, mean bool) {
	v := host[F](x)
	if err := world.Sum(x.dev.world, v); err != nil {
		x.dev.fail(err)
	}
	if mean {
		n := F(x.dev.Ranks())
		for i := range v {
			v[i] /= n
		}
	}
}

// AllGather fills y [R N, ...] with every rank's x [N, ...], in the order of the R ranks.
func AllGather(y, x Tensor) {
	wantGathered("AllGather", y, x)
	if x.dev.Ranks() == 1 {
		Copy(y, x)
		return
	}
	onHost := func() {
		if err := world.AllGather(x.dev.world, rawBytes(y), rawBytes(x)); err != nil {
			x.dev.fail(err)
		}
	}
	compute(x, onHost, onHost, func(c *gpu) { c.allGather(y, x) })
}

func wantGathered(op string, y, x Tensor) {
	if !x.Ok() || x.Rank() == 0 {
		panic(fmt.Sprintf("gpu: %s: x is left out or has no rows", op))
	}
	d := x.Dims()
	d[0] *= x.dev.Ranks()
	want(op, "y", y, x, x.dtype, d...)
}

// Broadcast replaces x by rank 0's.
func Broadcast(x Tensor) {
	if !x.Ok() {
		panic("gpu: Broadcast: x is left out")
	}
	if x.dev.Ranks() == 1 {
		return
	}
	onHost := func() {
		if err := x.dev.world.Broadcast(rawBytes(x)); err != nil {
			x.dev.fail(err)
		}
	}
	compute(x, onHost, onHost, func(c *gpu) { c.broadcast(x) })
}

// rawBytes returns the memory of a tensor on the CPU.
func rawBytes(t Tensor) []byte { return unsafe.Slice((*byte)(t.mem), t.Bytes()) }

func (c *gpu) allReduce(x Tensor) {
	c.tally.add("all_reduce", 0, x, x)
	c.ranks.AllReduce(x.at, x.Len(), typeOf(x.dtype))
}

func (c *gpu) allReduceBeside(x Tensor) {
	c.tally.add("all_reduce", 0, x, x)
	c.ranks.AllReduceBeside(x.at, x.Len(), typeOf(x.dtype))
}

func (c *gpu) allMean(x Tensor) {
	c.allReduce(x)
	launch(c, "allmean_forward", F32, c.elemGrid(x), &kernels.AllmeanForward{X: x.ptr(), Ranks: float32(x.dev.Ranks()), N: int64(x.Len())}, x, x)
}

func (c *gpu) rejoin() { c.ranks.Rejoin() }

func (c *gpu) allGather(y, x Tensor) {
	c.tally.add("all_gather", 0, y, x)
	c.ranks.AllGather(y.at, x.at, x.Bytes())
}

func (c *gpu) broadcast(x Tensor) {
	c.tally.add("broadcast", 0, x)
	c.ranks.Broadcast(x.at, x.Bytes())
}
