package assoc

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRank: float32 values come in the order of slices.Sort, from 0 to infinity, and what is not defined is left out; figures of them are those of the same values in float64.
func TestRank(t *testing.T) {
	g := rand.New(rand.NewPCG(5, 16))
	for _, n := range []int{0, 1, 2, 5, 1000, 30001} {
		var single []float32
		var double []float64
		for range n {
			p := float32(math.Exp(20*g.Float64() - 12))
			switch g.IntN(20) {
			case 0:
				p = 0
			case 1:
				p = float32(math.Inf(1))
			case 2:
				p = float32(math.NaN())
			case 3:
				p = math.SmallestNonzeroFloat32
			}
			single, double = append(single, p), append(double, float64(p))
		}
		r, want := Rank(single), Rank(double)
		if len(r) != len(want) || !slices.IsSorted(want) {
			t.Fatalf("%d of %d values, want %d", len(r), n, len(want))
		}
		for i, p := range r {
			if float64(p) != want[i] {
				t.Fatalf("%d values: place %d is %g, want %g", n, i, p, want[i])
			}
		}
		if a, b := r.Lambda(), Lambda(double); a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
			t.Errorf("%d values: lambda %g, want %g", n, a, b)
		}
		ranks := []int{}
		for k := 1; k <= len(r); k *= 3 {
			ranks = append(ranks, k)
		}
		first := r.QQ(ranks, nil)
		again := Rank(double).QQ(ranks, first)
		if !slices.Equal(first.Observed, again.Observed) || !slices.Equal(first.Expected, again.Expected) || len(first.BandLow) != len(ranks) {
			t.Errorf("%d values: the comparisons differ", n)
		}
		if len(r) > 3 {
			if other := Rank(double[:len(double)-1]).QQ([]int{1, 2}, first); len(other.Expected) != 2 {
				t.Errorf("%d values: %d expected of two ranks", n, len(other.Expected))
			}
		}
	}
}
