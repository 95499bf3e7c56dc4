package cpukern

import (
	"contig-gpu/gpu/internal/convolution"
	"slices"
	"testing"
)

// TestEmptyGemm has a product in which an axis is 0: what is written is 0, what is added to stays.
func TestEmptyGemm(t *testing.T) {
	for name, p := range pools(t, 2) {
		for v := range 8 {
			for axis := range 3 {
				mnk := [3]int{3, 5, 7}
				mnk[axis] = 0
				g := gemmCase{v&1 > 0, v&2 > 0, mnk[0], mnk[1], mnk[2], v&4 > 0}
				a, b, c := operands[float32](g)
				lda, ldb, ldc := g.lds()
				want := slices.Clone(c)
				for i := 0; !g.acc && i < g.m; i++ {
					clear(want[i*ldc : i*ldc+g.n])
				}
				Gemm(p, g.transA, g.transB, g.m, g.n, g.k, a, lda, b, ldb, c, ldc, g.acc)
				if !slices.Equal(c, want) {
					t.Errorf("%s %v: %v, want %v", name, g, c, want)
				}
			}
		}
	}
}

// TestEmptyConv has convolutions of no images, of no channels and to none.
func TestEmptyConv(t *testing.T) {
	for name, p := range pools(t, 2) {
		for _, s := range []convolution.Shape{shaped(0, 6, 6, 4, 8, 3, 3, 1, 1), shaped(2, 6, 6, 0, 8, 3, 3, 2, 1), shaped(2, 6, 6, 4, 0, 3, 3, 2, 1), shaped(2, 6, 6, 0, 8, 1, 1, 1, 0)} {
			x, w := random[float32](s.N*s.H*s.W*s.C, 1), random[float32](s.K*s.R*s.S*s.C, 2)
			dy, y := random[float32](s.N*s.OH()*s.OW()*s.K, 3), random[float32](s.N*s.OH()*s.OW()*s.K, 4)
			dx, sum, dw := random[float32](len(x), 5), slices.Clone(x), slices.Clone(w)
			Conv(p, s, y, x, w)
			ConvBackwardData(p, s, dx, dy, w, false)
			ConvBackwardData(p, s, sum, dy, w, true)
			ConvBackwardWeight(p, s, dw, dy, x)
			if !slices.Equal(y, make([]float32, len(y))) || !slices.Equal(dx, make([]float32, len(dx))) {
				t.Errorf("%s %+v: y %v, dx %v, want 0", name, s, y, dx)
			}
			if !slices.Equal(sum, x) || !slices.Equal(dw, w) {
				t.Errorf("%s %+v: dx or dw moved", name, s)
			}
		}
	}
}
