package gpu_test

import (
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
)

// lab makes float64 tensors and differentiates.
type lab struct {
	*testing.T
	a *gpu.Arena
}

func newLab(t *testing.T) lab {
	return lab{t, gputest.Open(t, "cpu", gpu.Options{Threads: 2}).NewArena(8 << 20)}
}

func (l lab) fill(name string, dims ...int) gpu.Tensor {
	return gputest.Filled(l.a, gpu.F64, name, -1.5, 1.5, dims...)
}

func (l lab) zeros(dims ...int) gpu.Tensor { return l.a.Zeros(gpu.F64, dims...) }

// grad checks dx against the scalar y.dy that forward recomputes.
func (l lab) grad(name string, x, dx, y, dy gpu.Tensor, forward func()) {
	l.Helper()
	w := gputest.Values(dy)
	gputest.Grad(l.T, name, func() float64 { forward(); return gputest.Dot(y, w) }, x, gputest.Values(dx))
}

func TestGradMatMul(t *testing.T) {
	for _, tr := range [][2]bool{{false, false}, {false, true}, {true, false}, {true, true}} {
		l := newLab(t)
		a, b := l.fill("a", 5, 7), l.fill("b", 7, 3)
		if tr[0] {
			a = a.View(7, 5)
		}
		if tr[1] {
			b = b.View(3, 7)
		}
		c, dc, da, db := l.zeros(5, 3), l.fill("dc", 5, 3), l.zeros(a.Dims()...), l.zeros(b.Dims()...)
		if tr[0] {
			gpu.MatMul(da, b, dc, tr[1], true, 0)
		} else {
			gpu.MatMul(da, dc, b, false, !tr[1], 0)
		}
		if tr[1] {
			gpu.MatMul(db, dc, a, true, tr[0], 0)
		} else {
			gpu.MatMul(db, a, dc, !tr[0], false, 0)
		}
		forward := func() { gpu.MatMul(c, a, b, tr[0], tr[1], 0) }
		l.grad("a", a, da, c, dc, forward)
		l.grad("b", b, db, c, dc, forward)
	}
}

func TestGradBiasAndReLU(t *testing.T) {
	l := newLab(t)
	x, bias, y, dy := l.fill("x", 9, 5), l.fill("bias", 5), l.zeros(9, 5), l.fill("dy", 9, 5)
	dx, db := l.zeros(9, 5), l.zeros(5)
	forward := func() { gpu.AddBiasReLU(y, x, bias) }
	forward()
	gpu.ReLUBackward(dx, dy, y)
	gpu.SumRows(db, dx)
	l.grad("x", x, dx, y, dy, forward)
	l.grad("bias", bias, db, y, dy, forward)
}

func TestGradConv(t *testing.T) {
	for _, channels := range []int{3, gpu.ConvChannels(3)} {
		gradConv(newLab(t), channels)
	}
}

// gradConv convolves an x of as many channels with a w of 3.
func gradConv(l lab, channels int) {
	l.Helper()
	s := gpu.ConvSpec{Stride: 2, Pad: 1}
	x, w, y, dy := l.fill("x", 2, 5, 7, channels), l.fill("w", 4, 3, 3, 3), l.zeros(2, 3, 4, 4), l.fill("dy", 2, 3, 4, 4)
	dx, dw := l.zeros(x.Dims()...), l.zeros(w.Dims()...)
	gpu.ConvBackwardData(dx, dy, w, s)
	gpu.ConvBackwardWeight(dw, dy, x, s)
	forward := func() { gpu.Conv(y, x, w, s) }
	l.grad("x", x, dx, y, dy, forward)
	l.grad("w", w, dw, y, dy, forward)
	before := gputest.Values(dx)
	gpu.ConvBackwardDataAdd(dx, dy, w, s)
	for i, v := range gputest.Values(dx) {
		if math.Abs(v-2*before[i]) > 1e-12 {
			l.Fatalf("element %d of dx is %g, added to itself %g", i, before[i], v)
		}
	}
}

