package gpu_test

import (
	"fmt"
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
)

func targetKinds() []gpu.TargetKind {
	return []gpu.TargetKind{gpu.TargetClass, gpu.TargetLabels, gpu.TargetValues}
}

// targetOf returns targets of a kind for n rows of k, and which are known: of every column some, and one row of nothing.
func targetOf(kind gpu.TargetKind, n, k int) (y []float64, known []uint8) {
	y, known = golden.Fill("y", n*k, -2, 2), make([]uint8, n*k)
	for i := range y {
		r, c := i/k, i%k
		switch kind {
		case gpu.TargetClass:
			y[i] = map[bool]float64{true: 1}[c == 7*r%k]
		case gpu.TargetLabels:
			y[i] = map[bool]float64{true: 1}[y[i] > 0]
		}
		if r != n/2 && (kind == gpu.TargetClass && r%3 != 1 || kind != gpu.TargetClass && (r+c)%4 != 2) || n == 1 {
			known[i] = 1
		}
	}
	return y, known
}

func TestConformanceTargetLoss(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, kind := range targetKinds() {
			for _, n := range []int{1, 2, 33, 257} {
				for _, k := range gputest.Ragged() {
					if n*k < 1<<14 {
						conformTargetLoss(l, kind, n, k, 3)
					}
				}
			}
			conformTargetLoss(l, kind, 70, 5, 60) // logits of which most vanish
		}
	})
}

func conformTargetLoss(l *gputest.Lab, kind gpu.TargetKind, n, k int, spread float64) {
	targets, of := targetOf(kind, n, k)
	z, y, known, scale := l.In("x", -spread, spread, n, k), l.Put(l.VectorType(), targets, n, k), l.Bytes(of, n, k), l.InVec("scale", 100, 200, 1) // within the range of f16
	loss, dz, only := l.Vec(4), l.Out(n, k), l.Vec(4)
	alias := l.In("x", -spread, spread, n, k)
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		gpu.TargetLoss(of(loss), of(dz), of(z), of(y), of(known), of(scale), kind)
		gpu.TargetLoss(of(only), gpu.Tensor{}, of(z), of(y), of(known), gpu.Tensor{}, kind)
		gpu.TargetLoss(of(only), of(alias), of(alias), of(y), of(known), of(scale), kind)
	})
	what := fmt.Sprintf("kind %d, %d rows of %d: ", kind, n, k)
	l.Same(what+"loss", loss, n*k, 4)
	l.Same(what+"loss alone", only, n*k, 4)
	l.Same(what+"dz", dz, k, 4)
	l.Same(what+"dz over z", alias, k, 4)
}

// TestConformanceTargetLossUnknown: what is not known changes nothing, whatever stands there, and of nothing known loss and
// gradient are 0.
func TestConformanceTargetLossUnknown(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, kind := range targetKinds() {
			z, scale, loss, dz := l.In("x", -1, 1, 3, 4), l.InVec("scale", 1, 2, 1), l.Vec(4), l.Out(3, 4)
			y := l.Put(l.VectorType(), []float64{math.NaN(), 1, 0, math.Inf(1), 0, 1, 0, 0, 5, math.NaN(), 1, 1}, 3, 4)
			none := l.Zeros(gpu.U8, 3, 4)
			l.Run(func(of func(gputest.Twin) gpu.Tensor) {
				gpu.TargetLoss(of(loss), of(dz), of(z), of(y), of(none), of(scale), kind)
			})
			for _, v := range append(gputest.Values(loss.On), gputest.Values(dz.On)...) {
				if v != 0 {
					l.Errorf("kind %d, nothing is known: loss or gradient %v, want 0", kind, v)
				}
			}
			some := l.Bytes([]uint8{0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0}, 3, 4)
			l.Run(func(of func(gputest.Twin) gpu.Tensor) {
				gpu.TargetLoss(of(loss), of(dz), of(z), of(y), of(some), of(scale), kind)
			})
			l.Same("the loss of one row", loss, 4, 4)
			l.Same("its gradient", dz, 4, 4)
			if n := gputest.Values(loss.On)[3]; n != map[bool]float64{true: 1, false: 4}[kind == gpu.TargetClass] {
				l.Errorf("kind %d: %v values count of one row of 4", kind, n)
			}
		}
	})
}

func TestGradTargetLoss(t *testing.T) {
	for _, kind := range targetKinds() {
		for _, s := range [][2]int{{6, 5}, {1, 2}, {2, 31}, {33, 3}} {
			n, k := s[0], s[1]
			l := newLab(t)
			targets, of := targetOf(kind, n, k)
			z, dz, loss := l.fill("x", n, k), l.zeros(n, k), l.zeros(4)
			y, known := gputest.Put(l.a, gpu.F64, targets, n, k), gputest.Put(l.a, gpu.U8, of, n, k)
			scale := gputest.Put(l.a, gpu.F64, []float64{0.7}, 1)
			forward := func() { gpu.TargetLoss(loss, dz, z, y, known, scale, kind) }
			forward()
			only, keep := gputest.Put(l.a, gpu.F64, []float64{0.7, 0, 0, 0}, 4), l.zeros(n, k)
			gpu.Copy(keep, dz)
			l.grad("z", z, keep, loss, only, forward)
		}
	}
}
