package gpu_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
)

var floats = []gpu.DType{gpu.F32, gpu.F64}

// bench is a device with memory for a test: its helpers write stored tensors and compare results.
type bench struct {
	*testing.T
	c golden.Case
	a *gpu.Arena
	d gpu.DType
}

func newBench(t *testing.T, c golden.Case, j gputest.GoldenTarget) *bench {
	return &bench{t, c, j.Open(t).NewArena(8 << 20), j.Type}
}

func (b *bench) get(key string) gpu.Tensor {
	x := b.c.Tensor(b.T, key).NHWC()
	return gputest.Put(b.a, b.d, x.Data, x.Dims...)
}

func (b *bench) like(x gpu.Tensor) gpu.Tensor  { return b.a.New(b.d, x.Dims()...) }
func (b *bench) zeros(x gpu.Tensor) gpu.Tensor { return b.a.Zeros(b.d, x.Dims()...) }

func (b *bench) same(key string, got gpu.Tensor) {
	b.Helper()
	gputest.Close(b.T, key, gputest.Values(got), b.c.Tensor(b.T, key).NHWC().Data, gputest.GoldenTol(b.d, false))
}

func (b *bench) float(key string) float64 {
	var v float64
	b.c.Attr(b.T, key, &v)
	return v
}

func (b *bench) int(key string) int { return int(b.float(key)) }

func (b *bench) string(key string) string {
	var v string
	b.c.Attr(b.T, key, &v)
	return v
}

// forEach runs f for every case of a file on every golden target.
func forEach(t *testing.T, file string, f func(b *bench)) {
	for _, c := range golden.Cases(t, file) {
		for _, j := range gputest.GoldenTargets() {
			t.Run(c.Label()+"/"+j.Name, func(t *testing.T) { f(newBench(t, c, j)) })
		}
	}
}

func TestGoldenLoss(t *testing.T) { forEach(t, "loss", goldenLoss) }

func goldenLoss(b *bench) {
	z, w, n := b.get("z"), b.get("w"), b.c.Tensor(b.T, "z").Dims[0]
	group := gputest.Put(b.a, gpu.I32, b.c.Tensor(b.T, "person").Data, n)
	present := b.a.New(gpu.U8, n)
	gpu.Fill(present, 1)
	scale := gputest.Put(b.a, b.d, []float64{1}, 1)
	pairs := map[string]gpu.Pairs{"avoid": gpu.AvoidPairs, "mask": gpu.MaskPairs, "positive": gpu.PositivePairs}
	how, ok := pairs[b.string("same_person")]
	if !ok {
		b.Fatalf("same_person %q is not known", b.string("same_person"))
	}
	spec := gpu.InfoNCESpec{Tau: b.float("tau"), Lambda: b.float("lambda"), Pairs: how}
	dz, dw, loss := b.like(z), b.like(w), b.a.New(b.d, 4)
	gpu.InfoNCE(loss, dz, dw, z, w, present, group, scale, spec)
	got := gputest.Values(loss)
	want := []float64{b.float("loss"), b.float("image_to_genetics"), b.float("genetics_to_image"), float64(n)}
	for i := range got {
		gputest.Close(b.T, fmt.Sprintf("loss[%d]", i), got[i:i+1], want[i:i+1], gputest.GoldenTol(b.d, true))
	}
	pair := 2 / spec.Tau / float64(n)
	b.rows("dz", dz, z, pair)
	b.rows("dw", dw, w, pair)
}

