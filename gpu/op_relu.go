package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/kernels"
)

// ReLU computes y = max(x, 0); y may be x.
func ReLU(y, x Tensor) {
	wantFloat("ReLU", "y", y)
	wantLike("ReLU", "x", x, y)
	compute(y, func() { relu[float32](y, x) }, func() { relu[float64](y, x) }, func(c *gpu) { c.relu(y, x) })
}

func relu[F Float](ty, tx Tensor) {
	y, x, p := host[F](ty), host[F](tx), ty.dev.pool
	blocks(ty.dev, len(y), func(lo, hi int) { cpukern.ReLU(p, y[lo:hi], x[lo:hi]) })
}

// ReLUBackward computes dx = dy where y > 0, else 0; dx may be dy.
func ReLUBackward(dx, dy, y Tensor) {
	wantFloat("ReLUBackward", "dx", dx)
	wantLike("ReLUBackward", "dy", dy, dx)
	wantLike("ReLUBackward", "y", y, dx)
	compute(dx, func() { reluBackward[float32](dx, dy, y) }, func() { reluBackward[float64](dx, dy, y) }, func(c *gpu) { c.reluBackward(dx, dy, y) })
}

func reluBackward[F Float](tdx, tdy, ty Tensor) {
	dx, dy, y, p := host[F](tdx), host[F](tdy), host[F](ty), tdx.dev.pool
	blocks(tdx.dev, len(dx), func(lo, hi int) { cpukern.ReLUBackward(p, dx[lo:hi], dy[lo:hi], y[lo:hi]) })
}

func (c *gpu) relu(y, x Tensor) {
	launch(c, "relu_forward", y.dtype, c.elemGrid(y), &kernels.ReluForward{Y: y.ptr(), X: x.ptr(), N: int64(y.Len())}, y, x)
}

func (c *gpu) reluBackward(dx, dy, y Tensor) {
	launch(c, "relu_backward", dx.dtype, c.elemGrid(dx), &kernels.ReluBackward{Dx: dx.ptr(), Dy: dy.ptr(), Y: y.ptr(), N: int64(dx.Len())}, dx, dy, y)
}
