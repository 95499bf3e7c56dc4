package gpu

import (
	"contig-gpu/kernels"
	"math"
)

// L2Norm computes norm [N] = max(|x|, eps) and y = x / norm for every row of x [N, D]. Where x has 16 bits y and norm
// are float32.
func L2Norm(y, norm, x Tensor, eps float64) {
	wantFloat("L2Norm", "x", x, 2)
	want("L2Norm", "y", y, x, vectorType(x), x.Dims()...)
	want("L2Norm", "norm", norm, x, vectorType(x), x.Dim(0))
	compute(x, func() { l2Norm(x.dev, host[float32](y), host[float32](norm), host[float32](x), x.Dim(1), eps) },
		func() { l2Norm(x.dev, host[float64](y), host[float64](norm), host[float64](x), x.Dim(1), eps) },
		func(c *gpu) { c.l2Norm(y.ptr(), norm.ptr(), x, eps) })
}

// l2Norm scales rows of d elements.
func l2Norm[F Float](dev *Device, y, norm, x []F, d int, eps float64) {
	cut(dev, len(norm), rowsPer(d), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := x[r*d : (r+1)*d]
			n := math.Max(math.Sqrt(dot(row, row)), eps)
			norm[r] = F(n)
			for j, v := range row {
				y[r*d+j] = F(float64(v) / n)
			}
		}
	})
}

func dot[F Float](a, b []F) float64 {
	s := 0.0
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return s
}

// L2NormBackward computes dx = (dy - (dy.y) y) / norm, and dy / eps for rows shorter than eps: there L2Norm is
// linear. Where dx has 16 bits the others are float32. dx may be dy.
func L2NormBackward(dx, dy, y, norm Tensor, eps float64) {
	wantFloat("L2NormBackward", "dx", dx, 2)
	want("L2NormBackward", "dy", dy, dx, vectorType(dx), dx.Dims()...)
	want("L2NormBackward", "y", y, dx, vectorType(dx), dx.Dims()...)
	want("L2NormBackward", "norm", norm, dx, vectorType(dx), dx.Dim(0))
	compute(dx, func() {
		l2NormBackward(dx.dev, host[float32](dx), host[float32](dy), host[float32](y), host[float32](norm), dx.Dim(1), eps)
	}, func() {
		l2NormBackward(dx.dev, host[float64](dx), host[float64](dy), host[float64](y), host[float64](norm), dx.Dim(1), eps)
	}, func(c *gpu) { c.l2NormBackward(dx, dy.ptr(), y.ptr(), norm.ptr(), 0, 0, eps) })
}

func l2NormBackward[F Float](dev *Device, dx, dy, y, norm []F, d int, eps float64) {
	cut(dev, len(norm), rowsPer(d), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			dr, yr, n, along := dy[r*d:(r+1)*d], y[r*d:(r+1)*d], float64(norm[r]), 0.0
			if norm[r] > F(eps) {
				along = dot(dr, yr)
			}
			for j, v := range dr {
				dx[r*d+j] = F((float64(v) - along*float64(yr[j])) / n)
			}
		}
	})
}

func (c *gpu) l2Norm(y, norm uint64, x Tensor, eps float64) {
	launch(c, "l2norm_forward", x.dtype, c.rowGrid(x.Dim(0)), &kernels.L2normForward{Y: y, Norm: norm, X: x.ptr(),
		Rows: int32(x.Dim(0)), Cols: int32(x.Dim(1)), Eps: eps}, x)
}

// l2NormBackward takes all rows, or those present, where count, the number of these, is enough.
func (c *gpu) l2NormBackward(dx Tensor, dy, y, norm, present, count uint64, eps float64) {
	launch(c, "l2norm_backward", dx.dtype, c.rowGrid(dx.Dim(0)), &kernels.L2normBackward{Dx: dx.ptr(), Dy: dy, Y: y, Norm: norm, Present: present, Count: count,
		Rows: int32(dx.Dim(0)), Cols: int32(dx.Dim(1)), Eps: float32(eps)}, dx)
}
