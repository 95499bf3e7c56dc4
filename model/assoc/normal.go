package assoc

import (
	"math"
	"slices"
)

// InverseNormal returns the rank-based inverse normal transform of x: Φ⁻¹((r - 3/8) / (n + 1/4)) (Blom 1958), r being the rank, of equals their
// mean, and n how many are known. NaN stays NaN and is not counted.
func InverseNormal(x []float64) []float64 {
	out := make([]float64, len(x))
	ranks, n := meanRanks(x)
	for i, r := range ranks {
		out[i] = math.NaN()
		if r > 0 {
			out[i] = normalQuantile((r - 0.375) / (float64(n) + 0.25))
		}
	}
	return out
}

// normalQuantile returns Φ⁻¹(p), exactly opposite for p and 1 - p where both are representable.
func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// meanRanks returns the rank of each value from 1, that of equals being their mean and that of NaN 0, and how many are known.
func meanRanks(x []float64) (ranks []float64, known int) {
	order := make([]int, 0, len(x))
	for i, v := range x {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	ranks = make([]float64, len(x))
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && x[order[hi]] == x[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			ranks[i] = float64(lo+hi+1) / 2
		}
		lo = hi
	}
	return ranks, len(order)
}
