package cpukern

import (
	"contig-gpu/gpu/internal/convolution"
	"fmt"
	"slices"
	"testing"
)

func testGemm[F Float](t *testing.T, name string, one, two *Pool, g gemmCase) {
	a, b, c := operands[F](g)
	lda, ldb, ldc := g.lds()
	want := naiveGemm(g, a, b, c)
	c2 := slices.Clone(c)
	Gemm(one, g.transA, g.transB, g.m, g.n, g.k, a, lda, b, ldb, c, ldc, g.acc)
	near(t, fmt.Sprintf("%s %T %v", name, c, g), c, want, g.k)
	Gemm(two, g.transA, g.transB, g.m, g.n, g.k, a, lda, b, ldb, c2, ldc, g.acc)
	if !slices.Equal(c, c2) {
		t.Fatalf("%s %T %v: one and two threads differ", name, c, g)
	}
}

func TestGemm(t *testing.T) {
	ragged := []int{1, 2, 31, 32, 33, 127, 129}
	two := pools(t, 2)
	for name, one := range pools(t, 1) {
		for i, m := range ragged {
			for j, n := range ragged {
				for v := (i + j) % 2; v < 8; v += 2 {
					g := gemmCase{v&1 > 0, v&2 > 0, m, n, ragged[(i+j+v)%len(ragged)], v&4 > 0}
					testGemm[float32](t, name, one, two[name], g)
					testGemm[float64](t, name, one, two[name], g)
				}
			}
		}
		for v := range 8 {
			testGemm[float32](t, name, one, two[name], gemmCase{v&1 > 0, v&2 > 0, 33, 300, 700, v&4 > 0})
			testGemm[float32](t, name, one, two[name], gemmCase{v&1 > 0, v&2 > 0, 301, 290, 300, v&4 > 0})
		}
	}
}

func testConv[F Float](t *testing.T, name string, one, two *Pool, s convolution.Shape) {
	x, w := random[F](s.N*s.H*s.W*s.C, 1), random[F](s.K*s.R*s.S*s.C, 2)
	dy, dw := random[F](s.N*s.OH()*s.OW()*s.K, 3), random[F](len(w), 4)
	want := naiveConv(s, x, w, dy, dw)
	had, sum := random[F](len(x), 7), make([]float64, len(x))
	for i, v := range had {
		sum[i] = float64(v) + want.dx[i]
	}
	out := func(p *Pool) (y, dx, dxo, dwo []F) {
		y, dx, dxo, dwo = random[F](len(dy), 5), random[F](len(x), 6), slices.Clone(had), slices.Clone(dw)
		Conv(p, s, y, x, w)
		ConvBackwardData(p, s, dx, dy, w, false)
		ConvBackwardData(p, s, dxo, dy, w, true)
		ConvBackwardWeight(p, s, dwo, dy, x)
		return y, dx, dxo, dwo
	}
	y, dx, dxo, dwo := out(one)
	what := fmt.Sprintf("%s %T %+v ", name, x, s)
	near(t, what+"forward", y, want.y, s.R*s.S*s.C)
	near(t, what+"data", dx, want.dx, s.R*s.S*s.K)
	near(t, what+"data, added", dxo, sum, s.R*s.S*s.K)
	near(t, what+"weight", dwo, want.dw, s.N*s.OH()*s.OW())
	y2, dx2, dxo2, dw2 := out(two)
	if !slices.Equal(y, y2) || !slices.Equal(dx, dx2) || !slices.Equal(dxo, dxo2) || !slices.Equal(dwo, dw2) {
		t.Fatal(what + "one and two threads differ")
	}
}

func TestConv(t *testing.T) {
	shapes := []convolution.Shape{
		shaped(2, 9, 8, 32, 48, 3, 3, 1, 1), shaped(2, 10, 10, 16, 33, 3, 3, 2, 1), shaped(1, 9, 8, 64, 32, 1, 1, 2, 0), shaped(2, 7, 7, 300, 64, 1, 1, 1, 0),
		shaped(2, 20, 21, 3, 64, 7, 7, 2, 3), shaped(1, 5, 5, 130, 20, 3, 3, 1, 1), shaped(3, 1, 1, 31, 33, 3, 3, 1, 1), shaped(1, 12, 12, 1, 2, 7, 7, 1, 3),
		shaped(2, 6, 7, 129, 127, 3, 3, 2, 0), shaped(1, 8, 8, 3, 31, 3, 3, 1, 1), shaped(2, 2, 2, 32, 31, 3, 3, 2, 1), shaped(1, 7, 6, 2, 1, 7, 7, 2, 3), shaped(1, 6, 6, 33, 40, 3, 3, 1, 0),
		shaped(1, 9, 9, 17, 16, 3, 3, 3, 1), shaped(3, 16, 16, 40, 24, 1, 1, 1, 0), shaped(2, 5, 5, 8, 8, 1, 1, 1, 1), shaped(2, 17, 17, 24, 12, 3, 3, 1, 1),
	}
	two := pools(t, 2)
	for name, one := range pools(t, 1) {
		for _, s := range shapes {
			testConv[float32](t, name, one, two[name], s)
			testConv[float64](t, name, one, two[name], s)
		}
	}
}
