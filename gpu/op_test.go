package gpu_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// infoNCE runs the loss over rows u and v with every gradient.
func infoNCE(l lab, u, v, present gpu.Tensor) (loss, du, dv []float64) {
	tl, tdu, tdv := l.zeros(4), l.fill("du", u.Dims()...), l.fill("dv", u.Dims()...)
	scale := gputest.Put(l.a, gpu.F64, []float64{1}, 1)
	gpu.InfoNCE(tl, tdu, tdv, u, v, present, gpu.Tensor{}, scale, gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.75})
	return gputest.Values(tl), gputest.Values(tdu), gputest.Values(tdv)
}

func TestInfoNCEWithoutNegatives(t *testing.T) {
	for _, present := range [][]uint8{{0, 1, 0}, {0, 0, 0}} {
		l := newLab(t)
		loss, du, dv := infoNCE(l, l.fill("u", 3, 4), l.fill("v", 3, 4), gputest.Put(l.a, gpu.U8, present, 3))
		for _, x := range append(append(loss[:3], du...), dv...) {
			if x != 0 {
				t.Errorf("present %v: loss or gradient %v, want 0 exactly", present, x)
			}
		}
	}
}

func TestInfoNCEUniform(t *testing.T) {
	for _, b := range []int{2, 5, 64} {
		l := newLab(t)
		u, present := l.zeros(b, 8), l.a.New(gpu.U8, b)
		gpu.Fill(u, math.Sqrt(1./8))
		gpu.Fill(present, 1)
		loss, _, _ := infoNCE(l, u, u, present)
		gputest.Close(t, fmt.Sprintf("loss of %d equal rows", b), loss[:1], []float64{math.Log(float64(b))}, gputest.Tol(gpu.F64, b))
	}
}

// maskedRun returns the bytes of everything a masked batch normalisation computes, absent rows holding junk.
func maskedRun(t *testing.T, d gpu.DType, c int, junk float64) []byte {
	a := gputest.Open(t, "cpu", gpu.Options{Threads: 2}).NewArena(4 << 20)
	const n = 37
	x, dy := gputest.Filled(a, d, "x", -1, 3, n, c), gputest.Filled(a, d, "dy", -1, 1, n, c)
	present := make([]uint8, n)
	for r := range n {
		if present[r] = uint8(r % 3 % 2); present[r] == 0 {
			gpu.Fill(x.Slice(r*c, (r+1)*c), junk)
			gpu.Fill(dy.Slice(r*c, (r+1)*c), junk)
		}
	}
	p := gputest.Put(a, gpu.U8, present, n)
	gamma, beta := gputest.Filled(a, d, "gamma", 0.5, 1, c), gputest.Filled(a, d, "beta", -1, 1, c)
	vs := make([]gpu.Tensor, 6)
	for i := range vs {
		vs[i] = a.Zeros(d, c)
	}
	y, dx := a.New(d, n, c), a.New(d, n, c)
	gpu.BatchNormTrain(y, gpu.Tensor{}, gpu.Normed{X: x, Mean: vs[0], Rstd: vs[1], Gamma: gamma, Beta: beta, RunMean: vs[2], RunVar: vs[3], Present: p, ReLU: true}, gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1})
	gpu.BatchNormBackward(dx, gpu.Tensor{}, dy, y, gpu.Normed{X: x, Mean: vs[0], Rstd: vs[1], Gamma: gamma, Present: p, ReLU: true, Dgamma: vs[4], Dbeta: vs[5]})
	return dump(append(vs, y, dx)...)
}

// dump prints tensors exactly.
func dump(ts ...gpu.Tensor) []byte {
	var b bytes.Buffer
	for _, x := range ts {
		for _, v := range gputest.Values(x) {
			fmt.Fprintf(&b, "%x ", math.Float64bits(v))
		}
	}
	return b.Bytes()
}

