package gpu

import (
	"fmt"

	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// elemGrid covers the elements of t, 16 bytes to a thread.
func (c *gpu) elemGrid(t Tensor) driver.Grid { return c.grid(t.Len(), 16/t.dtype.Size()) }

func (c *gpu) add(y, a, b Tensor) {
	launch(c, "add_forward", y.dtype, c.elemGrid(y), &kernels.AddForward{Y: y.ptr(), A: a.ptr(), B: b.ptr(), N: int64(y.Len())}, y, a, b)
}

func (c *gpu) relu(y, x Tensor) {
	launch(c, "relu_forward", y.dtype, c.elemGrid(y), &kernels.ReluForward{Y: y.ptr(), X: x.ptr(), N: int64(y.Len())}, y, x)
}

func (c *gpu) reluBackward(dx, dy, y Tensor) {
	launch(c, "relu_backward", dx.dtype, c.elemGrid(dx), &kernels.ReluBackward{Dx: dx.ptr(), Dy: dy.ptr(), Y: y.ptr(), N: int64(dx.Len())}, dx, dy, y)
}

func (c *gpu) reluRescale(dx, dy, x, b Tensor) {
	launch(c, "relu_rescale", F32, c.grid(x.Len(), 1), &kernels.ReluRescale{Dx: dx.ptr(), Dy: dy.ptr(), X: x.ptr(), B: b.ptr(), N: int64(x.Len()),
		Period: int64(b.Len()), Least: RescaleFloor}, dx, dy, x)
}

func (c *gpu) maskRows(y, x, present Tensor) {
	rows := y.Dim(0)
	per := y.Len() / max(1, rows)
	g := c.grid(per, 16/y.dtype.Size())
	g.Blocks[1] = max(1, min(rows, 1<<15))
	launch(c, "maskrows_forward", y.dtype, g, &kernels.MaskrowsForward{Y: y.ptr(), X: x.ptr(), Present: present.ptr(), Rows: int32(rows), C: int64(per)}, y, x)
}

// Rows in flight of a thread, in kernels/bias.cu, and blocks to a multiprocessor.
const (
	biasRows   = 4
	biasBlocks = 4
)

func (c *gpu) addBias(y, x, bias Tensor, relu bool) {
	s := columnsOf("AddBias", y, x)
	launch(c, "bias_forward", y.dtype, s.grid(c, biasRows, biasBlocks), &kernels.BiasForward{Y: y.ptr(), X: x.ptr(), Bias: bias.ptr(),
		Rows: int32(s.rows), C: int32(s.c), Relu: flag(relu)}, y, x)
}

func (c *gpu) sumRows(db, dy Tensor) {
	s := columnsOf("SumRows", dy)
	g := s.grid(c, biasRows, biasBlocks)
	part := c.scratch(4 * parts(g) * s.c)
	launch(c, "sumrows_forward", dy.dtype, g, &kernels.SumrowsForward{Db: db.ptr(), Part: uint64(part), Tickets: c.partTickets(g), Dy: dy.ptr(),
		Rows: int32(s.rows), C: int32(s.c)}, dy)
}

func (c *gpu) cast(dst, src Tensor) {
	n := int64(dst.Len())
	switch {
	case src.dtype == F32:
		launch(c, "cast_narrow", dst.dtype, c.elemGrid(dst), &kernels.CastNarrow{Y: dst.ptr(), X: src.ptr(), N: n}, dst, src)
	case dst.dtype == F32:
		launch(c, "cast_widen", src.dtype, c.elemGrid(src), &kernels.CastWiden{Y: dst.ptr(), X: src.ptr(), N: n}, dst, src)
	default:
		panic(fmt.Sprintf("gpu: Cast: src is %v and dst %v, on a GPU one of them is f32", src.dtype, dst.dtype))
	}
}

// flag is a truth value as kernels take it.
func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
