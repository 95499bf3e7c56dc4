package gpu_test

import (
	"fmt"
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

func TestConformanceMaxPool(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, s := range [][7]int{ // n, h, w, c, window, stride, pad
			{2, 9, 7, 8, 3, 2, 1}, {1, 1, 1, 3, 1, 1, 0}, {3, 6, 5, 33, 2, 2, 0}, {1, 8, 8, 64, 3, 1, 1}, {2, 5, 5, 264, 5, 3, 2}, {1, 16, 3, 1, 4, 4, 2}, {2, 33, 31, 16, 3, 2, 1},
		} {
			n, h, w, c, k, stride, pad := s[0], s[1], s[2], s[3], s[4], s[5], s[6]
			oh, ow := (h+2*pad-k)/stride+1, (w+2*pad-k)/stride+1
			x, dy := l.In("x", -2, 1, n, h, w, c), l.In("dy", -1, 2, n, oh, ow, c)
			y, arg, dx := l.Out(n, oh, ow, c), l.New(gpu.U8, n, oh, ow, c), l.Out(n, h, w, c)
			l.Run(func(of of) {
				gpu.MaxPool(of(y), of(arg), of(x), k, stride, pad)
				gpu.MaxPoolBackward(of(dx), of(dy), of(arg), k, stride, pad)
			})
			l.Same(fmt.Sprint(s, " y"), y, 1, 1)
			l.Same(fmt.Sprint(s, " argmax"), arg, 1, 1)
			l.Same(fmt.Sprint(s, " dx"), dx, k*k, 1)
		}
	})
}

// TestConformanceMaxPoolTies has equal elements, infinities and NaN.
func TestConformanceMaxPoolTies(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, c := range []int{1, 8, 40} {
			v := make([]float64, 6*6*c)
			for i := range v {
				v[i] = []float64{1, 2, 2, -1, math.Inf(-1), 2, math.Inf(1), 0}[(i/c*7+i%c)%8]
			}
			v[8*c], v[14*c] = math.NaN(), math.NaN()
			x, y, arg := l.Put(l.Type, v, 1, 6, 6, c), l.Out(1, 3, 3, c), l.New(gpu.U8, 1, 3, 3, c)
			l.Run(func(of of) { gpu.MaxPool(of(y), of(arg), of(x), 3, 2, 1) })
			l.Same("argmax", arg, 1, 1)
			exact(l, "y", y.On, y.Ref)
		}
	})
}

func TestConformanceGlobalAvgPool(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for i, c := range append(gputest.Ragged(), 8, 64, 520) {
			n, h, w := 1+i%4, 1+i%7, 3
			x, dy := l.In("x", -1, 2, n, h, w, c), l.In("dy", -1, 2, n, c)
			y, dx := l.Out(n, c), l.Out(n, h, w, c)
			l.Run(func(of of) {
				gpu.GlobalAvgPool(of(y), of(x))
				gpu.GlobalAvgPoolBackward(of(dx), of(dy))
			})
			l.Same("y", y, h*w, 4)
			l.Same("dx", dx, 1, 1)
		}
	})
}