func TestMaskedBatchNormIgnoresAbsentRows(t *testing.T) {
	for _, d := range floats {
		for _, c := range []int{19, 24} {
			want := maskedRun(t, d, c, 0)
			for _, junk := range []float64{math.NaN(), math.Inf(1), 1e30, -7} {
				if !bytes.Equal(maskedRun(t, d, c, junk), want) {
					t.Errorf("%v: absent rows of %d holding %v change the result", d, c, junk)
				}
			}
		}
	}
}

func TestMaskRowsSelects(t *testing.T) {
	l := newLab(t)
	x, y := l.fill("x", 3, 2), l.zeros(3, 2)
	gpu.Host[float64](x)[2] = math.NaN()
	gpu.MaskRows(y, x, gputest.Put(l.a, gpu.U8, []uint8{1, 0, 1}, 3))
	v := gputest.Values(x)
	v[2], v[3] = 0, 0
	gputest.Close(t, "y", gputest.Values(y), v, 0)
}

func TestBatchNormOfOneRow(t *testing.T) {
	l := newLab(t)
	x, y, one, rm, rv, m, r := l.fill("x", 3, 2), l.fill("y", 3, 2), l.fill("g", 2), l.fill("rm", 2), l.fill("rv", 2), l.zeros(2), l.zeros(2)
	before := dump(rm, rv)
	p := gputest.Put(l.a, gpu.U8, []uint8{0, 1, 0}, 3)
	gpu.BatchNormTrain(y, gpu.Tensor{}, gpu.Normed{X: x, Mean: m, Rstd: r, Gamma: one, Beta: one, RunMean: rm, RunVar: rv, Present: p}, gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1})
	gputest.Close(t, "y", gputest.Values(y), make([]float64, 6), 0)
	if !bytes.Equal(dump(rm, rv), before) {
		t.Error("the running averages moved")
	}
	dx, dg := l.fill("dx", 3, 2), l.zeros(2)
	gpu.BatchNormBackward(dx, gpu.Tensor{}, x, y, gpu.Normed{X: x, Mean: m, Rstd: r, Gamma: one, Present: p, Dgamma: dg, Dbeta: dg})
	gputest.Close(t, "dx", gputest.Values(dx), make([]float64, 6), 0)
	gputest.Close(t, "dgamma", gputest.Values(dg), make([]float64, 2), 0)
}

func TestClipScale(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct{ sumsq, max, gain, want float64 }{{25, 1, 1, 0.2}, {25, 10, 1, 1}, {25, 0, 0.5, 0.5}, {100, 2, 0.5, 0.2}, {0, 1, 1, 1}, {math.NaN(), 1, 1, 0}, {math.Inf(1), 0, 1, 0}} {
		scale := l.zeros(1)
		gpu.ClipScale(scale, gputest.Put(l.a, gpu.F64, []float64{c.sumsq}, 1), c.max, c.gain)
		gputest.Close(t, fmt.Sprint(c), gputest.Values(scale), []float64{c.want}, gputest.Tol(gpu.F64, 1))
	}
}

