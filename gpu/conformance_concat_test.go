package gpu_test

import (
	"fmt"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

func TestConformanceConcat(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, c := range [][2]int{{1, 1}, {3, 2}, {64, 3}, {64, 4}, {32, 64}, {8, 16}, {33, 31}, {0, 5}, {5, 0}, {127, 129}} {
			conformConcat(l, 7, c[0], c[1])
		}
		conformConcat(l, 5000, 16, 4)
		conformConcat(l, 5000, 5, 3)
	})
}

func conformConcat(l *gputest.Lab, rows, ca, cb int) {
	a, b, y := l.In("a", -1, 1, rows, 1, 1, ca), l.In("b", -1, 1, rows, 1, 1, cb), l.Out(rows, 1, 1, ca+cb)
	da, db := l.Out(rows, 1, 1, ca), l.Out(rows, 1, 1, cb)
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		gpu.Concat(of(y), of(a), of(b))
		gpu.Split(of(da), of(db), of(y))
	})
	what := fmt.Sprintf("%d rows of %d and %d: ", rows, ca, cb)
	exact(l, what+"y", y.On, y.Ref)
	exact(l, what+"a comes back", da.On, a.On)
	exact(l, what+"b comes back", db.On, b.On)
}

// TestConformanceConcatUnaligned: parts that begin anywhere in memory.
func TestConformanceConcatUnaligned(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		whole, y := l.In("whole", -1, 1, 400), l.Out(9, 24)
		at := func(t gpu.Tensor, first, c int) gpu.Tensor { return t.Slice(first, first+9*c).View(9, c) }
		l.Run(func(of func(gputest.Twin) gpu.Tensor) {
			gpu.Concat(of(y), at(of(whole), 1, 16), at(of(whole), 204, 8))
			gpu.Split(at(of(whole), 202, 16), at(of(whole), 3, 8), of(y))
		})
		exact(l, "y", y.On, y.Ref)
		exact(l, "parts", whole.On, whole.Ref)
	})
}

func TestConcatPanicsNameTheTensor(t *testing.T) {
	l := newLab(t)
	for text, f := range map[string]func(){
		"gpu: Concat: y is [3, 4], a [3, 5], want as many channels or more in y": func() { gpu.Concat(l.zeros(3, 4), l.zeros(3, 5), l.zeros(3, 1)) },
		"gpu: Concat: b is [3, 2], want [3, 1]":                                  func() { gpu.Concat(l.zeros(3, 4), l.zeros(3, 3), l.zeros(3, 2)) },
		"gpu: Split: a is [2, 3], want [3, 3]":                                   func() { gpu.Split(l.zeros(2, 3), l.zeros(3, 1), l.zeros(3, 4)) },
		"gpu: ConvTranspose: y is [1, 4, 4, 2], want [1, 4, 6, 2]":               func() { gpu.ConvTranspose(l.zeros(1, 4, 4, 2), l.zeros(1, 2, 3, 5), l.zeros(5, 2, 2, 2), l.zeros(2)) },
		"gpu: ConvTranspose: w is [5, 2, 3, 2], want [5, 2, 2, 2]":               func() { gpu.ConvTranspose(l.zeros(1, 4, 6, 2), l.zeros(1, 2, 3, 5), l.zeros(5, 2, 3, 2), l.zeros(2)) },
		"gpu: ConvTranspose: bias is [5], want [2]":                              func() { gpu.ConvTranspose(l.zeros(1, 4, 6, 2), l.zeros(1, 2, 3, 5), l.zeros(5, 2, 2, 2), l.zeros(5)) },
		"gpu: DiceBCE: known is f64, want u8": func() {
			gpu.DiceBCE(l.zeros(4), gpu.Tensor{}, l.zeros(3), l.zeros(3), l.zeros(3), gpu.Tensor{}, gpu.DiceBCESpec{})
		},
	} {
		gputest.Panics(t, text, f)
	}
}
