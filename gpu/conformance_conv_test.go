package gpu_test

import (
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"fmt"
	"math"
	"slices"
	"testing"
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
	info := dw.On.Device().GPU()
	if hasCuDNN(info) && (!info.Emulated || s.r != 1 || s.stride != 1 || s.pad != 0) { // it may round such gradients to x's type
		loose *= gputest.Tol(l.Type, terms) / gputest.Tol(l.VectorType(), terms)
	}
	l.Same(fmt.Sprint(s, " dw"), dw, terms, loose)
}

func hasCuDNN(info *gpu.Info) bool {
	return info != nil && slices.ContainsFunc(info.Libraries, func(x gpu.Library) bool { return x.Name == "libcudnn" })
}

// TestConformanceConvStats has fused sums on the device with cuDNN, and none elsewhere: the statistics of the norm that
// takes them are those of y, up to what float32 sums lose where the mean is many standard deviations.
func TestConformanceConvStats(t *testing.T) {
	conformProducts(t, func(l *gputest.Lab) {
		for _, s := range []convCase{{2, 5, 7, 16, 16, 8, 3, 1, 1}, {3, 9, 8, 8, 8, 24, 3, 2, 0}, {2, 7, 7, 32, 32, 16, 1, 1, 0}, {2, 15, 17, 4, 3, 16, 7, 2, 3}, {1, 1, 1, 8, 8, 8, 1, 1, 0}} {
			conformConvStats(l, s, l.In("x", -1, 2, s.n, s.h, s.w, s.c), l.In("w", -1, 1, s.k, s.r, s.r, s.own))
			if l.Type == gpu.F32 && s.pad == 0 { // 16 bits would not hold the spread
				conformConvStats(l, s, l.In("x", 0.9, 1.1, s.n, s.h, s.w, s.c), l.In("w", 0.5, 1, s.k, s.r, s.r, s.own))
			}
		}
	})
}

func conformConvStats(l *gputest.Lab, s convCase, x, w gputest.Twin) {
	l.Helper()
	spec, oh, ow := gpu.ConvSpec{Stride: s.stride, Pad: s.pad}, (s.h+2*s.pad-s.r)/s.stride+1, (s.w+2*s.pad-s.r)/s.stride+1
	y, z, sums, mean, rstd := l.Out(s.n, oh, ow, s.k), l.Out(s.n, oh, ow, s.k), l.Vec(2, s.k), l.Vec(s.k), l.Vec(s.k)
	gamma, beta := l.InVec("gamma", -1, 2, s.k), l.InVec("beta", -1, 1, s.k)
	runMean, runVar := l.InVec("runMean", -1, 1, s.k), l.InVec("runVar", 0.5, 2, s.k)
	var summed bool
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		did := gpu.ConvStats(of(y), of(sums), of(x), of(w), spec)
		if of(y).DType() != gpu.F64 {
			summed = did
		} else if did {
			l.Error("the CPU fuses sums")
		}
	})
	l.Same(fmt.Sprint(s, " y"), y, s.r*s.r*s.c, 4)
	info := y.On.Device().GPU()
	has := hasCuDNN(info)
	if (info == nil || info.Emulated) && summed != has && (l.Type != gpu.F32 || !has) { // exact float32 has no such plan; on a real GPU time decides
		l.Errorf("%v: fused sums %v, want %v", s, summed, has)
	}
	gpu.Write(y.Ref, gputest.Values(y.On))
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		x := gpu.Normed{X: of(y), Mean: of(mean), Rstd: of(rstd), Gamma: of(gamma), Beta: of(beta), RunMean: of(runMean), RunVar: of(runVar)}
		if summed && of(y).DType() != gpu.F64 {
			x.Sums = of(sums)
		}
		gpu.BatchNormTrain(of(z), gpu.Tensor{}, x, gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1})
	})
	m, r, v := gputest.Values(mean.Ref), gputest.Values(rstd.Ref), gputest.Values(runVar.Ref)
	tol := 8 * gputest.Tol(l.VectorType(), s.n*oh*ow)
	if l.Type != l.VectorType() {
		tol += gputest.Tol(l.Type, 1) // the sums may be of y before it is rounded
	}
	for j := range m { // a channel's own bound: of the mean that of its sum, of the variance as ConvStats says
		far := 1 + m[j]*m[j]*r[j]*r[j]
		for name, x := range map[string][2]float64{"rstd": {gputest.Values(rstd.On)[j], r[j]}, "running variance": {gputest.Values(runVar.On)[j], v[j]}} {
			gputest.Close(l.TB, fmt.Sprintf("%v %s of channel %d, mean %.3g", s, name, j, m[j]), x[:1], x[1:], tol*far)
		}
		if d := math.Abs(gputest.Values(mean.On)[j]-m[j]) * r[j]; !(d <= tol*math.Sqrt(far)) {
			l.Errorf("%v mean of channel %d is off by %.3g standard deviations, allowed %.3g", s, j, d, tol*math.Sqrt(far))
		}
	}
}