// streams runs every streaming operation in float32 and returns all results.
func streams(t *testing.T, o gpu.Options, rows, c int) []gpu.Tensor {
	a := gputest.Open(t, "cpu", o).NewArena(8 << 20)
	fill := func(name string, lo, hi float64, dims ...int) gpu.Tensor {
		return gputest.Filled(a, gpu.F32, name, lo, hi, dims...)
	}
	x, dy, add := fill("x", -1, 2, rows, c), fill("dy", -1, 1, rows, c), fill("add", -1, 1, rows, c)
	gamma, beta := fill("gamma", 0.5, 2, c), fill("beta", -1, 1, c)
	var out []gpu.Tensor
	get := func(dims ...int) gpu.Tensor {
		y := a.Zeros(gpu.F32, dims...)
		out = append(out, y)
		return y
	}
	m, r, y, bn := get(c), get(c), get(rows, c), gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1}
	gpu.BatchNormTrain(y, gpu.Tensor{}, gpu.Normed{X: x, Mean: m, Rstd: r, Gamma: gamma, Beta: beta, RunMean: get(c), RunVar: get(c), Add: add, ReLU: true}, bn)
	gpu.BatchNormBackward(get(rows, c), get(rows, c), dy, y, gpu.Normed{X: x, Mean: m, Rstd: r, Gamma: gamma, ReLU: true, Dgamma: get(c), Dbeta: get(c)})
	gpu.BatchNormBackward(get(rows, c), gpu.Tensor{}, dy, gpu.Tensor{}, gpu.Normed{X: x, Mean: m, Rstd: r, Gamma: gamma, Dgamma: get(c), Dbeta: get(c)})
	gpu.BatchNormEval(get(rows, c), gpu.Tensor{}, gpu.Normed{X: x, Gamma: gamma, Beta: beta, RunMean: beta, RunVar: gamma}, bn)
	gpu.BatchNormEvalBackward(get(rows, c), get(rows, c), dy, y, gpu.Normed{X: x, Gamma: gamma, RunMean: beta, RunVar: gamma, ReLU: true, Dgamma: get(c), Dbeta: get(c)}, bn)
	gpu.Add(get(rows, c), x, dy)
	gpu.ReLU(get(rows, c), x)
	gpu.ReLUBackward(get(rows, c), dy, x)
	gpu.AddBiasReLU(get(rows, c), x, beta)
	gpu.SumRows(get(c), x)
	sum := a.Zeros(gpu.F64, 1)
	gpu.SumSquares(sum, x)
	p, scale := get(rows, c), fill("s", 0.4, 0.5, 1)
	adam, sgd := gpu.AdamSpec{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1}, gpu.SGDSpec{Momentum: 0.9, WeightDecay: 0.1, Nesterov: true}
	put, none := func(r []float64) gpu.Tensor { return gputest.Put(a, gpu.F32, r, 3) }, gpu.Tensor{}
	gpu.Adam(p, none, dy, get(rows, c), get(rows, c), put(adam.Rates(0.01, 3)), scale, adam)
	adam.Decoupled = true
	gpu.Adam(p, none, add, get(rows, c), get(rows, c), put(adam.Rates(0.01, 1)), scale, adam)
	gpu.SGD(p, none, dy, get(rows, c), put(sgd.Rates(0.1)), scale, sgd)
	argmax := a.New(gpu.U8, 1, (rows+1)/2, 1, c)
	gpu.MaxPool(get(1, (rows+1)/2, 1, c), argmax, x.View(1, rows, 1, c), 3, 2, 1)
	return append(out, sum, argmax)
}

func TestThreadsDoNotChangeResults(t *testing.T) {
	for _, portable := range []bool{false, true} {
		want := dump(streams(t, gpu.Options{Threads: 1, Portable: portable}, 1000, 33)...)
		for _, n := range []int{2, 3, 7} {
			if !bytes.Equal(dump(streams(t, gpu.Options{Threads: n, Portable: portable}, 1000, 33)...), want) {
				t.Errorf("portable=%v: %d threads give other bytes than 1", portable, n)
			}
		}
	}
}

func TestPortableAgrees(t *testing.T) {
	for _, rows := range gputest.Ragged() {
		for _, c := range []int{1, 7, 8, 40, 65} {
			if rows*c < 2 || rows < 2 {
				continue
			}
			fast, slow := streams(t, gpu.Options{Threads: 1}, rows, c), streams(t, gpu.Options{Threads: 1, Portable: true}, rows, c)
			for i := range fast {
				// Sums that cancel are as good as their terms, of which there are rows.
				gputest.Close(t, fmt.Sprintf("%d rows of %d, result %d", rows, c, i), gputest.Values(fast[i]), gputest.Values(slow[i]), gputest.LooseTol(rows))
			}
		}
	}
}

