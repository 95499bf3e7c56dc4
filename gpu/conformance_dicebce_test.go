package gpu_test

import (
	"fmt"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// unknown marks, in masks of these tests, elements of which nothing is known.
const unknown = 255

// truth makes tensors of what a mask says: what is true, which is any number where nothing is known, and what is known.
func truth(mask []uint8) (t []float64, known []uint8) {
	for i, m := range mask {
		if m == unknown {
			t, known = append(t, outlandish(i)), append(known, 0)
		} else {
			t, known = append(t, float64(m)/2), append(known, 1)
		}
	}
	return t, known
}

func TestConformanceDiceBCE(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		some := func(i int) uint8 { return uint8(i * 7 % 5 / 3 * 2) }
		for _, n := range gputest.Ragged() {
			conformDiceBCE(l, n, 3, some)
		}
		conformDiceBCE(l, 40_001, 3, some)                                         // more than the GPU's grid takes at once
		conformDiceBCE(l, 5000, 60, func(i int) uint8 { return uint8(i % 2 * 2) }) // logits of which most are certain
		conformDiceBCE(l, 700, 3, func(i int) uint8 { return []uint8{0, 1, unknown, 2}[i%4] })
		conformDiceBCE(l, 700, 3, func(int) uint8 { return 0 })
		conformDiceBCE(l, 700, 3, func(int) uint8 { return 2 })
		conformDiceBCE(l, 700, 3, func(int) uint8 { return unknown })
	})
}

func conformDiceBCE(l *gputest.Lab, n int, spread float64, of func(int) uint8) {
	mask := make([]uint8, n)
	for i := range mask {
		mask[i] = of(i)
	}
	t, known := truth(mask)
	x, m, k, scale := l.In(fmt.Sprint("x", n), -spread, spread, n, 1), l.Put(l.VectorType(), t, n, 1), l.Bytes(known, n, 1), l.InVec("scale", 0.5, 2, 1)
	out, dx, only, spec := l.Vec(4), l.Out(n, 1), l.Vec(4), gpu.DiceBCESpec{BCE: .2, Dice: .8, Smooth: 1}
	alias := l.In(fmt.Sprint("x", n), -spread, spread, n, 1)
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		gpu.DiceBCE(of(out), of(dx), of(x), of(m), of(k), of(scale), spec)
		gpu.DiceBCE(of(only), gpu.Tensor{}, of(x), of(m), of(k), gpu.Tensor{}, spec)
		gpu.DiceBCE(of(only), of(alias), of(alias), of(m), of(k), of(scale), spec)
	})
	what := fmt.Sprintf("%d elements of ±%g: ", n, spread)
	l.Same(what+"out", out, 1, 4)
	l.Same(what+"out without a gradient", only, 1, 4)
	l.Same(what+"dx", dx, 1, 8)
	l.Same(what+"dx over x", alias, 1, 8)
}

// TestConformanceDiceBCEUnknown: what stands where nothing is known changes nothing, and gets no gradient.
func TestConformanceDiceBCEUnknown(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		mask, spec := []uint8{2, unknown, 0, unknown, 1, 0, unknown, 0}, gpu.DiceBCESpec{BCE: .2, Dice: .8, Smooth: 1}
		v, known := truth(mask)
		m, k, scale, want, got := l.Put(l.VectorType(), v, 2, 4), l.Bytes(known, 2, 4), l.InVec("scale", 1, 2, 1), l.Vec(4), l.Vec(4)
		x, y, dx, dy := l.In("x", -2, 2, 2, 4), l.In("x", -2, 2, 2, 4), l.Out(2, 4), l.Out(2, 4)
		v = gputest.Values(y.On)
		for i, b := range known {
			if b == 0 {
				v[i] = outlandish(i)
			}
		}
		gpu.Write(y.On, v)
		gpu.Write(y.Ref, v)
		l.Run(func(of func(gputest.Twin) gpu.Tensor) {
			gpu.DiceBCE(of(want), of(dx), of(x), of(m), of(k), of(scale), spec)
			gpu.DiceBCE(of(got), of(dy), of(y), of(m), of(k), of(scale), spec)
		})
		exact(l, "out", got.On, want.On)
		exact(l, "dx", dy.On, dx.On)
		if v := gputest.Values(got.On); v[3] != 1.25 { // 5 of 8 elements of two images
			l.Errorf("%v images are known, want 1.25", v[3])
		}
		for i, d := range gputest.Values(dy.On) {
			if (known[i] == 0) != (d == 0) {
				l.Errorf("element %d of mask %d has the gradient %v", i, mask[i], d)
			}
		}
	})
}

func TestGradDiceBCE(t *testing.T) {
	for _, mask := range [][]uint8{{2, 0, unknown, 2, 0, 0, 1, 0, unknown, 2, 0, 0}, make([]uint8, 12)} {
		l := newLab(t)
		v, k := truth(mask)
		x, dx, out, known := l.fill("x", 3, 2, 2), l.zeros(3, 2, 2), l.zeros(4), gputest.Put(l.a, gpu.U8, k, 3, 2, 2)
		m, scale, spec := gputest.Put(l.a, gpu.F64, v, 3, 2, 2), gputest.Put(l.a, gpu.F64, []float64{0.7}, 1), gpu.DiceBCESpec{BCE: .2, Dice: .8, Smooth: 1}
		forward := func() { gpu.DiceBCE(out, dx, x, m, known, scale, spec) }
		forward()
		only, keep := gputest.Put(l.a, gpu.F64, []float64{0.7, 0, 0, 0}, 4), l.zeros(3, 2, 2)
		gpu.Copy(keep, dx)
		l.grad("x", x, keep, out, only, forward)
	}
}
