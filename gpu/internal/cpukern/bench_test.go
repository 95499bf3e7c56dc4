package cpukern

import (
	"contig-gpu/gpu/internal/convolution"
	"fmt"
	"runtime"
	"testing"
)

// rate reports the arithmetic of b's iterations.
func rate(b *testing.B, flops int) {
	b.ReportMetric(float64(flops)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkGemm(b *testing.B) {
	p := NewPool(runtime.NumCPU(), false)
	defer p.Close()
	for _, g := range []gemmCase{{false, false, 1024, 1024, 1024, false}, {false, true, 1024, 1024, 1024, false},
		{true, false, 1024, 1024, 1024, false}, {false, true, 32, 2048, 7854, false}, {false, false, 32, 7854, 2048, false},
		{true, false, 2048, 7854, 32, true}} {
		x, y, c := operands[float32](g)
		lda, ldb, ldc := g.lds()
		b.Run(g.String(), func(b *testing.B) {
			for b.Loop() {
				Gemm(p, g.transA, g.transB, g.m, g.n, g.k, x, lda, y, ldb, c, ldc, g.acc)
			}
			rate(b, 2*g.m*g.n*g.k)
		})
	}
}

// layers are the convolutions of one size of ResNet-18 at 64 px, batch 32, and of ResNet-50 at 224 px, batch 8.
func layers() []convolution.Shape {
	list := []convolution.Shape{shaped(32, 64, 64, 3, 64, 7, 7, 2, 3), shaped(8, 224, 224, 3, 64, 7, 7, 2, 3)}
	for i := range 4 {
		c := 64 << i
		list = append(list, shaped(32, 16>>i, 16>>i, c, c, 3, 3, 1, 1), shaped(8, 56>>i, 56>>i, c, c, 3, 3, 1, 1),
			shaped(8, 56>>i, 56>>i, c, 4*c, 1, 1, 1, 0), shaped(8, 56>>i, 56>>i, 4*c, c, 1, 1, 1, 0))
		if i > 0 {
			list = append(list, shaped(32, 32>>i, 32>>i, c/2, c, 3, 3, 2, 1), shaped(8, 112>>i, 112>>i, c, c, 3, 3, 2, 1),
				shaped(8, 112>>i, 112>>i, 2*c, 4*c, 1, 1, 2, 0))
		}
	}
	return list
}

func BenchmarkConv(b *testing.B) {
	p := NewPool(runtime.NumCPU(), false)
	defer p.Close()
	for _, s := range layers() {
		x, w := random[float32](s.N*s.H*s.W*s.C, 1), random[float32](s.K*s.R*s.S*s.C, 2)
		y, dx, dw := random[float32](s.N*s.OH()*s.OW()*s.K, 3), make([]float32, len(x)), make([]float32, len(w))
		for _, v := range []struct {
			name string
			run  func()
		}{{"forward", func() { Conv(p, s, y, x, w) }}, {"data", func() { ConvBackwardData(p, s, dx, y, w, false) }},
			{"weight", func() { ConvBackwardWeight(p, s, dw, y, x) }}} {
			b.Run(fmt.Sprintf("%dx%dx%d_%d-%d_%dx%d_s%d_%s", s.N, s.H, s.W, s.C, s.K, s.R, s.S, s.Stride, v.name), func(b *testing.B) {
				for b.Loop() {
					v.run()
				}
				rate(b, 2*len(y)*s.R*s.S*s.C)
			})
		}
	}
}

func BenchmarkPortable(b *testing.B) {
	p := NewPool(1, true)
	defer p.Close()
	g := gemmCase{false, true, 256, 256, 256, false}
	x, y, c := operands[float64](g)
	lda, ldb, ldc := g.lds()
	for b.Loop() {
		Gemm(p, false, true, g.m, g.n, g.k, x, lda, y, ldb, c, ldc, false)
	}
	rate(b, 2*g.m*g.n*g.k)
}
