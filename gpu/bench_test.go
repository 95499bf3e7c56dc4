package gpu_test

import (
	"fmt"
	"runtime"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// perOp measures f in bytes moved, on assembly and portable kernels.
func perOp(b *testing.B, bytes int, setup func(a *gpu.Arena) func()) {
	for _, portable := range []bool{false, true} {
		b.Run(fmt.Sprintf("portable=%v", portable), func(b *testing.B) {
			d := gputest.Open(b, "cpu", gpu.Options{Threads: runtime.GOMAXPROCS(0), Portable: portable})
			f := setup(d.NewArena(1 << 30))
			b.SetBytes(int64(bytes))
			for b.Loop() {
				f()
			}
		})
	}
}

// BenchmarkCopy is the machine's own speed of streams: the measure of the others.
func BenchmarkCopy(b *testing.B) {
	const n = 45 << 20
	perOp(b, 2*4*n, func(a *gpu.Arena) func() {
		x, y := a.Zeros(gpu.F32, n), a.Zeros(gpu.F32, n)
		return func() { gpu.Copy(y, x) }
	})
}

// BenchmarkAdam steps the 45 million parameters of a two-modality model: seven streams of 4 bytes.
func BenchmarkAdam(b *testing.B) {
	const n = 45 << 20
	perOp(b, 7*4*n, func(a *gpu.Arena) func() {
		p, g, m, v := a.Zeros(gpu.F32, n), a.Zeros(gpu.F32, n), a.Zeros(gpu.F32, n), a.Zeros(gpu.F32, n)
		gpu.Fill(g, 0.01)
		s := gpu.AdamSpec{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}
		rates := gputest.Put(a, gpu.F32, s.Rates(1e-3, 10), 3)
		return func() { gpu.Adam(p, gpu.Tensor{}, g, m, v, rates, gpu.Tensor{}, s) }
	})
}

func BenchmarkSGD(b *testing.B) {
	const n = 16 << 20
	perOp(b, 5*4*n, func(a *gpu.Arena) func() {
		p, g, m := a.Zeros(gpu.F32, n), a.Zeros(gpu.F32, n), a.Zeros(gpu.F32, n)
		s := gpu.SGDSpec{Momentum: 0.9}
		rates := gputest.Put(a, gpu.F32, s.Rates(1e-3), 3)
		return func() { gpu.SGD(p, gpu.Tensor{}, g, m, rates, gpu.Tensor{}, s) }
	})
}

func BenchmarkSumSquares(b *testing.B) {
	const n = 16 << 20
	perOp(b, 4*n, func(a *gpu.Arena) func() {
		x, sum := a.Zeros(gpu.F32, n), a.Zeros(gpu.F64, 1)
		return func() { gpu.SumSquares(sum, x) }
	})
}

// shapes are activations of ResNet-50: early, and late at 64 px.
func shapes(b *testing.B, f func(b *testing.B, dims ...int)) {
	for _, d := range [][4]int{{8, 56, 56, 256}, {32, 16, 16, 64}, {32, 2, 2, 2048}} {
		b.Run(fmt.Sprint(d), func(b *testing.B) { f(b, d[:]...) })
	}
}

func BenchmarkBatchNormTrain(b *testing.B) {
	shapes(b, func(b *testing.B, dims ...int) {
		n := dims[0] * dims[1] * dims[2] * dims[3]
		perOp(b, 3*4*n, func(a *gpu.Arena) func() {
			x, y, c := gputest.Filled(a, gpu.F32, "x", -1, 1, dims...), a.Zeros(gpu.F32, dims...), a.Zeros(gpu.F32, dims[3])
			one, m, r := a.Zeros(gpu.F32, dims[3]), a.Zeros(gpu.F32, dims[3]), a.Zeros(gpu.F32, dims[3])
			return func() {
				gpu.BatchNormTrain(y, gpu.Tensor{}, gpu.Normed{X: x, Mean: m, Rstd: r, Gamma: one, Beta: one, RunMean: c, RunVar: c, ReLU: true}, gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1})
			}
		})
	})
}

func BenchmarkBatchNormBackward(b *testing.B) {
	shapes(b, func(b *testing.B, dims ...int) {
		n := dims[0] * dims[1] * dims[2] * dims[3]
		perOp(b, 7*4*n, func(a *gpu.Arena) func() {
			x, dy, dx := gputest.Filled(a, gpu.F32, "x", -1, 1, dims...), gputest.Filled(a, gpu.F32, "dy", -1, 1, dims...), a.Zeros(gpu.F32, dims...)
			c, g := gputest.Filled(a, gpu.F32, "c", 0.5, 1, dims[3]), a.Zeros(gpu.F32, dims[3])
			return func() {
				gpu.BatchNormBackward(dx, gpu.Tensor{}, dy, x, gpu.Normed{X: x, Mean: c, Rstd: c, Gamma: c, ReLU: true, Dgamma: g, Dbeta: g})
			}
		})
	})
}

func BenchmarkMaxPool(b *testing.B) {
	const n = 8 * 112 * 112 * 64
	forward := func(a *gpu.Arena) (x, y, argmax gpu.Tensor) {
		return gputest.Filled(a, gpu.F32, "x", -1, 1, 8, 112, 112, 64), a.Zeros(gpu.F32, 8, 56, 56, 64), a.Zeros(gpu.U8, 8, 56, 56, 64)
	}
	b.Run("forward", func(b *testing.B) {
		perOp(b, 4*n, func(a *gpu.Arena) func() {
			x, y, argmax := forward(a)
			return func() { gpu.MaxPool(y, argmax, x, 3, 2, 1) }
		})
	})
	b.Run("backward", func(b *testing.B) {
		perOp(b, 4*n, func(a *gpu.Arena) func() {
			x, y, argmax := forward(a)
			gpu.MaxPool(y, argmax, x, 3, 2, 1)
			return func() { gpu.MaxPoolBackward(x, y, argmax, 3, 2, 1) }
		})
	})
}

func BenchmarkInfoNCE(b *testing.B) {
	const n, d = 64, 128
	perOp(b, 4*4*n*d, func(a *gpu.Arena) func() {
		u, v := gputest.Filled(a, gpu.F32, "u", -0.1, 0.1, n, d), gputest.Filled(a, gpu.F32, "v", -0.1, 0.1, n, d)
		du, dv, loss, scale, present := a.Zeros(gpu.F32, n, d), a.Zeros(gpu.F32, n, d), a.Zeros(gpu.F32, 4), a.Zeros(gpu.F32, 1), a.New(gpu.U8, n)
		gpu.Fill(present, 1)
		return func() {
			gpu.InfoNCE(loss, du, dv, u, v, present, gpu.Tensor{}, scale, gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.75})
		}
	})
}
