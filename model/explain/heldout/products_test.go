package heldout

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/model/explain/claims"
)

// TestProductsAreTheirDefinition: in blocks on the device, for more and fewer rows than a block has, every product is the plain one.
func TestProductsAreTheirDefinition(t *testing.T) {
	dev, err := gpu.Open("cpu", gpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	r := rand.New(rand.NewPCG(1, 2))
	rows := func(n int) [][]float32 {
		out := make([][]float32, n)
		for i := range out {
			for range 37 {
				out[i] = append(out[i], float32(r.NormFloat64()))
			}
		}
		return out
	}
	for _, shape := range [][2]int{{1, 1}, {productRows, 3}, {productRows + 1, productColumns + 5}, {2*productRows - 1, productColumns}} {
		a, b := rows(shape[0]), rows(shape[1])
		want := make([][]float32, len(a))
		if err := claims.Plain(a, b, func(i int, p []float32) { want[i] = append([]float32(nil), p...) }); err != nil {
			t.Fatal(err)
		}
		seen := 0
		err := products(t.Context(), dev)(a, b, func(i int, p []float32) {
			seen++
			if len(p) != len(want[i]) {
				t.Fatalf("%v: row %d has %d products, want %d", shape, i, len(p), len(want[i]))
			}
			for j, v := range p {
				if math.Abs(float64(v-want[i][j])) > 1e-4 {
					t.Fatalf("%v: row %d, column %d: %g, want %g", shape, i, j, v, want[i][j])
				}
			}
		})
		if err != nil || seen != len(a) {
			t.Errorf("%v: %d rows of %d: %v", shape, seen, len(a), err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := products(ended, dev)(rows(2), rows(2), func(int, []float32) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}