func TestPanicsNameTheTensor(t *testing.T) {
	l := newLab(t)
	other := gputest.Open(t, "plan", gpu.Options{}).NewArena(0)
	x, y := l.zeros(8, 4), l.zeros(8, 4)
	for text, f := range map[string]func(){
		"gpu: L2Norm: norm is [4, 1], want [8]":          func() { gpu.L2Norm(y, l.zeros(4, 1), x, 1) },
		"gpu: Add: b is f32, want f64":                   func() { gpu.Add(y, x, l.a.New(gpu.F32, 8, 4)) },
		"gpu: ReLU: x is on plan, want cpu":              func() { gpu.ReLU(y, other.New(gpu.F64, 8, 4)) },
		"gpu: MatMul: b is [8, 4], want [4, 4]":          func() { gpu.MatMul(y, x, x, false, false, 0) },
		"gpu: GlobalAvgPool: x is [8, 4], want rank [4]": func() { gpu.GlobalAvgPool(y, x) },
		"gpu: Adam: step is 0, want at least 1":          func() { gpu.AdamSpec{}.Rates(1, 0) },
		"gpu: SGD: rates is [2], want [3]":               func() { gpu.SGD(x, gpu.Tensor{}, x, x, l.zeros(2), gpu.Tensor{}, gpu.SGDSpec{}) },
		"gpu: SumSquares: out is [2], want [1]":          func() { gpu.SumSquares(l.zeros(2), x) },
		"gpu: Conv: w is [2, 3, 3, 5], want [2, 3, 3, 4]": func() {
			gpu.Conv(y, l.zeros(1, 8, 8, 4), l.zeros(2, 3, 3, 5), gpu.ConvSpec{Stride: 1, Pad: 1})
		},
		"gpu: Conv: w is [2, 3, 3, 2], want [2, 3, 3, 8]": func() {
			gpu.Conv(y, l.zeros(1, 8, 8, 8), l.zeros(2, 3, 3, 2), gpu.ConvSpec{Stride: 1, Pad: 1})
		},
		"gpu: PadChannels: y is [8, 4], x [8, 5], want as many channels or more in y": func() { gpu.PadChannels(x, l.zeros(8, 5)) },
		"gpu: PadChannels: y is f64 and x f32, want one type, or f32 to 16 bits":      func() { gpu.PadChannels(x, l.a.New(gpu.F32, 8, 3)) },
	} {
		gputest.Panics(t, text, f)
	}
}

func TestPlanComputesNothing(t *testing.T) {
	a := gputest.Open(t, "plan", gpu.Options{}).NewArena(0)
	x, c := a.New(gpu.F32, 4, 8, 8, 16), a.New(gpu.F32, 16)
	gpu.Fill(x, 1)
	gpu.BatchNormTrain(x, gpu.Tensor{}, gpu.Normed{X: x, Mean: c, Rstd: c, Gamma: c, Beta: c, RunMean: c, RunVar: c, Add: x, ReLU: true}, gpu.BatchNorm{})
	gpu.BatchNormBackward(x, x, x, x, gpu.Normed{X: x, Mean: c, Rstd: c, Gamma: c, ReLU: true, Dgamma: c, Dbeta: c})
	gpu.BatchNormEvalBackward(x, x, x, x, gpu.Normed{X: x, Gamma: c, RunMean: c, RunVar: c, ReLU: true, Dgamma: c, Dbeta: c}, gpu.BatchNorm{})
	gpu.Conv(x, x, a.New(gpu.F32, 16, 3, 3, 16), gpu.ConvSpec{Stride: 1, Pad: 1})
	gpu.MaxPool(a.New(gpu.F32, 4, 4, 4, 16), a.New(gpu.U8, 4, 4, 4, 16), x, 3, 2, 1)
	gpu.ClipScale(a.New(gpu.F32, 1), a.New(gpu.F64, 1), 1, 1)
	gpu.EMA(x, x, a.New(gpu.F32, 1))
	gpu.SGD(x, x, x, x, a.New(gpu.F32, 3), gpu.Tensor{}, gpu.SGDSpec{})
	if a.Peak() == 0 {
		t.Error("the plan counted no bytes")
	}
}

