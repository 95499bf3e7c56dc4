package gpu

import "fmt"

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
