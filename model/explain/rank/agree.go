package rank

import (
	"fmt"
	"math"
	"slices"
)

// Spearman returns the rank correlation of a and b: Pearson's of their ranks, equal values sharing the mean of theirs. NaN where one
// of them is constant.
func Spearman(a, b []float64) float64 {
	if len(a) != len(b) {
		panic(fmt.Sprintf("rank: Spearman: %d values, and %d", len(a), len(b)))
	}
	x, y := ranks(a), ranks(b)
	mean := float64(len(a)-1) / 2
	var xx, yy, xy float64
	for i := range x {
		dx, dy := x[i]-mean, y[i]-mean
		xx, yy, xy = xx+dx*dx, yy+dy*dy, xy+dx*dy
	}
	if xx == 0 || yy == 0 {
		return math.NaN()
	}
	return xy / math.Sqrt(xx*yy)
}

// ranks from 0 on, equal values sharing the mean of theirs.
func ranks(v []float64) []float64 {
	order := Largest(v)
	slices.Reverse(order)
	out := make([]float64, len(v))
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && v[order[hi]] == v[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			out[i] = float64(lo+hi-1) / 2
		}
		lo = hi
	}
	return out
}

// Overlap returns the share of the k largest of a that are among the k largest of b.
func Overlap(a, b []float64, k int) float64 {
	k = min(k, len(a))
	if k == 0 {
		return math.NaN()
	}
	top, both := Largest(b)[:k], 0
	for _, i := range Largest(a)[:k] {
		if slices.Contains(top, i) {
			both++
		}
	}
	return float64(both) / float64(k)
}

// Stability is how little the order of features depends on the reference batch: means over all pairs of draws of it.
type Stability struct {
	Draws    int
	Spearman float64 // of mean |A|
	Overlap  float64 // of the top 20
}

const top = 20

// StabilityOf compares mean |A| under several draws of the reference, at least two.
func StabilityOf(meanAbs [][]float64) Stability {
	s, pairs := Stability{Draws: len(meanAbs)}, 0.0
	for i := range meanAbs {
		for j := range i {
			s.Spearman, s.Overlap, pairs = s.Spearman+Spearman(meanAbs[i], meanAbs[j]), s.Overlap+Overlap(meanAbs[i], meanAbs[j], top), pairs+1
		}
	}
	s.Spearman, s.Overlap = s.Spearman/pairs, s.Overlap/pairs // NaN of fewer than two
	return s
}
