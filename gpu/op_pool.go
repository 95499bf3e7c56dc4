package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/kernels"
	"fmt"
	"math"
)

// window is the geometry of a pooling operation.
type window struct{ n, h, w, c, oh, ow, k, stride, pad int }

// maxWindow is the largest pooling window: its indices must fit into a byte.
const maxWindow = 16

func poolShape(op, xName, yName string, x, y, argmax Tensor, k, stride, pad int) window {
	wantFloat(op, xName, x, 4)
	if k < 1 || k > maxWindow || stride < 1 || pad < 0 || 2*pad > k {
		panic(fmt.Sprintf("gpu: %s: window %d, stride %d, pad %d, want a window of 1 to %d and at most half of it as pad", op, k, stride, pad, maxWindow))
	}
	s := ConvSpec{stride, pad}
	g := window{x.Dim(0), x.Dim(1), x.Dim(2), x.Dim(3), s.out(x.Dim(1), k), s.out(x.Dim(2), k), k, stride, pad}
	want(op, yName, y, x, x.dtype, g.n, g.oh, g.ow, g.c)
	want(op, "argmax", argmax, x, U8, g.n, g.oh, g.ow, g.c)
	return g
}

// MaxPool computes y [N, H', W', C], the largest element of every k x k window of x [N, H, W, C], and argmax (U8),
// its index r*k+s in the window; the first of equals. Padding is never the largest.
func MaxPool(y, argmax, x Tensor, k, stride, pad int) {
	g := poolShape("MaxPool", "x", "y", x, y, argmax, k, stride, pad)
	compute(x, func() { maxPool[float32](y, argmax, x, g) }, func() { maxPool[float64](y, argmax, x, g) },
		func(c *gpu) { c.maxPool(y, argmax, x, g) })
}

func maxPool[F Float](ty, ta, tx Tensor, g window) {
	y, arg, x, p := host[F](ty), host[uint8](ta), host[F](tx), tx.dev.pool
	p.Run(g.n*g.oh, func(_, u int) {
		n, oy := u/g.oh, u%g.oh
		for ox := range g.ow {
			o := (u*g.ow + ox) * g.c
			row, at := y[o:o+g.c], arg[o:o+g.c]
			for j := range row {
				row[j], at[j] = F(math.Inf(-1)), 0
			}
			g.taps(oy, ox, func(iy, ix, tap int) {
				i := ((n*g.h+iy)*g.w + ix) * g.c
				cpukern.Max(p, row, x[i:i+g.c], at, uint8(tap))
			})
		}
	})
}

// taps calls f for every pixel of the window of output (oy, ox) that lies in the image.
func (g window) taps(oy, ox int, f func(iy, ix, tap int)) {
	for r := range g.k {
		iy := oy*g.stride - g.pad + r
		if iy < 0 || iy >= g.h {
			continue
		}
		for s := range g.k {
			if ix := ox*g.stride - g.pad + s; ix >= 0 && ix < g.w {
				f(iy, ix, r*g.k+s)
			}
		}
	}
}

// MaxPoolBackward computes dx: every element of dy goes to where argmax says.
func MaxPoolBackward(dx, dy, argmax Tensor, k, stride, pad int) {
	g := poolShape("MaxPoolBackward", "dx", "dy", dx, dy, argmax, k, stride, pad)
	compute(dx, func() { maxPoolBackward[float32](dx, dy, argmax, g) }, func() { maxPoolBackward[float64](dx, dy, argmax, g) },
		func(c *gpu) { c.maxPoolBackward(dx, dy, argmax, g) })
}

func maxPoolBackward[F Float](tdx, tdy, ta Tensor, g window) {
	dx, dy, arg := host[F](tdx), host[F](tdy), host[uint8](ta)
	image := g.h * g.w * g.c
	offset := make([]int, g.k*g.k) // of a tap from the window's corner
	for t := range offset {
		offset[t] = (t/g.k*g.w + t%g.k) * g.c
	}
	tdx.dev.pool.Run(g.n, func(_, n int) {
		d := dx[n*image : (n+1)*image]
		clear(d)
		for q := range g.oh * g.ow {
			corner := ((q/g.ow*g.stride-g.pad)*g.w + q%g.ow*g.stride - g.pad) * g.c
			o := (n*g.oh*g.ow + q) * g.c
			for j, v := range dy[o : o+g.c] {
				d[corner+offset[arg[o+j]]+j] += v
			}
		}
	})
}

// GlobalAvgPool computes y [N, C], the mean over the pixels of x [N, H, W, C].
func GlobalAvgPool(y, x Tensor) {
	wantFloat("GlobalAvgPool", "x", x, 4)
	want("GlobalAvgPool", "y", y, x, x.dtype, x.Dim(0), x.Dim(3))
	compute(x, func() { globalAvgPool[float32](y, x) }, func() { globalAvgPool[float64](y, x) },
		func(c *gpu) { c.globalAvgPool(y, x) })
}