// rows compares the gradient of x row by row, as their lengths differ by many powers of ten. Beside a row's own length it
// allows eight roundings of the most that a pair contributes before the projection, which in one dimension cancels all of it.
func (b *bench) rows(key string, got, x gpu.Tensor, pair float64) {
	b.Helper()
	g, want, rows := gputest.Values(got), b.c.Tensor(b.T, key).Data, gputest.Values(x)
	n, d := got.Dim(0), got.Dim(1)
	for r := range n {
		lo, hi := r*d, (r+1)*d
		bound := gputest.GoldenTol(b.d, false)*length(want[lo:hi]) + gputest.Tol(b.d, 1)/4*pair/length(rows[lo:hi])
		if e := distance(g[lo:hi], want[lo:hi]); !(e <= bound) {
			b.Errorf("%s row %d is off by %.3g of %.3g, bound %.3g", key, r, e, length(want[lo:hi]), bound)
		}
	}
}

// length returns |a|.
func length(a []float64) float64 { return gputest.RelError(a, make([]float64, len(a))) }

// distance returns |a - b|.
func distance(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += (v - b[i]) * (v - b[i])
	}
	return math.Sqrt(s)
}

func TestGoldenLayers(t *testing.T) {
	ops := map[string]func(*bench){"conv2d": goldenConv, "batchnorm2d": goldenBatchNorm, "masked_batchnorm": goldenBatchNorm,
		"maxpool": goldenMaxPool, "linear": goldenLinear, "optimizer": goldenOptimizer}
	forEach(t, "layers", func(b *bench) {
		f, ok := ops[b.string("op")]
		if !ok {
			b.Fatalf("operation %q is not known", b.string("op"))
		}
		f(b)
	})
}

func goldenConv(b *bench) {
	x, w, y, dy := b.get("x"), b.get("w"), b.get("y"), b.get("dy")
	s := gpu.ConvSpec{Stride: b.int("stride"), Pad: b.int("pad")}
	gpu.Fill(y, math.NaN())
	gpu.Conv(y, x, w, s)
	b.same("y", y)
	dx, dw := b.like(x), b.zeros(w)
	gpu.Fill(dx, math.NaN())
	gpu.ConvBackwardData(dx, dy, w, s)
	b.same("dx", dx)
	gpu.ConvBackwardWeight(dw, dy, x, s)
	b.same("dw", dw)
}

func goldenBatchNorm(b *bench) {
	x, dy, gamma, beta := b.get("x"), b.get("dy"), b.get("weight"), b.get("bias")
	mean, variance := b.get("running_mean_before"), b.get("running_var_before")
	var present, none gpu.Tensor
	if p, ok := b.c.Lookup("present"); ok {
		present = gputest.Put(b.a, gpu.U8, p.Data, p.Dims...)
	}
	bn := gpu.BatchNorm{Eps: b.float("eps"), Momentum: b.float("momentum")}
	y, dx, m, r, dgamma, dbeta := b.like(x), b.like(x), b.like(gamma), b.like(gamma), b.zeros(gamma), b.zeros(gamma)
	gpu.BatchNormTrain(y, none, gpu.Normed{X: x, Mean: m, Rstd: r, Gamma: gamma, Beta: beta, RunMean: mean, RunVar: variance, Present: present}, bn)
	b.same("y", y)
	b.same("running_mean", mean)
	b.same("running_var", variance)
	gpu.BatchNormBackward(dx, none, dy, none, gpu.Normed{X: x, Mean: m, Rstd: r, Gamma: gamma, Present: present, Dgamma: dgamma, Dbeta: dbeta})
	// The terms of dx cancel where a batch is small: float32 is held to their size.
	want, terms := b.c.Tensor(b.T, "dx").NHWC().Data, bnTerms(gputest.Values(dy), gputest.Values(gamma), gputest.Values(r))
	tol := gputest.GoldenTol(b.d, false)
	if b.d == gpu.F32 {
		tol *= math.Max(1, gputest.RelError(terms, make([]float64, len(terms)))/gputest.RelError(want, make([]float64, len(want))))
	}
	gputest.Close(b.T, "dx", gputest.Values(dx), want, tol)
	b.same("dweight", dgamma)
	b.same("dbias", dbeta)
	if _, ok := b.c.Lookup("y_eval"); ok {
		gpu.BatchNormEval(y, none, gpu.Normed{X: x, Gamma: gamma, Beta: beta, RunMean: mean, RunVar: variance}, bn)
		b.same("y_eval", y)
	}
}

