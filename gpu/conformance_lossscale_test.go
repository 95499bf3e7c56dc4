package gpu_test

import (
	"fmt"
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

func TestConformanceScaleLoss(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for _, n := range []int{1, 3, 257, 300000} {
			x, y := l.InVec("x", -1, 1, n), l.New(l.VectorType(), n)
			state := l.Put(gpu.F64, []float64{math.Ldexp(1, n%20), 5, 7}, 3)
			l.Run(func(of func(gputest.Twin) gpu.Tensor) { gpu.ScaleLoss(of(y), of(x), of(state)) })
			l.Same(fmt.Sprint("scaled ", n), y, 1, 1)
		}
	})
}

// TestConformanceAdaptScale goes through what a gradient may do to the scale: nothing, halve it, be too late for that, double it;
// clipped and not; as many steps skipped as the host knew of, and one more.
func TestConformanceAdaptScale(t *testing.T) {
	conformVectors(t, func(l *gputest.Lab) {
		for _, c := range []struct {
			state, want, sumsq, clip, scale, rate float64
			good, wantGood, skipped, wantSkipped  float64
		}{
			{state: 8, want: 8, sumsq: 64 * 25, scale: 0.125, rate: 1, good: 3, wantGood: 4, skipped: 2, wantSkipped: 2},
			{state: 8, want: 8, sumsq: 64 * 25, clip: 1, scale: 0.025, rate: 4, good: 0, wantGood: 1, skipped: 3, wantSkipped: 3},
			{state: 8, want: 8, sumsq: 64 * 25, clip: 5, scale: 0.125, rate: 1, good: 0, wantGood: 1, skipped: 2, wantSkipped: 2},
			{state: 8, want: 4, sumsq: math.Inf(1), clip: 1, rate: 1, good: 9, skipped: 2, wantSkipped: 3},
			{state: 8, want: 4, sumsq: math.NaN(), rate: 4, good: 8, skipped: 3, wantSkipped: 4},
			{state: 0.5, want: 0.5, sumsq: math.NaN(), rate: 1, good: 11, wantGood: 12, skipped: 2, wantSkipped: 2},
			{state: 8, want: 16, sumsq: 64, scale: 0.125, rate: 1, good: 9, skipped: 2, wantSkipped: 2},
			{state: 8, want: 8, sumsq: 64, scale: 0.125, rate: 1, good: 8, wantGood: 9, skipped: 2, wantSkipped: 2},
			{state: 1, want: 0.5, sumsq: math.Inf(1), rate: 1, good: 20, skipped: 2, wantSkipped: 3},
			{state: 8, want: 16, sumsq: 0, scale: 0.125, rate: 1, good: 30, skipped: 2, wantSkipped: 2},
		} {
			v := l.VectorType()
			scale, rates, choice := l.New(v, 1), l.New(v, 3), l.Put(v, []float64{1, 2, 3, 4, 5, 6, 2}, 7)
			state, sumsq := l.Put(gpu.F64, []float64{c.state, c.good, c.skipped}, 3), l.Put(gpu.F64, []float64{c.sumsq}, 1)
			l.Run(func(of func(gputest.Twin) gpu.Tensor) {
				gpu.AdaptScale(of(scale), of(rates), of(state), of(choice), of(sumsq), c.clip, gpu.LossScaling{Least: 0.5, Grow: 10})
			})
			for _, on := range []func(gputest.Twin) gpu.Tensor{func(x gputest.Twin) gpu.Tensor { return x.On }, func(x gputest.Twin) gpu.Tensor { return x.Ref }} {
				gputest.Close(l.TB, fmt.Sprintf("%+v: state", c), gputest.Values(on(state)), []float64{c.want, c.wantGood, c.wantSkipped}, 0)
				gputest.Close(l.TB, fmt.Sprintf("%+v: rates", c), gputest.Values(on(rates)), []float64{c.rate, c.rate + 1, c.rate + 2}, 0)
				gputest.Close(l.TB, fmt.Sprintf("%+v: scale", c), gputest.Values(on(scale)), []float64{c.scale}, gputest.Tol(v, 1))
			}
		}
	})
}
