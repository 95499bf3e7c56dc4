package gpu_test

import (
	"fmt"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// A convCase is a convolution of x [n, h, w, c] by windows of r x r of own channels, the others being beyond the filter's.
type convCase struct{ n, h, w, c, own, k, r, stride, pad int }

func TestConformanceConv(t *testing.T) {
	conformProducts(t, func(l *gputest.Lab) {
		for _, s := range []convCase{
			{1, 1, 1, 8, 8, 8, 1, 1, 0}, {2, 5, 7, 16, 16, 8, 3, 1, 1}, {3, 9, 8, 8, 8, 24, 3, 2, 1}, {2, 7, 7, 32, 32, 16, 1, 2, 0},
			{1, 15, 17, 8, 8, 16, 7, 2, 3}, {2, 4, 4, 64, 64, 32, 1, 1, 0}, {1, 2, 2, 8, 8, 8, 3, 2, 1},
			{2, 15, 17, 3, 3, 16, 7, 2, 3}, {1, 6, 5, 1, 1, 1, 3, 1, 1}, {3, 9, 9, 5, 5, 7, 3, 4, 1}, {1, 23, 17, 33, 33, 9, 3, 7, 0}, {2, 5, 5, 10, 10, 5, 1, 5, 0},
			{2, 15, 17, 4, 3, 16, 7, 2, 3}, {1, 4, 4, 4, 1, 3, 3, 1, 1}, {2, 3, 3, 12, 9, 31, 1, 1, 0},
		} {
			conformConv(l, s)
		}
	})
}

func conformConv(l *gputest.Lab, s convCase) {
	spec := gpu.ConvSpec{Stride: s.stride, Pad: s.pad}
	oh, ow := (s.h+2*s.pad-s.r)/s.stride+1, (s.w+2*s.pad-s.r)/s.stride+1
	x, w, dy := l.In("x", -1, 2, s.n, s.h, s.w, s.c), l.In("w", -1, 1, s.k, s.r, s.r, s.own), l.In("dy", -2, 1, s.n, oh, ow, s.k)
	sum := l.In("sum", -1, 1, s.n, s.h, s.w, s.c)
	y, dx, dw := l.Out(s.n, oh, ow, s.k), l.Out(s.n, s.h, s.w, s.c), l.InVec("dw", -1, 1, s.k, s.r, s.r, s.own)
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		gpu.Conv(of(y), of(x), of(w), spec)
		gpu.ConvBackwardData(of(dx), of(dy), of(w), spec)
		gpu.ConvBackwardDataAdd(of(sum), of(dy), of(w), spec)
		gpu.ConvBackwardWeight(of(dw), of(dy), of(x), spec)
	})
	l.Same(fmt.Sprint(s, " y"), y, s.r*s.r*s.c, 4)
	l.Same(fmt.Sprint(s, " dx"), dx, s.r*s.r*s.k, 4)
	l.Same(fmt.Sprint(s, " dx added"), sum, s.r*s.r*s.k, 4)
	terms, loose := s.n*oh*ow, 4.0
	if s.c%2 != 0 { // cuDNN rounds such gradients to x's type
		loose *= gputest.Tol(l.Type, terms) / gputest.Tol(l.VectorType(), terms)
	}
	l.Same(fmt.Sprint(s, " dw"), dw, terms, loose)
}

func TestConformancePadChannels(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, rows := range gputest.Ragged() {
			for _, c := range [][2]int{{1, 1}, {3, 4}, {3, 8}, {5, 7}, {4, 12}, {33, 64}} {
				x, wide := l.In("x", -1, 1, rows, c[0]), l.InVec("wide", -1, 1, 2, rows, c[0])
				y, narrow := l.Out(rows, c[1]), l.Out(2, rows, c[1])
				l.Run(func(of func(gputest.Twin) gpu.Tensor) {
					gpu.PadChannels(of(y), of(x))
					gpu.PadChannels(of(narrow), of(wide))
				})
				l.Same("padded", y, 1, 1)
				l.Same("converted", narrow, 1, 1)
			}
		}
	})
}
