// Package gputest has what tests of operations and layers share: tolerances, shapes, inputs and gradient checks.
package gputest

import (
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/golden"
)

// roundoff is the unit roundoff of each float type.
func roundoff(d gpu.DType) float64 {
	switch d {
	case gpu.F32:
		return 0x1p-24
	case gpu.BF16:
		return 0x1p-9
	case gpu.F16:
		return 0x1p-12
	}
	return 0x1p-53
}

// Tol returns the relative error allowed of a result that sums n terms in type d: 8 eps sqrt(n), at least 32 eps.
// 16-bit results are sums in float32, rounded at the end: twice their eps comes on top.
func Tol(d gpu.DType, n int) float64 {
	sum := roundoff(d)
	if d == gpu.BF16 || d == gpu.F16 {
		return 2*sum + Tol(gpu.F32, n)
	}
	return sum * math.Max(32, 8*math.Sqrt(float64(n)))
}

// TolTF32 is Tol of float32 results whose products may round both inputs to TF32's 10 bits.
func TolTF32(n int) float64 { return 2*0x1p-11 + Tol(gpu.F32, n) }

// LooseTol returns the relative error allowed between two float32 results whose sums of n terms may cancel.
func LooseTol(n int) float64 { return 64 * Tol(gpu.F32, n) }

// GoldenTol returns the relative error allowed against PyTorch's float64: of a loss, or of anything else.
func GoldenTol(d gpu.DType, loss bool) float64 {
	switch {
	case d == gpu.F32:
		return 1e-5
	case loss:
		return 1e-10
	}
	return 1e-8
}

// CosineTol returns the error allowed of a cosine of two float32 rows of d numbers, and of means of cosines: a few units 2^-24, and what
// sums of d / 16 numbers add to that.
func CosineTol(d int) float64 { return roundoff(gpu.F32) * (8 + math.Sqrt(float64(d)/16)) }

// GradTol is the relative error allowed between a gradient and central differences in float64.
const GradTol = 1e-6

// Ragged returns lengths around the widths of vectors, warps and blocks.
func Ragged() []int { return []int{1, 2, 31, 32, 33, 127, 129, 1000} }

// RelError returns |got - want| / |want| in the Euclidean norm, |got| where want is zero, +Inf for NaN or another
// length.
func RelError(got, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	d, n := 0.0, 0.0
	for i, w := range want {
		d += (got[i] - w) * (got[i] - w)
		n += w * w
	}
	if math.IsNaN(d) {
		return math.Inf(1)
	}
	if n == 0 {
		return math.Sqrt(d)
	}
	return math.Sqrt(d / n)
}

// Close fails the test if the relative error of got is above tol.
func Close(t testing.TB, name string, got, want []float64, tol float64) {
	t.Helper()
	if e := RelError(got, want); !(e <= tol) {
		t.Errorf("%s: relative error %.3g, want at most %.3g", name, e, tol)
	}
}

// Open opens a device for the length of the test.
func Open(t testing.TB, spec string, o gpu.Options) *gpu.Device {
	t.Helper()
	d, err := gpu.Open(spec, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// Put returns a tensor that holds x.
func Put[E gpu.Element](a *gpu.Arena, d gpu.DType, x []E, dims ...int) gpu.Tensor {
	y := a.New(d, dims...)
	gpu.Write(y, x)
	return y
}

// Filled returns a tensor of numbers in [lo, hi) that depend on the name only.
func Filled(a *gpu.Arena, d gpu.DType, name string, lo, hi float64, dims ...int) gpu.Tensor {
	y := a.New(d, dims...)
	gpu.Write(y, golden.Fill(name, y.Len(), lo, hi))
	return y
}

// Values returns the elements of x as float64.
func Values(x gpu.Tensor) []float64 {
	y := make([]float64, x.Len())
	gpu.Read(y, x)
	return y
}

// Dot returns the product of x with the given weights: a scalar function to differentiate.
func Dot(x gpu.Tensor, weights []float64) float64 {
	s := 0.0
	for i, v := range Values(x) {
		s += v * weights[i]
	}
	return s
}

// maxProbes is the number of elements that Grad differentiates; further ones are skipped evenly.
const maxProbes = 48

// Grad fails the test unless dx is the gradient of loss by x, a float64 tensor on the CPU: central differences of
// every element, of at most 48, within GradTol of the largest. Loss must be smooth within 1e-5 of x.
func Grad(t testing.TB, name string, loss func() float64, x gpu.Tensor, dx []float64) {
	t.Helper()
	const h = 1e-5
	v, scale, worst, at := gpu.Host[float64](x), 0.0, 0.0, 0
	for _, g := range dx {
		scale = math.Max(scale, math.Abs(g))
	}
	for i := 0; i < len(v); i += 1 + (len(v)-1)/maxProbes {
		old := v[i]
		v[i] = old + h
		up := loss()
		v[i] = old - h
		down := loss()
		v[i] = old
		if e := math.Abs((up-down)/(2*h) - dx[i]); !(e <= worst) && !math.IsNaN(worst) {
			worst, at = e, i
		}
	}
	if !(worst <= GradTol*math.Max(scale, h)) {
		t.Errorf("%s: gradient of element %d is off by %.3g of %.3g", name, at, worst, scale)
	}
}

// Panics fails the test unless f panics with the given text.
func Panics(t testing.TB, text string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != text {
			t.Errorf("panic %q, want %q", got, text)
		}
	}()
	f()
}
