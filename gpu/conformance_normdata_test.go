package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"testing"
)

// TestConformanceNormConvData has the gradient of what a convolution reads with the ReLU's and the sums of the norm before it, and what
// becomes of these; of a norm alone and of one that something is added to. Nothing that the ReLU sees lies beside 0.
func TestConformanceNormConvData(t *testing.T) {
	conformProducts(t, func(l *gputest.Lab) {
		for _, s := range []convCase{{2, 5, 7, 16, 16, 8, 3, 1, 1}, {3, 9, 8, 8, 8, 24, 3, 2, 1}, {2, 7, 7, 32, 32, 16, 1, 1, 0}, {1, 6, 5, 24, 24, 8, 1, 2, 0}} {
			for _, add := range []bool{false, true} {
				conformNormConvData(l, s, add)
			}
		}
	})
}

func conformNormConvData(l *gputest.Lab, s convCase, add bool) {
	l.Helper()
	what := fmt.Sprint(s, " added to ", add, ": ")
	spec, oh, ow := gpu.ConvSpec{Stride: s.stride, Pad: s.pad}, (s.h+2*s.pad-s.r)/s.stride+1, (s.w+2*s.pad-s.r)/s.stride+1
	n, w, dy := newLined(l, s.n, s.h, s.w, s.c), l.In("w", -1, 1, s.k, s.r, s.r, s.own), l.In("dy", -2, 1, s.n, oh, ow, s.k)
	n.clear(l)
	d, dx, sums, had, branch := l.Out(s.n, s.h, s.w, s.c), l.Out(s.n, s.h, s.w, s.c), l.Vec(2, s.c), gputest.Twin{}, gputest.Twin{}
	if add {
		had, branch = l.In("had", -0.1, 0.1, s.n, s.h, s.w, s.c), l.In("branch", -2, 1, s.n, s.h, s.w, s.c)
	}
	info, pays := w.On.Device().GPU(), gpu.NormConvDataPays(n.x.On, w.On, spec, add)
	if has := hasCuDNN(info) && l.Type == gpu.F16 && (s.stride == 1 || !add); (info == nil || info.Emulated) && pays != has { // on a real GPU time decides
		l.Errorf("%sfused %v", what, pays)
	}
	if info != nil && !pays {
		return
	}
	l.Run(func(of of) {
		x := n.normed(of)
		x.Add = of(had)
		gpu.NormConvBackwardData(of(d), of(sums), of(dy), of(branch), of(w), spec, x)
	})
	rows := s.n * s.h * s.w
	l.Same(what+"d", d, s.r*s.r*s.k, 8)
	l.Same(what+"sums", sums, rows, 8*gputest.Tol(l.Type, rows)/gputest.Tol(l.VectorType(), rows)) // of d before or after it is rounded
	for _, x := range []gputest.Twin{d, sums} {
		gpu.Write(x.Ref, gputest.Values(x.On))
	}
	l.Run(func(of of) {
		x := n.normed(of)
		x.Dgamma, x.Dbeta = of(n.dgamma), of(n.dbeta)
		gpu.BatchNormSummedBackward(of(dx), of(d), of(sums), x)
	})
	for name, x := range map[string]gputest.Twin{"dx": dx, "dgamma": n.dgamma, "dbeta": n.dbeta} {
		l.Same(what+name, x, rows, 8)
	}
}

// clear gives the norm statistics and an input of which it makes nothing within 0.15 of 0.
func (n *lined) clear(l *gputest.Lab) {
	c, v := n.gamma.On.Len(), gputest.Values(n.x.Ref)
	vector := func(x gputest.Twin, name string, lo, hi float64) []float64 {
		y := l.InVec(name, lo, hi, c)
		gpu.Write(x.On, gputest.Values(y.On))
		gpu.Write(x.Ref, gputest.Values(y.On))
		return gputest.Values(y.On)
	}
	mean, rstd := vector(n.mean, "mean", -0.5, 0.5), vector(n.rstd, "rstd", 0.5, 2)
	vector(n.gamma, "near 1", 0.75, 1.5)
	vector(n.beta, "near 0", -0.1, 0.1)
	for i, x := range v { // from -1 to 2
		u := 0.5 + x/2
		if x < 0 {
			u = x/2 - 0.5
		}
		v[i] = mean[i%c] + u/rstd[i%c]
	}
	gpu.Write(n.x.On, v)
	gpu.Write(n.x.Ref, gputest.Values(n.x.On))
}

// TestConformanceBatchNormSummed has what becomes of the sums alone, in place too.
func TestConformanceBatchNormSummed(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		if l.Type == gpu.F32 && l.Vec(1).On.Device().GPU() != nil {
			l.Skip("a GPU has it in 16 bits")
		}
		for _, dims := range [][]int{{2, 3, 5, 8}, {4, 9, 7, 64}, {3, 4, 4, 264}} {
			for _, inPlace := range []bool{false, true} {
				n, d, sums := newLined(l, dims...), l.In("d", -2, 1, dims...), l.InVec("sums", -9, 9, 2, dims[3])
				dx := d
				if !inPlace {
					dx = l.Out(dims...)
				}
				n.clear(l)
				l.Run(func(of of) {
					x := n.normed(of)
					x.Dgamma, x.Dbeta = of(n.dgamma), of(n.dbeta)
					gpu.BatchNormSummedBackward(of(dx), of(d), of(sums), x)
				})
				for name, x := range map[string]gputest.Twin{"dx": dx, "dgamma": n.dgamma, "dbeta": n.dbeta} {
					l.Same(fmt.Sprint(dims, " ", name), x, 8, 8)
				}
			}
		}
	})
}
