package gpu

import (
	"errors"
	"fmt"
	"unsafe"

	"contig-gpu/gpu/world"
)

// What ranks exchange: see Device.Join. All ranks get the same bytes; with as many ranks and the same libraries they are the same each time.

// AllReduce replaces x by its sum over all ranks, element by element. It is of floats of 32 bits or more.
func AllReduce(x Tensor) { reduce("AllReduce", x, false) }

// AllMean replaces x by its mean over all ranks, element by element. It is of floats of 32 bits or more.
func AllMean(x Tensor) { reduce("AllMean", x, true) }

func reduce(op string, x Tensor, mean bool) {
	wantFloat(op, "x", x)
	if x.dtype != F32 && x.dtype != F64 {
		panic(fmt.Sprintf("gpu: %s: x is %v, want f32 or f64", op, x.dtype))
	}
	if x.dev.Ranks() == 1 {
		return
	}
	compute(x, func() { reduceHost[float32](x, mean) }, func() { reduceHost[float64](x, mean) }, func(c *gpu) { c.allReduce(x, mean) })
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

// errNoCollectives is why a GPU cannot join.
func errNoCollectives() error {
	return errors.New("this GPU has no library that carries sums between ranks")
}

func (c *gpu) allReduce(Tensor, bool) { panic(errNoCollectives()) }
func (c *gpu) allGather(_, _ Tensor)  { panic(errNoCollectives()) }
func (c *gpu) broadcast(Tensor)       { panic(errNoCollectives()) }
