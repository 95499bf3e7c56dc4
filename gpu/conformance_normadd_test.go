package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"testing"
)

// TestConformanceNormConvAdd has a norm that something is added to left to a convolution, which writes what it makes of both.
func TestConformanceNormConvAdd(t *testing.T) {
	conformProducts(t, func(l *gputest.Lab) {
		for _, s := range []convCase{{2, 5, 7, 16, 16, 8, 3, 1, 1}, {3, 9, 8, 8, 8, 24, 1, 1, 0}, {2, 7, 7, 32, 32, 16, 1, 1, 0}, {1, 6, 5, 24, 24, 8, 1, 2, 0}} {
			spec, oh, ow := gpu.ConvSpec{Stride: s.stride, Pad: s.pad}, (s.h+2*s.pad-s.r)/s.stride+1, (s.w+2*s.pad-s.r)/s.stride+1
			n, w, add := newLined(l, s.n, s.h, s.w, s.c), l.In("w", -1, 1, s.k, s.r, s.r, s.own), l.In("add", -1, 1, s.n, s.h, s.w, s.c)
			y, z, sums := l.Out(s.n, oh, ow, s.k), l.Out(s.n, s.h, s.w, s.c), l.Vec(2, s.k)
			info, pays := w.On.Device().GPU(), gpu.NormConvAddPays(n.x.On, w.On, spec)
			if has := hasCuDNN(info) && l.Type == gpu.F16 && s.r == 1 && s.stride == 1; (info == nil || info.Emulated) && pays != has { // on a real GPU time decides
				l.Errorf("%v: fused %v", s, pays)
			}
			if info != nil && !pays {
				continue
			}
			n.forward(l, fmt.Sprint(s, " "))
			l.Run(func(of of) {
				gpu.NormConvAdd(of(y), of(sums), of(z), of(n.x), of(add), of(n.line), of(w), spec)
			})
			l.Same(fmt.Sprint(s, " z"), z, 1, 8)
			l.Same(fmt.Sprint(s, " y"), y, s.r*s.r*s.c, 8)
			if info != nil {
				sameSums(l, s, y, sums)
			}
		}
	})
}
