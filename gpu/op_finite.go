package gpu

import (
	"contig-gpu/kernels"
)

// Finite sets flag [1] (I32) to 1 if an element of x is NaN or infinite, and leaves it as it is otherwise: one flag,
// set to 0 before, serves many tensors.
func Finite(flag, x Tensor) {
	wantFloat("Finite", "x", x)
	want("Finite", "flag", flag, x, I32, 1)
	compute(x, func() { finite[float32](flag, x) }, func() { finite[float64](flag, x) }, func(c *gpu) { c.finite(flag, x) })
}

func finite[F Float](flag, tx Tensor) {
	x := host[F](tx)
	bad := make([]bool, (len(x)+blockLen-1)/blockLen)
	blocks(tx.dev, len(x), func(lo, hi int) {
		for _, v := range x[lo:hi] {
			if v-v != 0 { // NaN for both
				bad[lo/blockLen] = true
			}
		}
	})
	for _, b := range bad {
		if b {
			host[int32](flag)[0] = 1
		}
	}
}

func (c *gpu) finite(flag, x Tensor) {
	launch(c, "finite_forward", x.dtype, c.grid(x.Len(), perThread), &kernels.FiniteForward{Flag: flag.ptr(), X: x.ptr(), N: int64(x.Len())}, x)
}
