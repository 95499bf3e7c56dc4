package gpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"contig-gpu/gpu"
)

// TestProductErrorIsABound on the CPU, by either kind of kernels, for sums that are cut up too; and not one so wide that it
// says nothing.
func TestProductErrorIsABound(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	for _, portable := range []bool{false, true} {
		dev, err := gpu.Open("cpu", gpu.Options{Portable: portable})
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		for _, terms := range []int{1, 2, 31, 128, 257, 5000} {
			const m, n = 9, 7
			a, b := drawn(g, m*terms), drawn(g, n*terms)
			got := product(dev, a, b, m, n, terms)
			bound, worst := dev.ProductError(terms), 0.0
			for i := range m {
				for j := range n {
					want, long := dot64(a[i*terms:(i+1)*terms], b[j*terms:(j+1)*terms])
					worst = max(worst, math.Abs(float64(got[i*n+j])-want)/long)
				}
			}
			if !(worst <= bound) || bound > float64(terms)*0x1p-23 {
				t.Errorf("portable %v: %d terms: off by %g, bound %g", portable, terms, worst, bound)
			}
		}
		if e := dev.ProductError(1 << 24); !math.IsInf(e, 1) {
			t.Errorf("a sum of 2^24 terms has the bound %g", e)
		}
	}
}

// TestProductErrorOfTF32 leaves room for two inputs cut off after 10 bits, and other precisions do not.
func TestProductErrorOfTF32(t *testing.T) {
	dev, err := gpu.Open("plan:cuda", gpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	for precision, least := range map[string]float64{"f32": 128 * 0x1p-24, "tf32": 0x1p-9, "bf16": 128 * 0x1p-24} {
		if _, _, err := dev.Precision(precision); err != nil {
			t.Fatal(err)
		}
		if e := dev.ProductError(128); e < least || e > 1.1*least+128*0x1p-22 {
			t.Errorf("%s: %g", precision, e)
		}
	}
}

func drawn(g *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(g.NormFloat64())
	}
	return x
}

// product returns a b^T in float32.
func product(dev *gpu.Device, a, b []float32, m, n, terms int) []float32 {
	mem := dev.NewArena(1 << 22)
	defer mem.Close()
	ta, tb, tc := mem.New(gpu.F32, m, terms), mem.New(gpu.F32, n, terms), mem.New(gpu.F32, m, n)
	gpu.Write(ta, a)
	gpu.Write(tb, b)
	gpu.MatMul(tc, ta, tb, false, true, 0)
	c := make([]float32, m*n)
	gpu.Read(c, tc)
	return c
}

// dot64 returns the product of two rows, and that of their lengths.
func dot64(a, b []float32) (ab, lengths float64) {
	var aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab, math.Sqrt(aa * bb)
}