func globalAvgPool[F Float](ty, tx Tensor) {
	y, x, c := host[F](ty), host[F](tx), tx.Dim(3)
	pixels := tx.Dim(1) * tx.Dim(2)
	tx.dev.pool.Run(tx.Dim(0), func(_, n int) {
		sum := make([]float64, c)
		for q := range pixels {
			addTo(sum, x[(n*pixels+q)*c:(n*pixels+q+1)*c])
		}
		for j, s := range sum {
			y[n*c+j] = F(s / float64(pixels))
		}
	})
}

// GlobalAvgPoolBackward computes dx [N, H, W, C] = dy [N, C] / (H W).
func GlobalAvgPoolBackward(dx, dy Tensor) {
	wantFloat("GlobalAvgPoolBackward", "dx", dx, 4)
	want("GlobalAvgPoolBackward", "dy", dy, dx, dx.dtype, dx.Dim(0), dx.Dim(3))
	compute(dx, func() { globalAvgPoolBackward[float32](dx, dy) }, func() { globalAvgPoolBackward[float64](dx, dy) },
		func(c *gpu) { c.globalAvgPoolBackward(dx, dy) })
}

func globalAvgPoolBackward[F Float](tdx, tdy Tensor) {
	dx, dy, c := host[F](tdx), host[F](tdy), tdx.Dim(3)
	pixels := tdx.Dim(1) * tdx.Dim(2)
	tdx.dev.pool.Run(tdx.Dim(0), func(_, n int) {
		first := dx[n*pixels*c : (n*pixels+1)*c]
		for j, d := range dy[n*c : (n+1)*c] {
			first[j] = d / F(pixels)
		}
		for q := 1; q < pixels; q++ {
			copy(dx[(n*pixels+q)*c:(n*pixels+q+1)*c], first)
		}
	})
}

// poolBlocks is the number of blocks to a multiprocessor.
const poolBlocks = 8

func (c *gpu) maxPool(y, argmax, x Tensor, g window) {
	s := columnsOf("MaxPool", y, argmax, x)
	launch(c, "maxpool_forward", x.dtype, s.grid(c, 1, poolBlocks), &kernels.MaxpoolForward{Y: y.ptr(), Argmax: argmax.ptr(), X: x.ptr(), Pixels: int32(s.rows),
		H: int32(g.h), W: int32(g.w), C: int32(g.c), Oh: int32(g.oh), Ow: int32(g.ow), K: int32(g.k), Stride: int32(g.stride), Pad: int32(g.pad)}, y, argmax, x)
}

func (c *gpu) maxPoolBackward(dx, dy, argmax Tensor, g window) {
	s := columnsOf("MaxPoolBackward", dx, dy, argmax)
	launch(c, "maxpool_backward", dx.dtype, s.grid(c, 1, poolBlocks), &kernels.MaxpoolBackward{Dx: dx.ptr(), Dy: dy.ptr(), Argmax: argmax.ptr(), Pixels: int32(s.rows),
		H: int32(g.h), W: int32(g.w), C: int32(g.c), Oh: int32(g.oh), Ow: int32(g.ow), K: int32(g.k), Stride: int32(g.stride), Pad: int32(g.pad)}, dx, dy, argmax)
}

func (c *gpu) globalAvgPool(y, x Tensor) {
	s := columnsOf("GlobalAvgPool", x, y)
	n := x.Dim(0)
	if n == 0 {
		return
	}
	grid := s.grid(c, 1, poolBlocks)
	for first := 0; first < n; first += maxGridY { // an image to each row of blocks
		images := min(maxGridY, n-first)
		grid.Blocks[1] = images
		launch(c, "globalavgpool_forward", x.dtype, grid, &kernels.GlobalavgpoolForward{Y: uint64(y.at.Add(first * s.c * y.dtype.Size())),
			X: uint64(x.at.Add(first * (x.Len() / n) * x.dtype.Size())), Pixels: int32(s.rows / n), C: int32(s.c)}, y, x)
	}
}

func (c *gpu) globalAvgPoolBackward(dx, dy Tensor) {
	s := columnsOf("GlobalAvgPoolBackward", dx, dy)
	launch(c, "globalavgpool_backward", dx.dtype, s.grid(c, 1, poolBlocks), &kernels.GlobalavgpoolBackward{Dx: dx.ptr(), Dy: dy.ptr(),
		Rows: int32(s.rows), Pixels: int32(dx.Dim(1) * dx.Dim(2)), C: int32(s.c)}, dx, dy)
}

// maxGridY is the most blocks that a grid has in its second dimension.
const maxGridY = 1<<16 - 1
