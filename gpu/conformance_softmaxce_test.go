package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"math"
	"testing"
)

func TestConformanceSoftmaxCrossEntropy(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, n := range []int{1, 2, 33, 129} {
			for _, k := range gputest.Ragged() {
				conformSoftmaxCE(l, n, k, 3)
			}
		}
		conformSoftmaxCE(l, 70, 5, 60) // logits of which most vanish
	})
}

func conformSoftmaxCE(l *gputest.Lab, n, k int, spread float64) {
	labels := make([]int32, n)
	for r := range labels {
		labels[r] = int32(7*r%(k+1)) - 1
	}
	labels[n-1] = int32(k - 1)
	x, y, scale := l.In("x", -spread, spread, n, k), l.Ints(labels, n), l.InVec("scale", 0.5, 2, 1)
	loss, dx, only := l.Vec(2), l.Out(n, k), l.Vec(2)
	alias := l.In("x", -spread, spread, n, k)
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		gpu.SoftmaxCrossEntropy(of(loss), of(dx), of(x), of(y), of(scale))
		gpu.SoftmaxCrossEntropy(of(only), gpu.Tensor{}, of(x), of(y), gpu.Tensor{})
		gpu.SoftmaxCrossEntropy(of(only), of(alias), of(alias), of(y), of(scale))
	})
	what := fmt.Sprintf("%d rows of %d: ", n, k)
	l.Same(what+"loss", loss, n, 4)
	l.Same(what+"dx", dx, k, 4)
	l.Same(what+"dx over x", alias, k, 4)
}

func TestConformanceSoftmaxCrossEntropyLabels(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		x, loss, dx, scale := l.In("x", -1, 1, 3, 4), l.Vec(2), l.Out(3, 4), l.InVec("scale", 1, 2, 1)
		none, wrong := l.Ints([]int32{-1, -1, -1}, 3), l.Ints([]int32{0, 4, 1}, 3)
		l.Run(func(of func(gputest.Twin) gpu.Tensor) {
			gpu.SoftmaxCrossEntropy(of(loss), of(dx), of(x), of(none), of(scale))
		})
		for _, v := range append(gputest.Values(loss.On), gputest.Values(dx.On)...) {
			if v != 0 {
				l.Errorf("without labels: loss or gradient %v, want 0", v)
			}
		}
		l.Run(func(of func(gputest.Twin) gpu.Tensor) {
			gpu.SoftmaxCrossEntropy(of(loss), of(dx), of(x), of(wrong), of(scale))
		})
		l.Same("dx with a label out of range", dx, 4, 4)
		if v := gputest.Values(loss.On); !math.IsNaN(v[0]) || v[1] != 3 {
			l.Errorf("a label out of range gives the loss %v, want {NaN, 3}", v)
		}
	})
}