func bnTerms(dy, gamma, rstd []float64) []float64 {
	for i := range dy {
		dy[i] *= gamma[i%len(gamma)] * rstd[i%len(gamma)]
	}
	return dy
}

func goldenMaxPool(b *bench) {
	x, dy := b.get("x"), b.get("dy")
	y, dx, argmax := b.like(dy), b.like(x), b.a.New(gpu.U8, dy.Dims()...)
	k, s, p := b.int("kernel"), b.int("stride"), b.int("pad")
	gpu.MaxPool(y, argmax, x, k, s, p)
	b.same("y", y)
	gpu.MaxPoolBackward(dx, dy, argmax, k, s, p)
	b.same("dx", dx)
}

func goldenLinear(b *bench) {
	x, w, bias, dy := b.get("x"), b.get("w"), b.get("bias"), b.get("dy")
	y, dx, dw, db := b.like(dy), b.like(x), b.zeros(w), b.zeros(bias)
	gpu.MatMul(y, x, w, false, true, 0)
	gpu.AddBias(y, y, bias)
	b.same("y", y)
	gpu.MatMul(dx, dy, w, false, false, 0)
	b.same("dx", dx)
	gpu.MatMul(dw, dy, x, true, false, 1)
	b.same("dw", dw)
	gpu.SumRows(db, dy)
	b.same("dbias", db)
}

// goldenOptimizer steps as the case says. Where its attributes do not tell whether weight decay is coupled or decoupled, one of
// the two must give every step's parameters.
func goldenOptimizer(b *bench) {
	if b.c.Has("kind") {
		if e := slices.Max(optimizerErrors(b, b.string("kind") == "adamw")); !(e <= gputest.GoldenTol(b.d, false)) {
			b.Errorf("the worst step is off by %.3g", e)
		}
		return
	}
	coupled, decoupled := slices.Max(optimizerErrors(b, false)), slices.Max(optimizerErrors(b, true))
	if !(min(coupled, decoupled) <= gputest.GoldenTol(b.d, false)) {
		b.Errorf("the worst step is off by %.3g with coupled and %.3g with decoupled weight decay", coupled, decoupled)
	}
}

// optimizerErrors returns each step's relative error of the parameters.
func optimizerErrors(b *bench, decoupled bool) []float64 {
	p, m, v, errs := b.get("p0"), b.zeros(b.get("p0")), b.zeros(b.get("p0")), []float64(nil)
	for step := 1; step <= b.int("steps"); step++ {
		b.optimize(p, b.get(fmt.Sprintf("g%d", step)), m, v, decoupled, step)
		errs = append(errs, gputest.RelError(gputest.Values(p), b.c.Tensor(b.T, fmt.Sprintf("p%d", step)).Data))
	}
	return errs
}

func (b *bench) optimize(p, g, m, v gpu.Tensor, decoupled bool, step int) {
	lr, wd, none := b.float("lr"), b.float("weight_decay"), gpu.Tensor{}
	if !b.c.Has("betas") {
		var nesterov bool
		b.c.Attr(b.T, "nesterov", &nesterov)
		s := gpu.SGDSpec{Momentum: b.float("momentum"), WeightDecay: wd, Nesterov: nesterov}
		gpu.SGD(p, none, g, m, gputest.Put(b.a, b.d, s.Rates(lr), 3), none, s)
		return
	}
	var betas [2]float64
	b.c.Attr(b.T, "betas", &betas)
	s := gpu.AdamSpec{Beta1: betas[0], Beta2: betas[1], Eps: b.float("eps"), WeightDecay: wd, Decoupled: decoupled}
	gpu.Adam(p, none, g, m, v, gputest.Put(b.a, b.d, s.Rates(lr, step), 3), none, s)
}