func TestGradBatchNorm(t *testing.T) {
	for _, relu := range []bool{false, true} {
		for _, present := range [][]uint8{nil, {1, 0, 1, 1, 0, 1}} {
			gradBatchNorm(newLab(t), relu, present)
		}
	}
}

func gradBatchNorm(l lab, relu bool, present []uint8) {
	l.Helper()
	dims := []int{6, 2, 3, 5}
	x, add, gamma, beta := l.fill("x", dims...), l.fill("add", dims...), l.fill("gamma", 5), l.fill("beta", 5)
	y, dy, mean, rstd, rm, rv := l.zeros(dims...), l.fill("dy", dims...), l.zeros(5), l.zeros(5), l.zeros(5), l.zeros(5)
	var p gpu.Tensor
	if present != nil {
		p = gputest.Put(l.a, gpu.U8, present, 6)
	}
	forward := func() {
		gpu.BatchNormTrain(y, gpu.Tensor{}, gpu.Normed{X: x, Mean: mean, Rstd: rstd, Gamma: gamma, Beta: beta, RunMean: rm, RunVar: rv, Add: add, Present: p, ReLU: relu}, gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1})
	}
	forward()
	dx, dadd, dgamma, dbeta := l.zeros(dims...), l.zeros(dims...), l.zeros(5), l.zeros(5)
	gpu.BatchNormBackward(dx, dadd, dy, y, gpu.Normed{X: x, Mean: mean, Rstd: rstd, Gamma: gamma, Present: p, ReLU: relu, Dgamma: dgamma, Dbeta: dbeta})
	l.grad("x", x, dx, y, dy, forward)
	l.grad("add", add, dadd, y, dy, forward)
	l.grad("gamma", gamma, dgamma, y, dy, forward)
	l.grad("beta", beta, dbeta, y, dy, forward)
}

func TestGradBatchNormEval(t *testing.T) {
	for _, relu := range []bool{false, true} {
		for _, present := range [][]uint8{nil, {1, 0, 1, 1, 0, 1}, {0, 0, 1, 0, 0, 0}} {
			gradBatchNormEval(newLab(t), relu, present)
		}
	}
}

func gradBatchNormEval(l lab, relu bool, present []uint8) {
	l.Helper()
	dims, bn := []int{6, 2, 3, 5}, gpu.BatchNorm{Eps: 1e-5}
	x, add, gamma, beta := l.fill("x", dims...), l.fill("add", dims...), l.fill("gamma", 5), l.fill("beta", 5)
	y, dy, rm, rv := l.zeros(dims...), l.fill("dy", dims...), l.fill("rm", 5), gputest.Filled(l.a, gpu.F64, "rv", 0.5, 2, 5)
	var p gpu.Tensor
	if present != nil {
		p = gputest.Put(l.a, gpu.U8, present, 6)
	}
	forward := func() {
		gpu.BatchNormEval(y, gpu.Tensor{}, gpu.Normed{X: x, Gamma: gamma, Beta: beta, RunMean: rm, RunVar: rv, Add: add, Present: p, ReLU: relu}, bn)
	}
	forward()
	dx, dadd, dgamma, dbeta := l.zeros(dims...), l.zeros(dims...), l.zeros(5), l.zeros(5)
	gpu.BatchNormEvalBackward(dx, dadd, dy, y, gpu.Normed{X: x, Gamma: gamma, RunMean: rm, RunVar: rv, Present: p, ReLU: relu, Dgamma: dgamma, Dbeta: dbeta}, bn)
	l.grad("x", x, dx, y, dy, forward)
	l.grad("add", add, dadd, y, dy, forward)
	l.grad("gamma", gamma, dgamma, y, dy, forward)
	l.grad("beta", beta, dbeta, y, dy, forward)
}

