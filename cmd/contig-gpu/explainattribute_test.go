package main

import (
	"math"
	"testing"

	"contig-gpu/data"
)

// TestDeviations: what is scaled has the deviation 1, what is constant none, and of what stays as it is nobody knows it.
func TestDeviations(t *testing.T) {
	got := deviations(&data.Stats{Center: []float64{3, 0, 1, 2}, Scale: []float64{0.25, 1, 0, 1}})
	want := []float64{1, math.NaN(), 0, math.NaN()}
	for j, v := range got {
		if w := want[j]; len(got) != len(want) || float64(v) != w && w == w || (v == v) != (w == w) {
			t.Errorf("deviations %v, want %v", got, want)
		}
	}
}