func TestMaxPoolKeepsNaN(t *testing.T) {
	for _, portable := range []bool{false, true} {
		a := gputest.Open(t, "cpu", gpu.Options{Threads: 1, Portable: portable}).NewArena(1 << 20)
		x := gputest.Filled(a, gpu.F32, "x", -1, 1, 1, 3, 3, 16)
		gpu.Host[float32](x)[4*16+5] = float32(math.NaN())
		y, argmax := a.New(gpu.F32, 1, 1, 1, 16), a.New(gpu.U8, 1, 1, 1, 16)
		gpu.MaxPool(y, argmax, x, 3, 1, 0)
		for c, v := range gputest.Values(y) {
			if math.IsNaN(v) != (c == 5) {
				t.Errorf("portable=%v: channel %d is %v", portable, c, v)
			}
		}
		if at := gpu.Host[uint8](argmax)[5]; at != 4 {
			t.Errorf("portable=%v: NaN found at %d, want 4", portable, at)
		}
	}
}

func TestBatchNormFarFromZero(t *testing.T) {
	const rows, c, offset = 4000, 16, 1000
	a := gputest.Open(t, "cpu", gpu.Options{}).NewArena(4 << 20)
	x := gputest.Filled(a, gpu.F32, "x", offset-1, offset+1, rows, c)
	v := gputest.Values(x)
	m, r, rm, rv, one := a.New(gpu.F32, c), a.New(gpu.F32, c), a.Zeros(gpu.F32, c), a.Zeros(gpu.F32, c), a.Zeros(gpu.F32, c)
	gpu.BatchNormTrain(a.New(gpu.F32, rows, c), gpu.Tensor{}, gpu.Normed{X: x, Mean: m, Rstd: r, Gamma: one, Beta: one, RunMean: rm, RunVar: rv}, gpu.BatchNorm{Momentum: 1})
	want := make([]float64, c)
	for j := range want {
		sum, sq := 0.0, 0.0
		for i := j; i < len(v); i += c {
			sum += v[i] - offset
			sq += (v[i] - offset) * (v[i] - offset)
		}
		want[j] = (sq - sum*sum/rows) / (rows - 1)
	}
	gputest.Close(t, "variance", gputest.Values(rv), want, gputest.Tol(gpu.F32, rows))
}

// TestSkippedStep: a gradient that is not finite changes nothing.
func TestSkippedStep(t *testing.T) {
	for _, d := range floats {
		a := gputest.Open(t, "cpu", gpu.Options{}).NewArena(1 << 16)
		p, m, v := gputest.Filled(a, d, "p", -1, 1, 33), gputest.Filled(a, d, "m", -1, 1, 33), gputest.Filled(a, d, "v", 0, 1, 33)
		g, sum, scale := gputest.Filled(a, d, "g", -1, 1, 33), a.Zeros(gpu.F64, 1), a.New(d, 1)
		gpu.Fill(g.Slice(7, 8), math.NaN())
		before := dump(p, m, v)
		gpu.SumSquares(sum, g)
		gpu.ClipScale(scale, sum, 1, 1)
		gpu.Adam(p, gpu.Tensor{}, g, m, v, gputest.Put(a, d, []float64{1, 1, 1}, 3), scale, gpu.AdamSpec{Decoupled: true, WeightDecay: 0.1})
		gpu.SGD(p, gpu.Tensor{}, g, m, gputest.Put(a, d, []float64{1, 1, 1}, 3), scale, gpu.SGDSpec{Momentum: 0.9})
		if !bytes.Equal(dump(p, m, v), before) {
			t.Errorf("%v: the step changed parameters or moments", d)
		}
	}
}

func TestEMA(t *testing.T) {
	l := newLab(t)
	avg, p := gputest.Put(l.a, gpu.F64, []float64{1, 2}, 2), gputest.Put(l.a, gpu.F64, []float64{3, -2}, 2)
	gpu.EMA(avg, p, gputest.Put(l.a, gpu.F64, []float64{0.75}, 1))
	gputest.Close(t, "average", gputest.Values(avg), []float64{1.5, 1}, gputest.Tol(gpu.F64, 1))
}
