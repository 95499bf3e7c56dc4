package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/kernels"
)

// Add computes y = a + b; y may be a or b.
func Add(y, a, b Tensor) {
	wantFloat("Add", "y", y)
	wantLike("Add", "a", a, y)
	wantLike("Add", "b", b, y)
	compute(y, func() { add[float32](y, a, b) }, func() { add[float64](y, a, b) }, func(c *gpu) { c.add(y, a, b) })
}

func add[F Float](ty, ta, tb Tensor) {
	y, a, b, p := host[F](ty), host[F](ta), host[F](tb), ty.dev.pool
	blocks(ty.dev, len(y), func(lo, hi int) { cpukern.Add(p, y[lo:hi], a[lo:hi], b[lo:hi]) })
}

func (c *gpu) add(y, a, b Tensor) {
	launch(c, "add_forward", y.dtype, c.elemGrid(y), &kernels.AddForward{Y: y.ptr(), A: a.ptr(), B: b.ptr(), N: int64(y.Len())}, y, a, b)
}
