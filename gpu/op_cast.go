package gpu

import (
	"contig-gpu/kernels"
	"fmt"
)

// Cast converts src into dst, of the same shape: between float32 and BF16 or F16 on a GPU, between float32 and
// float64 on the CPU. Rounding is to the nearest, to even between two.
func Cast(dst, src Tensor) {
	wantFloat("Cast", "dst", dst)
	wantFloat("Cast", "src", src)
	want("Cast", "src", src, dst, src.dtype, dst.dims[:dst.rank]...)
	if src.dtype == dst.dtype {
		panic(fmt.Sprintf("gpu: Cast: dst and src are both %v, want two types", src.dtype))
	}
	compute(dst, func() { castTo[float32, float64](dst, src) }, func() { castTo[float64, float32](dst, src) }, func(c *gpu) { c.cast(dst, src) })
}

func castTo[D, S Float](td, ts Tensor) {
	d, s := host[D](td), host[S](ts)
	blocks(td.dev, len(d), func(lo, hi int) { convert(d[lo:hi], s[lo:hi]) })
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
