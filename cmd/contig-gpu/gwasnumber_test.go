package main

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestAppendValue: values of any size, and those on and near the middle between two that are written, are written as strconv writes them.
func TestAppendValue(t *testing.T) {
	g := rand.New(rand.NewPCG(7, 16))
	check := func(v float64) {
		for _, v := range []float64{v, -v, math.Nextafter(v, 0), math.Nextafter(v, math.Inf(1))} {
			if got, want := string(appendValue([]byte("x"), v)), "x"+strconv.FormatFloat(v, 'g', assocDigits, 64); got != want {
				t.Fatalf("%.17g is written %s, want %s", v, got, want)
			}
		}
	}
	check(0)
	for e := -6; e < 9; e++ {
		check(math.Pow(10, float64(e)))
	}
	for range 300_000 {
		scale := math.Pow(10, float64(g.IntN(14)-6))
		check(g.Float64() * scale)
		digits := float64(g.IntN(10_000_000))
		check((digits + 0.5) / 1e7 * scale)
		check(math.Round(digits/1e4) / 1e3 * scale)
	}
	if got := string(appendValue(nil, math.NaN())) + string(appendValue(nil, math.Inf(-1))); got != "NAInf" {
		t.Error(got)
	}
}
