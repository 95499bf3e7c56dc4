package claims

import (
	"math"
	"slices"
)

// Adjusted returns Benjamini and Hochberg's adjusted p-values (1995): of the m that are not NaN, ascending,
//
//	q_(i) = min over k >= i of p_(k) m / k, at most 1
//
// A NaN, a unit that was not tested, stays NaN and does not count.
func Adjusted(p []float64) []float64 {
	q := make([]float64, len(p))
	var tested []int
	for i, v := range p {
		if q[i] = math.NaN(); !math.IsNaN(v) {
			tested = append(tested, i)
		}
	}
	slices.SortStableFunc(tested, func(a, b int) int { return compare(p[a], p[b]) })
	low := 1.0
	for k := len(tested); k > 0; k-- {
		i := tested[k-1]
		low = min(low, p[i]*float64(len(tested))/float64(k))
		q[i] = low
	}
	return q
}

// AtMost returns the units whose value is at most q, ascending: the discoveries at false discovery rate q where v
// are adjusted p-values. NaN is none.
func AtMost(v []float64, q float64) []int {
	var found []int
	for i, x := range v {
		if x <= q {
			found = append(found, i)
		}
	}
	return found
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
