package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"fmt"
	"math"
	"testing"
)

// opposite has n rows of which each looks away from its own partner, so that the loss of anchor i is, but for a mean over the
// nearest candidates, the difference (c_ij - c_ii) / tau of two cosines: the first near 0, the second -0.99.
func opposite(l *gputest.Lab, n, d int) crowd {
	u, v := golden.Fill("u", n*d, -1, 1), golden.Fill("v", n*d, -1, 1)
	present, group := make([]uint8, n), make([]int32, n)
	for i := range v {
		v[i] = 0.1*v[i] - u[i]
	}
	for r := range n {
		present[r], group[r] = 1, int32(r)
	}
	return crowd{u: l.Put(l.Type, u, n, d), v: l.Put(l.Type, v, n, d), present: l.Bytes(present, n), group: l.Ints(group, n),
		scale: l.InVec("scale", 1, 1, 1), n: n, d: d}
}

// TestConformanceInfoNCECosines: at temperature 0.01 the losses of single anchors show each logit to a few units 2^-24 of a cosine.
// TF32 alone would be wrong by a hundred units and more, and tensor cores that sum more than a few products by tens.
func TestConformanceInfoNCECosines(t *testing.T) {
	t.Setenv("SIMT_MULTIPROCESSORS", "64")
	conformVectors(t, func(l *gputest.Lab) {
		const n, tau = 70, 0.01
		for _, d := range []int{128, 131, 520, 1024} {
			c := opposite(l, n, d)
			for _, f := range forms() {
				for _, anchor := range []int{0, 9, 31, 63, 64, 69} {
					loss := l.Vec(4)
					spec := gpu.InfoNCESpec{Tau: tau, Lambda: 0.5, Lo: anchor, Hi: anchor + 1}
					if c.of(l, f, loss, gputest.Twin{}, gputest.Twin{}, spec) {
						cosines(l, fmt.Sprintf("%s, %d features, anchor %d", f.name, d, anchor), loss, d, n*tau)
					}
				}
			}
		}
	})
}

// cosines compares the losses of one anchor in both directions, each a cosine over unit.
func cosines(l *gputest.Lab, what string, loss gputest.Twin, d int, unit float64) {
	got, want := gputest.Values(loss.On), gputest.Values(loss.Ref)
	for side := 1; side <= 2; side++ {
		if wrong := math.Abs(got[side]-want[side]) * unit; !(wrong <= gputest.CosineTol(d)) {
			l.Errorf("%s, direction %d: wrong by %.1f units 2^-24, at most %.1f", what, side, wrong*0x1p24, gputest.CosineTol(d)*0x1p24)
		}
	}
}

// TestConformanceInfoNCEGradientDigits: at a temperature where logits need few digits, gradients show those of their own products.
func TestConformanceInfoNCEGradientDigits(t *testing.T) {
	t.Setenv("SIMT_MULTIPROCESSORS", "64")
	conformVectors(t, func(l *gputest.Lab) {
		for _, s := range [][2]int{{70, 128}, {131, 200}} {
			n, d := s[0], s[1]
			c := newCrowd(l, n, d, 0, 1)
			for _, f := range forms() {
				loss, du, dv := l.Vec(4), l.Out(n, d), l.Out(n, d)
				if !c.of(l, f, loss, du, dv, gpu.InfoNCESpec{Tau: 1, Lambda: 0.3}) {
					continue
				}
				what := fmt.Sprintf("%s, %d rows of %d: ", f.name, n, d)
				sameRows(l, what+"du", du, nil, gputest.Tol(l.Type, n))
				sameRows(l, what+"dv", dv, nil, gputest.Tol(l.Type, n))
			}
		}
	})
}

// TestConformanceInfoNCENaN: a number that is none, of a row that takes part, shows in the loss of both directions and in every
// gradient, though a product takes numbers apart.
func TestConformanceInfoNCENaN(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		const n, d, row = 70, 24, 65
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			c := opposite(l, n, d)
			v := gputest.Values(c.v.Ref)
			v[row*d+3] = bad
			c.v = l.Put(l.Type, v, n, d)
			for _, f := range forms() {
				loss, du, dv := l.Vec(4), l.Out(n, d), l.Out(n, d)
				if !c.of(l, f, loss, du, dv, gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.3}) {
					continue
				}
				got := append(gputest.Values(loss.On)[:3], append(gputest.Values(du.On), gputest.Values(dv.On)...)...)
				for i, x := range got {
					if !math.IsNaN(x) {
						l.Errorf("%s, %v in row %d: number %d of losses and gradients is %v, want NaN", f.name, bad, row, i, x)
						break
					}
				}
			}
		}
	})
}