func TestGradPools(t *testing.T) {
	l := newLab(t)
	x, y, dy, dx := l.fill("x", 2, 7, 5, 3), l.zeros(2, 4, 3, 3), l.fill("dy", 2, 4, 3, 3), l.zeros(2, 7, 5, 3)
	argmax := l.a.New(gpu.U8, 2, 4, 3, 3)
	forward := func() { gpu.MaxPool(y, argmax, x, 3, 2, 1) }
	forward()
	gpu.MaxPoolBackward(dx, dy, argmax, 3, 2, 1)
	l.grad("max", x, dx, y, dy, forward)
	mean, dmean := l.zeros(2, 3), l.fill("dmean", 2, 3)
	gpu.GlobalAvgPoolBackward(dx, dmean)
	l.grad("average", x, dx, mean, dmean, func() { gpu.GlobalAvgPool(mean, x) })
}

func TestGradL2Norm(t *testing.T) {
	l := newLab(t)
	x, y, dy, dx, norm := l.fill("x", 4, 6), l.zeros(4, 6), l.fill("dy", 4, 6), l.zeros(4, 6), l.zeros(4)
	const floor = 1.0
	short := gpu.Host[float64](x)[:6]
	for i := range short {
		short[i] *= 0.1
	}
	forward := func() { gpu.L2Norm(y, norm, x, floor) }
	forward()
	gpu.L2NormBackward(dx, dy, y, norm, floor)
	l.grad("x", x, dx, y, dy, forward)
}

func TestGradInfoNCE(t *testing.T) {
	for _, how := range []gpu.Pairs{gpu.AvoidPairs, gpu.MaskPairs, gpu.PositivePairs} {
		for _, anchors := range [][2]int{{0, 0}, {0, 4}, {3, 7}, {2, 3}} {
			gradInfoNCE(newLab(t), gpu.InfoNCESpec{Tau: 0.3, Lambda: 0.7, Pairs: how, Lo: anchors[0], Hi: anchors[1]})
		}
	}
}

func gradInfoNCE(l lab, spec gpu.InfoNCESpec) {
	l.Helper()
	u, v, du, dv, loss := l.fill("u", 7, 4), l.fill("v", 7, 4), l.zeros(7, 4), l.zeros(7, 4), l.zeros(4)
	present := gputest.Put(l.a, gpu.U8, []uint8{1, 1, 0, 1, 1, 1, 1}, 7)
	group := gputest.Put(l.a, gpu.I32, []int32{0, 1, 0, 0, 1, 2, 3}, 7)
	scale := gputest.Put(l.a, gpu.F64, []float64{0.3}, 1)
	forward := func() { gpu.InfoNCE(loss, du, dv, u, v, present, group, scale, spec) }
	forward()
	only := gputest.Put(l.a, gpu.F64, []float64{0.3, 0, 0, 0}, 4)
	gu, gv := l.zeros(7, 4), l.zeros(7, 4)
	gpu.Copy(gu, du)
	gpu.Copy(gv, dv)
	l.grad("u", u, gu, loss, only, forward)
	l.grad("v", v, gv, loss, only, forward)
}

func TestFillIsFloat32(t *testing.T) {
	for _, v := range golden.Fill("f", 100, -1, 1) {
		if float64(float32(v)) != v {
			t.Fatalf("%v is no float32", v)
		}
	}
}

func TestGradSoftmaxCrossEntropy(t *testing.T) {
	l := newLab(t)
	x, dx, loss := l.fill("x", 6, 5), l.zeros(6, 5), l.zeros(2)
	labels := gputest.Put(l.a, gpu.I32, []int32{0, 4, -1, 2, 2, 1}, 6)
	scale := gputest.Put(l.a, gpu.F64, []float64{0.7}, 1)
	forward := func() { gpu.SoftmaxCrossEntropy(loss, dx, x, labels, scale) }
	forward()
	only, keep := gputest.Put(l.a, gpu.F64, []float64{0.7, 0}, 2), l.zeros(6, 5)
	gpu.Copy(keep, dx)
	l.grad("x", x, keep, loss, only, forward)
}
