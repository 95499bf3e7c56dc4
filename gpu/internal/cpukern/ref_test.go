package cpukern

import (
	"contig-gpu/gpu/internal/convolution"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// random returns n numbers in [-0.5, 0.5) from a fixed seed.
func random[F Float](n int, seed uint64) []F {
	r := rand.New(rand.NewPCG(seed, 7))
	x := make([]F, n)
	for i := range x {
		x[i] = F(r.Float64() - 0.5)
	}
	return x
}

// near fails if a number of got is further from want than rounding of sums of k products explains.
func near[F Float](t *testing.T, what string, got []F, want []float64, k int) {
	t.Helper()
	eps := 1.2e-7
	if _, double := any(got).([]float64); double {
		eps = 2.3e-16
	}
	for i := range want {
		if math.Abs(float64(got[i])-want[i]) > eps*(4+float64(k)) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// pools returns a pool of n threads for each instruction set that this machine has.
func pools(t testing.TB, n int) map[string]*Pool {
	m := map[string]*Pool{}
	for i, name := range []string{"portable", "AVX2", "AVX-512"} {
		if isa(i) <= bestISA() {
			m[name] = newPool(n, isa(i))
		}
	}
	t.Cleanup(func() {
		for _, p := range m {
			p.Close()
		}
	})
	return m
}

type gemmCase struct {
	transA, transB bool
	m, n, k        int
	acc            bool
}

func (g gemmCase) String() string {
	return fmt.Sprint("transposed ", g.transA, g.transB, " ", g.m, "x", g.n, "x", g.k, " add ", g.acc)
}

// pad is what the leading dimensions exceed the rows by.
const pad = 3

func (g gemmCase) lds() (lda, ldb, ldc int) {
	lda, ldb = g.k, g.n
	if g.transA {
		lda = g.m
	}
	if g.transB {
		ldb = g.k
	}
	return lda + pad, ldb + pad, g.n + pad
}

func operands[F Float](g gemmCase) (a, b, c []F) {
	lda, ldb, ldc := g.lds()
	rows := func(t bool, x, y int) int {
		if t {
			return y
		}
		return x
	}
	return random[F](rows(g.transA, g.m, g.k)*lda, 1), random[F](rows(g.transB, g.k, g.n)*ldb, 2), random[F](g.m*ldc, 3)
}

func naiveGemm[F Float](g gemmCase, a, b, c []F) []float64 {
	lda, ldb, ldc := g.lds()
	want := make([]float64, len(c))
	for i := range want {
		want[i] = float64(c[i])
	}
	at := func(x []F, t bool, i, j, ld int) float64 {
		if t {
			i, j = j, i
		}
		return float64(x[i*ld+j])
	}
	for i := range g.m {
		for j := range g.n {
			s := 0.0
			for q := range g.k {
				s += at(a, g.transA, i, q, lda) * at(b, g.transB, q, j, ldb)
			}
			if g.acc {
				s += want[i*ldc+j]
			}
			want[i*ldc+j] = s
		}
	}
	return want
}

type convRef struct{ y, dx, dw []float64 }

func naiveConv[F Float](s convolution.Shape, x, w, dy, dw []F) convRef {
	r := convRef{make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))}
	for i := range dw {
		r.dw[i] = float64(dw[i])
	}
	for n := range s.N {
		for o := range s.OH() * s.OW() {
			for t := range s.R * s.S {
				iy, ix := o/s.OW()*s.Stride+t/s.S-s.Pad, o%s.OW()*s.Stride+t%s.S-s.Pad
				if iy < 0 || ix < 0 || iy >= s.H || ix >= s.W {
					continue
				}
				for c := range s.C {
					for k := range s.K {
						xi, wi, yi := ((n*s.H+iy)*s.W+ix)*s.C+c, (k*s.R*s.S+t)*s.C+c, (n*s.OH()*s.OW()+o)*s.K+k
						r.y[yi] += float64(x[xi]) * float64(w[wi])
						r.dx[xi] += float64(dy[yi]) * float64(w[wi])
						r.dw[wi] += float64(dy[yi]) * float64(x[xi])
					}
				}
			}
		}
	}
	return r
}

// shaped is the convolution of x [n, h, w, c] with w [k, r, s, c].
func shaped(n, h, w, c, k, r, s, stride, pad int) convolution.Shape {
	return convolution.Shape{N: n, H: h, W: w, C: c, K: k, R: r, S: s, Stride: stride, Pad: pad}
}
