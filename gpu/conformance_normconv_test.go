package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"testing"
)

// lined are the tensors of a norm that is left to the convolution after it.
type lined struct {
	x, line, mean, rstd, gamma, beta, runMean, runVar, dgamma, dbeta gputest.Twin
}

func newLined(l *gputest.Lab, dims ...int) *lined {
	c := dims[len(dims)-1]
	return &lined{x: l.In("x", -1, 2, dims...), line: l.Out(2, c), mean: l.Vec(c), rstd: l.Vec(c), gamma: l.InVec("gamma", -1, 2, c), beta: l.InVec("beta", -1, 1, c),
		runMean: l.InVec("runMean", -1, 1, c), runVar: l.InVec("runVar", 0.5, 2, c), dgamma: l.InVec("dgamma", -1, 1, c), dbeta: l.InVec("dbeta", -1, 1, c)}
}

func (n *lined) normed(of of) gpu.Normed {
	return gpu.Normed{X: of(n.x), Mean: of(n.mean), Rstd: of(n.rstd), Gamma: of(n.gamma), Beta: of(n.beta), RunMean: of(n.runMean), RunVar: of(n.runVar)}
}

// forward makes the line, which the judge then takes from the target: an element that lies beside 0 is on the same side for both.
func (n *lined) forward(l *gputest.Lab, what string) {
	l.Helper()
	rows := n.x.On.Len() / n.gamma.On.Len()
	l.Run(func(of of) { gpu.BatchNormLine(of(n.line), n.normed(of), gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1}) })
	for name, x := range map[string]gputest.Twin{"mean": n.mean, "rstd": n.rstd, "running mean": n.runMean, "running variance": n.runVar} {
		l.Same(what+name, x, rows, 8)
	}
	l.Same(what+"line", n.line, rows, 8)
	gpu.Write(n.line.Ref, gputest.Values(n.line.On))
}

// TestConformanceBatchNormLine has the norm alone: its line, and its gradient by the line in place of what the ReLU let through.
func TestConformanceBatchNormLine(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		if l.Type == gpu.F32 && l.Vec(1).On.Device().GPU() != nil {
			l.Skip("a GPU has it in 16 bits")
		}
		for _, dims := range [][]int{{2, 3, 5, 8}, {4, 9, 7, 64}, {3, 4, 4, 264}, {40, 8, 8, 24}} {
			for _, inPlace := range []bool{false, true} {
				what, n, rows := fmt.Sprint(dims, " "), newLined(l, dims...), dims[0]*dims[1]*dims[2]
				dy := l.In("dy", -1, 2, dims...)
				dx := dy
				if !inPlace {
					dx = l.Out(dims...)
				}
				n.forward(l, what)
				l.Run(func(of of) {
					x := n.normed(of)
					x.Dgamma, x.Dbeta = of(n.dgamma), of(n.dbeta)
					gpu.BatchNormLineBackward(of(dx), of(dy), of(n.line), x)
				})
				for name, x := range map[string]gputest.Twin{"dgamma": n.dgamma, "dbeta": n.dbeta, "dx": dx} {
					l.Same(what+name, x, rows, 8)
				}
			}
		}
	})
}

// TestConformanceNormConv has the norm left to a convolution, forward and for its weights, where cuDNN is; nothing else on a GPU has it.
func TestConformanceNormConv(t *testing.T) {
	conformProducts(t, func(l *gputest.Lab) {
		for _, s := range []convCase{{2, 5, 7, 16, 16, 8, 3, 1, 1}, {3, 9, 8, 8, 8, 24, 3, 2, 1}, {2, 7, 7, 32, 32, 16, 1, 1, 0}, {1, 6, 5, 24, 24, 8, 1, 2, 0}} {
			conformNormConv(l, s)
		}
		for _, s := range []convCase{{2, 5, 5, 12, 12, 8, 1, 1, 0}, {2, 5, 5, 8, 6, 8, 1, 1, 0}, {1, 1, 1, 8, 8, 8, 1, 1, 0}} { // channels, padding, a single row
			x, w := l.In("x", -1, 2, s.n, s.h, s.w, s.c), l.In("w", -1, 1, s.k, s.r, s.r, s.own)
			if gpu.NormConvPays(x.On, w.On, gpu.ConvSpec{Stride: s.stride, Pad: s.pad}) {
				l.Errorf("%v: a norm is fused", s)
			}
		}
	})
}

func conformNormConv(l *gputest.Lab, s convCase) {
	l.Helper()
	spec, oh, ow := gpu.ConvSpec{Stride: s.stride, Pad: s.pad}, (s.h+2*s.pad-s.r)/s.stride+1, (s.w+2*s.pad-s.r)/s.stride+1
	n, w, dy := newLined(l, s.n, s.h, s.w, s.c), l.In("w", -1, 1, s.k, s.r, s.r, s.own), l.In("dy", -2, 1, s.n, oh, ow, s.k)
	y, dw, sums := l.Out(s.n, oh, ow, s.k), l.InVec("dw", -1, 1, s.k, s.r, s.r, s.own), l.Vec(2, s.k)
	info, pays := w.On.Device().GPU(), gpu.NormConvPays(n.x.On, w.On, spec)
	if (info == nil || info.Emulated) && pays != (hasCuDNN(info) && l.Type == gpu.F16) { // on a real GPU time decides
		l.Errorf("%v: fused %v", s, pays)
	}
	if info != nil && !pays {
		return
	}
	n.forward(l, fmt.Sprint(s, " "))
	l.Run(func(of of) {
		if summed := gpu.NormConv(of(y), of(sums), of(n.x), of(n.line), of(w), spec); summed != (of(y).Device().GPU() != nil) {
			l.Errorf("%v: summed %v", s, summed)
		}
		gpu.NormConvBackwardWeight(of(dw), of(dy), of(n.x), of(n.line), spec)
	})
	l.Same(fmt.Sprint(s, " y"), y, s.r*s.r*s.c, 8)
	terms := s.n * oh * ow
	loose := 8 * gputest.Tol(l.Type, terms) / gputest.Tol(l.VectorType(), terms) // rounded to x's type
	l.Same(fmt.Sprint(s, " dw"), dw, terms, loose)
	if info != nil {
		sameSums(l, s, y, sums)
	}
}

// sameSums compares sums of y and of its squares with y.
func sameSums(l *gputest.Lab, s convCase, y, sums gputest.Twin) {
	l.Helper()
	sum, square, v := make([]float64, s.k), make([]float64, s.k), gputest.Values(y.On)
	for i, x := range v {
		sum[i%s.k], square[i%s.k] = sum[i%s.k]+x, square[i%s.k]+x*x
	}
	gputest.Close(l.TB, fmt.Sprint(s, " sums"), gputest.Values(sums.On), append(sum, square...), 8*gputest.Tol(l.Type, len(v)/s.k))
}
