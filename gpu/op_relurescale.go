package gpu

import (
	"contig-gpu/kernels"
	"fmt"
)

// RescaleFloor is the least difference of a ReLU's two inputs that ReLURescale divides by: nearer ones take the gradient at x,
// as Captum's DeepLift has it.
const RescaleFloor = 1e-10

// ReLURescale computes DeepLift's rescale rule of a ReLU (Shrikumar et al. 2017, section 3.5.2): the multipliers
//
//	dx = dy (relu(x) - relu(b)) / (x - b), and dy (1 where x > 0, else 0) where |x - b| < RescaleFloor
//
// for inputs x [R, F] and those of the baseline b [B, F]: row r goes with row r mod B. dx may be dy. All are float32, or
// float64 on the CPU. The quotient lies between 0 and 1, and where x and b have one sign it is exact.
func ReLURescale(dx, dy, x, b Tensor) {
	const op = "ReLURescale"
	wantFloat(op, "x", x, 2)
	want(op, "x", x, x, vectorType(x), x.Dims()...)
	wantRank(op, "b", b, 2)
	want(op, "b", b, x, x.dtype, b.Dim(0), x.Dim(1))
	wantLike(op, "dx", dx, x)
	wantLike(op, "dy", dy, x)
	if n := b.Dim(0); x.Dim(0) > 0 && n == 0 || n > 0 && x.Dim(0)%n != 0 {
		panic(fmt.Sprintf("gpu: %s: %d rows of x and %d of b, want a multiple", op, x.Dim(0), n))
	}
	if x.Len() == 0 {
		return
	}
	compute(x, func() { reluRescale[float32](dx, dy, x, b) }, func() { reluRescale[float64](dx, dy, x, b) },
		func(c *gpu) { c.reluRescale(dx, dy, x, b) })
}

func reluRescale[F Float](tdx, tdy, tx, tb Tensor) {
	dx, dy, x, b, c := host[F](tdx), host[F](tdy), host[F](tx), host[F](tb), tx.Dim(1)
	rows, bases := tx.Dim(0), tb.Dim(0)
	cut(tx.dev, rows, rowsPer(c), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			base, at := b[r%bases*c:][:c], r*c
			for j, w := range base {
				dx[at+j] = dy[at+j] * rescaled(x[at+j], w)
			}
		}
	})
}

// rescaled is the multiplier of one element.
func rescaled[F Float](x, b F) F {
	gap := x - b
	if gap < RescaleFloor && gap > -RescaleFloor {
		if x > 0 {
			return 1
		}
		return 0
	}
	return (max(x, 0) - max(b, 0)) / gap
}

func (c *gpu) reluRescale(dx, dy, x, b Tensor) {
	launch(c, "relu_rescale", F32, c.grid(x.Len(), 1), &kernels.ReluRescale{Dx: dx.ptr(), Dy: dy.ptr(), X: x.ptr(), B: b.ptr(), N: int64(x.Len()),
		Period: int64(b.Len()), Least: RescaleFloor}, dx, dy, x)
}
