package gpu

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestSizesDoNotWrap: products and sums are those of whole numbers of any length, or the largest int.
func TestSizesDoNotWrap(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	most := big.NewInt(math.MaxInt)
	for range 2000 {
		counts := make([]int, r.IntN(5))
		product, sum := big.NewInt(1), big.NewInt(0)
		for i := range counts {
			counts[i] = int(r.Uint64() >> (1 + r.IntN(63)))
			product.Mul(product, big.NewInt(int64(counts[i])))
			sum.Add(sum, big.NewInt(int64(counts[i])))
		}
		for name, c := range map[string]struct {
			got  int
			want *big.Int
		}{"Times": {Times(counts...), product}, "Plus": {Plus(counts...), sum}} {
			if c.want.Cmp(most) > 0 {
				c.want = most
			}
			if big.NewInt(int64(c.got)).Cmp(c.want) != 0 {
				t.Errorf("%s(%d) = %d, want %v", name, counts, c.got, c.want)
			}
		}
	}
	if Times(math.MaxInt, 2, 0) != 0 {
		t.Error("a product with 0 is not 0")
	}
}
