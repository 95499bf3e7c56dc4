//go:build linux && cgo

package dnn

import (
	"testing"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
)

func TestConvolutions(t *testing.T) {
	b := openBench(t, Options{})
	for _, s := range shapes() {
		for _, c := range precisions(s) {
			b.convolutions(c)
		}
	}
}

// sums is the error that float32 sums of small numbers may have: none, since they are multiples of 1/64 below 2^18.
const sums = 0

func (b *bench) convolutions(c driver.Conv) {
	b.Helper()
	nx, nw, ny := sizes(c)
	b.scratchFor(c)
	x, k, dy, old := small(nx, 1), small(nw, 2), small(ny, 3), small(nx, 4)
	px, pw, pdy := b.put(x, c.Type), b.put(k, c.Type), b.put(dy, c.Type)

	y := b.nan(ny, c.Type)
	b.h.ConvForward(c, y, px, pw)
	b.want(Problem{Op: Forward, Conv: c}.String(), y, c.Type, forwardRef(c, x, k), sums)

	dx := b.nan(nx, c.Type)
	b.h.ConvBackwardData(c, dx, pdy, pw, 0)
	ref := dataRef(c, dy, k)
	b.want(Problem{Op: BackwardData, Conv: c}.String(), dx, c.Type, ref, sums)
	dx = b.put(old, c.Type)
	b.h.ConvBackwardData(c, dx, pdy, pw, 1)
	b.want(Problem{Op: BackwardData, Conv: c, Beta: 1}.String(), dx, c.Type, plus(ref, old), sums)
	b.weights(c)
}

func plus(a, b []float64) []float64 {
	s := make([]float64, len(a))
	for i := range a {
		s[i] = a[i] + b[i]
	}
	return s
}

func (b *bench) weights(c driver.Conv) {
	b.Helper()
	nx, nw, ny := sizes(c)
	b.scratch(b.h.ConvScratch(c, convolution.Weight))
	x, dy, old := small(nx, 5), small(ny, 6), fine(nw, 7)
	dw := b.put(old, driver.F32)
	b.h.ConvBackwardWeight(c, dw, b.put(dy, c.Type), b.put(x, c.Type))
	ref := weightRef(c, dy, x)
	loosest := 0x1p-20 // the old value and the sum are rounded once more
	if b.h.weightOf(c).way == wayRounded {
		for _, v := range ref {
			loosest = max(loosest, 0x1p-20+epsilon(c.Type)*max(v, -v))
		}
	}
	b.want(Problem{Op: BackwardWeight, Conv: c}.String(), dw, driver.F32, plus(ref, old), loosest)
}

// TestTF32 sees that float32 inputs are rounded where, and only where, they may be.
func TestTF32(t *testing.T) {
	b := openBench(t, Options{})
	c := driver.Conv{Shape: convolution.Shape{N: 2, H: 6, W: 6, C: 8, K: 4, R: 3, S: 3, Stride: 1, Pad: 1}}
	nx, nw, ny := sizes(c)
	x, w := fine(nx, 1), fine(nw, 2)
	ref, px, pw := forwardRef(c, x, w), b.put(x, driver.F32), b.put(w, driver.F32)
	y := b.nan(ny, driver.F32)
	b.scratch(1 << 20)
	b.h.ConvForward(c, y, px, pw)
	b.want("float32", y, driver.F32, ref, 1e-5)
	c.TF32 = true
	b.h.ConvForward(c, y, px, pw)
	b.want("TF32", y, driver.F32, ref, 1e-2)
	if b.near(y, ref, 1e-5) {
		t.Error("with TF32 allowed nothing was rounded: the test cannot tell the two apart")
	}
}

// near reports whether device memory is within a tolerance of float32 values.
func (b *bench) near(p driver.Ptr, want []float64, tolerance float64) bool {
	raw := make([]byte, len(want)*4)
	b.ctx.Download(raw, p)
	for i, got := range decode(raw, driver.F32) {
		if got-want[i] > tolerance || want[i]-got > tolerance {
			return false
		}
	}
	return true
}
