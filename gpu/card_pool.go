package gpu

import "contig-gpu/kernels"

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
