//go:build linux && cgo

package dnn

import (
	"errors"
	"math"
	"strings"
	"testing"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
)

func TestFused(t *testing.T) {
	b := openBench(t, Options{})
	for _, s := range shapes() {
		for _, c := range precisions(s) {
			if c.Type != driver.F32 || c.TF32 {
				b.stats(c)
			}
			if (c.Type != driver.F32 || c.TF32) && c.C%2 == 0 {
				b.norm(c)
			}
		}
	}
}

func (b *bench) need(op Op, c driver.Conv) {
	b.Helper()
	n, err := b.h.Scratch(Problem{Op: op, Conv: c})
	if err != nil {
		b.Fatal(err)
	}
	b.scratch(n)
}

func (b *bench) stats(c driver.Conv) {
	b.Helper()
	nx, nw, ny := sizes(c)
	x, w := small(nx, 1), small(nw, 2)
	b.need(ForwardStats, c)
	y, sum, square := b.nan(ny, c.Type), b.nan(c.K, driver.F32), b.nan(c.K, driver.F32)
	b.h.ConvForwardStats(c, y, b.put(x, c.Type), b.put(w, c.Type), sum, square)
	ref := forwardRef(c, x, w)
	b.want(Problem{Op: ForwardStats, Conv: c}.String(), y, c.Type, ref, sums)
	b.wantStats(c, ref, sum, square)
}

// wantStats allows for the rounding of y before or after its statistics are taken: cuDNN does not say which.
func (b *bench) wantStats(c driver.Conv, y []float64, sum, square driver.Ptr) {
	b.Helper()
	s, q, slack := make([]float64, c.K), make([]float64, c.K), 0.0
	for i, v := range y {
		s[i%c.K] += v
		q[i%c.K] += v * v
	}
	for _, v := range q {
		slack = max(slack, (3*epsilon(c.Type)+1e-6)*(v+float64(len(y)/c.K)))
	}
	b.want("sums", sum, driver.F32, s, slack)
	b.want("sums of squares", square, driver.F32, q, slack)
}

func (b *bench) norm(c driver.Conv) {
	b.Helper()
	nx, nw, ny := sizes(c)
	x, w, scale, bias := small(nx, 1), small(nw, 2), small(c.C, 3), small(c.C, 4)
	hidden := make([]float64, nx) // multiples of 1/64 up to 2: exact in every type
	for i, v := range x {
		hidden[i] = max(0, v*scale[i%c.C]+bias[i%c.C])
	}
	ref, slack := forwardRef(c, hidden, w), 1e-4
	vectors := Problem{Op: NormForwardStats, Conv: c}.vectors()
	px, pw, ps, pb := b.put(x, c.Type), b.put(w, c.Type), b.put(scale, vectors), b.put(bias, vectors)
	b.need(NormForwardStats, c)
	y, sum, square := b.nan(ny, c.Type), b.nan(c.K, driver.F32), b.nan(c.K, driver.F32)
	b.h.ConvNormForward(c, y, px, pw, ps, pb, sum, square)
	b.want(Problem{Op: NormForwardStats, Conv: c}.String(), y, c.Type, ref, slack)
	b.wantStats(c, ref, sum, square)
	if c.Type == driver.F16 {
		b.normWeight(c, hidden, px, ps, pb)
	}
}

// normWeight has the gradient of the weights of what the norm came to.
func (b *bench) normWeight(c driver.Conv, hidden []float64, x, scale, shift driver.Ptr) {
	b.Helper()
	_, nw, ny := sizes(c)
	dy, dw := small(ny, 5), small(nw, 6)
	n, err := b.h.Scratch(Problem{Op: NormBackwardWeight, Conv: c})
	if err != nil {
		b.Fatal(err)
	}
	_, all := roundedScratch(c, n)
	if got := b.h.ConvScratch(c, convolution.NormWeight); got != all {
		b.Errorf("the pass takes %d bytes, want %d", got, all)
	}
	b.scratch(all)
	pdw := b.put(dw, driver.F32)
	b.h.ConvNormBackwardWeight(c, pdw, b.put(dy, c.Type), x, scale, shift)
	part, rounding := weightRef(c, dy, hidden), 0.0
	for _, v := range part {
		rounding = max(rounding, epsilon(c.Type)*math.Abs(v))
	}
	b.want(Problem{Op: NormBackwardWeight, Conv: c}.String(), pdw, driver.F32, plus(part, dw), rounding)
}

// TestNoPlan asks for what only tensor cores can do, in float32 that must not be rounded.
func TestNoPlan(t *testing.T) {
	b := openBench(t, Options{})
	c := shapes()[0]
	p := Problem{Op: ForwardStats, Conv: c}
	_, err := b.h.Scratch(p)
	for _, want := range []string{"cuDNN 9.26.0", p.String(), "TF32"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	b.h.ConvForwardStats(c, 256, 256, 256, 256, 256)
	if got := b.ctx.Sync(); !errors.Is(got, err) {
		t.Errorf("the device failed with %v, want %v", got, err)
	}
}
