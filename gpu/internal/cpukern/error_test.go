package cpukern

import (
	"math"
	"testing"
)

// TestErrorOfLongSums holds float32 products to the rounding that runs of maxRun terms explain: sums of K random
// terms in one chain would be off by roundoff * sqrt(K/2): twice the bound at 256 terms, nine times at 4,608.
func TestErrorOfLongSums(t *testing.T) {
	const m, n = 70, 65
	const roundoff = 0x1p-24 / 1.732 // root mean square of one rounding, relative to its binade's middle
	for name, p := range pools(t, 2) {
		for _, k := range []int{256, 1024, 4608} {
			g := gemmCase{false, true, m, n, k, false}
			a, b, c := operands[float32](g)
			lda, ldb, ldc := g.lds()
			want := naiveGemm(g, a, b, c)
			Gemm(p, g.transA, g.transB, m, n, k, a, lda, b, ldb, c, ldc, false)
			d, s := 0.0, 0.0
			for i := range m {
				for j := range n {
					w := want[i*ldc+j]
					d, s = d+(float64(c[i*ldc+j])-w)*(float64(c[i*ldc+j])-w), s+w*w
				}
			}
			chains := float64(maxRun+blockDepth/maxRun+k/blockDepth) / 2
			if e, bound := math.Sqrt(d/s), roundoff*math.Sqrt(chains+1); !(e <= bound) {
				t.Errorf("%s: products of %d terms are off by %.3g, bound %.3g", name, k, e, bound)
			} else {
				t.Logf("%s: products of %d terms are off by %.3g, bound %.3g, one chain %.3g", name, k, e, bound, roundoff*math.Sqrt(float64(k)/2))
			}
		}
	}
}
