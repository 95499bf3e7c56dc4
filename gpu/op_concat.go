package gpu

import (
	"fmt"

	"contig-gpu/kernels"
)

// Concat computes y [..., A + B] of a [..., A] and b [..., B]: a's channels and behind them b's. A skip connection of a U-Net (Ronneberger et al. 2015).
func Concat(y, a, b Tensor) {
	rows, ca, cb := channelsOf("Concat", y, a, b)
	compute(y, func() { concat[float32](y, a, b, rows, ca, cb) }, func() { concat[float64](y, a, b, rows, ca, cb) },
		func(c *gpu) { c.concat(y, a, b, rows, ca, cb) })
}

// Split computes a [..., A] and b [..., B] of y [..., A + B], which is the gradient of Concat.
func Split(a, b, y Tensor) {
	rows, ca, cb := channelsOf("Split", y, a, b)
	compute(y, func() { split[float32](a, b, y, rows, ca, cb) }, func() { split[float64](a, b, y, rows, ca, cb) },
		func(c *gpu) { c.split(a, b, y, rows, ca, cb) })
}

// channelsOf checks shapes, and returns the number of rows and the channels of each part.
func channelsOf(op string, y, a, b Tensor) (rows, ca, cb int) {
	wantFloat(op, "y", y)
	wantFloat(op, "a", a)
	last := y.Rank() - 1
	if a.Rank() != y.Rank() || a.Dim(last) > y.Dim(last) {
		panic(fmt.Sprintf("gpu: %s: y is %s, a %s, want as many channels or more in y", op, shape(y.Dims()), shape(a.Dims())))
	}
	outer := y.Dims()[:last:last]
	ca, cb = a.Dim(last), y.Dim(last)-a.Dim(last)
	want(op, "a", a, y, y.dtype, append(outer, ca)...)
	want(op, "b", b, y, y.dtype, append(outer, cb)...)
	return y.Len() / max(1, y.Dim(last)), ca, cb
}

func concat[F Float](ty, ta, tb Tensor, rows, ca, cb int) {
	y, a, b, c := host[F](ty), host[F](ta), host[F](tb), ca+cb
	cut(ty.dev, rows, rowsPer(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			copy(y[r*c:r*c+ca], a[r*ca:])
			copy(y[r*c+ca:(r+1)*c], b[r*cb:])
		}
	})
}

func split[F Float](ta, tb, ty Tensor, rows, ca, cb int) {
	y, a, b, c := host[F](ty), host[F](ta), host[F](tb), ca+cb
	cut(ty.dev, rows, rowsPer(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			copy(a[r*ca:(r+1)*ca], y[r*c:])
			copy(b[r*cb:(r+1)*cb], y[r*c+ca:])
		}
	})
}

func (c *gpu) concat(y, a, b Tensor, rows, ca, cb int) {
	launch(c, "concat_forward", y.dtype, c.elemGrid(y), &kernels.ConcatForward{Y: y.ptr(), A: a.ptr(), B: b.ptr(), Rows: int64(rows), Ca: int32(ca), Cb: int32(cb)}, y, a, b)
}

func (c *gpu) split(a, b, y Tensor, rows, ca, cb int) {
	launch(c, "concat_backward", y.dtype, c.elemGrid(y), &kernels.ConcatBackward{A: a.ptr(), B: b.ptr(), Y: y.ptr(), Rows: int64(rows), Ca: int32(ca), Cb: int32(cb)}, y, a, b)
}
