package claims

import "math"

// A Unit is what a claim is about: a feature, a block, a gene, a group.
type Unit struct {
	Name     string
	Features []int // ascending; a feature may be in several units
}

// Single returns every one of n features as a unit of its own; names are theirs.
func Single(names []string) []Unit {
	units := make([]Unit, len(names))
	for i, name := range names {
		units[i] = Unit{name, []int{i}}
	}
	return units
}

// Largest returns for each unit the largest value of its features, 0 for one that has none: the number T of a unit from
// the mean |A| of features. The sum and the root of the sum of squares find less at the same rate of false ones.
func Largest(value []float64, units []Unit) []float64 {
	out := make([]float64, len(units))
	for u, unit := range units {
		for _, f := range unit.Features {
			out[u] = math.Max(out[u], value[f])
		}
	}
	return out
}

// MeanAbs returns the mean over n rows of |A| of each column of a [n, width].
func MeanAbs(a []float64, width int) []float64 {
	mean := make([]float64, width)
	rows := 0
	for ; (rows+1)*width <= len(a); rows++ {
		for j, v := range a[rows*width : (rows+1)*width] {
			mean[j] += math.Abs(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(rows)
	}
	return mean
}
