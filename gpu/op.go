package gpu

import (
	"fmt"
	"strings"
	"unsafe"
)

// blockLen is the number of elements of one unit of an element-wise operation: 64 KB of float32, so that a
// unit's cost hides the price of handing it out.
const blockLen = 16 << 10

// want panics unless t has the given type and shape and lives where like lives.
func want(op, name string, t, like Tensor, dt DType, dims ...int) {
	if t.dev != like.dev {
		panic(fmt.Sprintf("gpu: %s: %s is on %s, want %s", op, name, deviceName(t), deviceName(like)))
	}
	if t.dtype != dt {
		panic(fmt.Sprintf("gpu: %s: %s is %v, want %v", op, name, t.dtype, dt))
	}
	if !sameDims(t.dims[:t.rank], dims) {
		panic(fmt.Sprintf("gpu: %s: %s is %s, want %s", op, name, shape(t.dims[:t.rank]), shape(dims)))
	}
}

// wantLike panics unless t has the type, shape and device of like.
func wantLike(op, name string, t, like Tensor) {
	want(op, name, t, like, like.dtype, like.dims[:like.rank]...)
}

// wantOptional is wantLike for a tensor that may be left out.
func wantOptional(op, name string, t, like Tensor) {
	if t.Ok() {
		wantLike(op, name, t, like)
	}
}

// wantFloat panics unless t is a float tensor with one of the given ranks.
func wantFloat(op, name string, t Tensor, ranks ...int) {
	if !t.Ok() {
		panic(fmt.Sprintf("gpu: %s: %s is left out", op, name))
	}
	if !t.dev.has(t.dtype) {
		panic(fmt.Sprintf("gpu: %s: %s is %v, want %s", op, name, t.dtype, t.dev.floats()))
	}
	for _, r := range ranks {
		if t.Rank() == r {
			return
		}
	}
	if len(ranks) > 0 {
		panic(fmt.Sprintf("gpu: %s: %s is %s, want rank %v", op, name, shape(t.dims[:t.rank]), ranks))
	}
}

func deviceName(t Tensor) string {
	if !t.Ok() {
		return "no device"
	}
	return t.dev.Name()
}

func sameDims(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func shape(dims []int) string {
	return strings.ReplaceAll(fmt.Sprint(append([]int(nil), dims...)), " ", ", ")
}

// wantRank panics unless t is a tensor of the given rank.
func wantRank(op, name string, t Tensor, rank int) {
	if !t.Ok() {
		panic(fmt.Sprintf("gpu: %s: %s is left out", op, name))
	}
	if t.Rank() != rank {
		panic(fmt.Sprintf("gpu: %s: %s is %s, want rank %d", op, name, shape(t.dims[:t.rank]), rank))
	}
}

// vectorType is the type of what belongs to a channel or a parameter beside activations of type t: statistics,
// biases, gradients of parameters. 16-bit activations keep them in float32.
func vectorType(t Tensor) DType {
	if t.dtype == F64 {
		return F64
	}
	return F32
}

// compute runs the float32, the float64 or the GPU's form of an operation on t's device. A planning device runs the
// GPU's form too where it plans for one, down to a driver that does nothing.
func compute(t Tensor, f32, f64 func(), onGPU func(c *gpu)) {
	t.dev.compute(t.dtype, forms{f32, f64, onGPU})
}

// computeCounted is compute for an operation that takes memory of the CPU's pool: a planning device runs it on a pool
// that counts, its tensors having no elements.
func computeCounted(t Tensor, f32, f64 func(), onGPU func(c *gpu)) {
	t.dev.computeCounted(t.dtype, forms{f32, f64, onGPU})
}

// fused runs f on a GPU, which reports whether it computed what was asked for, in one pass; elsewhere nothing does.
func fused(t Tensor, f func(c *gpu) bool) (done bool) {
	none := func() {}
	compute(t, none, none, func(c *gpu) { done = f(c) })
	return done
}

// host returns the elements of a tensor on the CPU, nil for the zero Tensor.
func host[E Element](t Tensor) []E {
	if t.mem == nil {
		return nil
	}
	return unsafe.Slice((*E)(t.mem), t.Len())
}

// blocks runs f over [0, n) cut into units of blockLen elements.
func blocks(d *Device, n int, f func(lo, hi int)) { cut(d, n, blockLen, f) }

// cut runs f over [0, n) cut into units of size elements.
func cut(d *Device, n, size int, f func(lo, hi int)) {
	size = max(1, size)
	d.pool.Run((n+size-1)/size, func(_, u int) { f(u*size, min(n, (u+1)*size)) })
}

// rowsPer is the number of rows of c elements that make one unit.
func rowsPer(c int) int { return max(1, blockLen/max(1, c)) }
