package gpu

import (
	"contig-gpu/kernels"
)

// MaskRows copies the rows of x [N, ...] whose present [N] (U8) is not 0 and writes 0 into the others, whatever
// x holds there; y may be x.
func MaskRows(y, x, present Tensor) {
	wantFloat("MaskRows", "y", y)
	wantLike("MaskRows", "x", x, y)
	want("MaskRows", "present", present, y, U8, y.Dim(0))
	compute(y, func() { maskRows[float32](y, x, present) }, func() { maskRows[float64](y, x, present) },
		func(c *gpu) { c.maskRows(y, x, present) })
}

func maskRows[F Float](ty, tx, tp Tensor) {
	y, x, present := host[F](ty), host[F](tx), host[uint8](tp)
	c := len(y) / max(1, len(present))
	cut(ty.dev, len(present), rowsPer(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			if present[r] == 0 {
				clear(y[r*c : (r+1)*c])
				continue
			}
			copy(y[r*c:(r+1)*c], x[r*c:(r+1)*c])
		}
	})
}

func (c *gpu) maskRows(y, x, present Tensor) {
	rows := y.Dim(0)
	per := y.Len() / max(1, rows)
	g := c.grid(per, 16/y.dtype.Size())
	g.Blocks[1] = max(1, min(rows, 1<<15))
	launch(c, "maskrows_forward", y.dtype, g, &kernels.MaskrowsForward{Y: y.ptr(), X: x.ptr(), Present: present.ptr(), Rows: int32(rows), C: int64(per)}, y, x)
}
