package gpu_test

import (
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// An emptyCase is an operation on nothing.
type emptyCase struct {
	name         string
	run          func(of of)
	keeps, zeros []gputest.Twin // what must hold what it held, and what must become 0
}

// holds runs c and compares with what an operation on nothing gives.
func (c emptyCase) holds(l *gputest.Lab) {
	l.Helper()
	before := make([]string, len(c.keeps))
	for i, x := range c.keeps {
		before[i] = string(dump(x.On))
	}
	l.Run(c.run)
	for i, x := range c.keeps {
		if string(dump(x.On)) != before[i] {
			l.Errorf("%s: tensor %d moved", c.name, i)
		}
	}
	for i, x := range c.zeros {
		for _, t := range []gpu.Tensor{x.On, x.Ref} {
			for _, v := range gputest.Values(t) {
				if v != 0 {
					l.Errorf("%s: result %d is %v, want 0", c.name, i, gputest.Values(t))
					break
				}
			}
		}
	}
}

// emptyOps has every operation on a batch of nobody.
func emptyOps(l *gputest.Lab) []emptyCase {
	var all []emptyCase
	all = append(all, emptyConv(l)...)
	all = append(all, emptyProducts(l)...)
	all = append(all, emptyNorms(l)...)
	all = append(all, emptyPools(l)...)
	all = append(all, emptyElements(l)...)
	all = append(all, emptyData(l)...)
	all = append(all, emptyLosses(l)...)
	all = append(all, emptyPairs(l)...)
	all = append(all, emptyPaths(l)...)
	return append(all, emptyOptim(l)...)
}

func TestConformanceEmpty(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, c := range emptyOps(l) {
			c.holds(l)
		}
	})
}

// TestPlansOfEmpty has the same of every device's plan, and of none's.
func TestPlansOfEmpty(t *testing.T) {
	reference := gputest.Open(t, "cpu", gpu.Options{Threads: 1})
	plans := []*gpu.Device{gputest.Open(t, "plan", gpu.Options{})}
	for _, g := range gputest.Targets() {
		plans = append(plans, g.Open(t).Plan())
	}
	for _, p := range plans {
		l := gputest.LabOn(t, p, reference, gpu.F32, 1<<20)
		for _, c := range emptyOps(l) {
			l.Run(c.run)
		}
	}
}

// emptyConv has convolutions in which an axis is 0: the images, the channels of x, those of y.
func emptyConv(l *gputest.Lab) []emptyCase {
	var all []emptyCase
	for _, s := range [][3]int{{0, 4, 8}, {2, 0, 8}, {2, 4, 0}} {
		for _, stride := range []int{1, 2} {
			n, c, k, spec := s[0], s[1], s[2], gpu.ConvSpec{Stride: stride, Pad: 1}
			out := 6 / stride
			x, dx, sum := l.In("x", -1, 1, n, 6, 6, c), l.Out(n, 6, 6, c), l.In("dx", -1, 1, n, 6, 6, c)
			y, dy, stats := l.Out(n, out, out, k), l.In("dy", -1, 1, n, out, out, k), l.Out(n, out, out, k)
			w, dw, sums := l.In("w", -1, 1, k, 3, 3, c), l.InVec("dw", -1, 1, k, 3, 3, c), l.Vec(2, k)
			all = append(all, emptyCase{"convolution", func(of of) {
				gpu.Conv(of(y), of(x), of(w), spec)
				gpu.ConvStats(of(stats), of(sums), of(x), of(w), spec)
				gpu.ConvBackwardData(of(dx), of(dy), of(w), spec)
				gpu.ConvBackwardDataAdd(of(sum), of(dy), of(w), spec)
				gpu.ConvBackwardWeight(of(dw), of(dy), of(x), spec)
			}, []gputest.Twin{sum, dw}, []gputest.Twin{y, stats, dx}})
		}
	}
	for _, s := range [][3]int{{0, 4, 8}, {2, 0, 8}, {2, 4, 0}} {
		n, c, k := s[0], s[1], s[2]
		x, y, w, bias := l.In("x", -1, 1, n, 3, 3, c), l.Out(n, 6, 6, k), l.In("w", -1, 1, c, 2, 2, k), l.Zeros(l.VectorType(), k)
		dx, dw, dy, dbias, db := l.Out(n, 3, 3, c), l.InVec("dw", -1, 1, c, 2, 2, k), l.In("dy", -1, 1, n, 6, 6, k), l.Vec(k), l.Out(n, 3, 3, 0)
		all = append(all, emptyCase{"transposed convolution, joined channels", func(of of) {
			gpu.ConvTranspose(of(y), of(x), of(w), of(bias))
			gpu.ConvTransposeBackwardData(of(dx), of(dy), of(w))
			gpu.ConvTransposeBackwardWeight(of(dw), of(dbias), of(dy), of(x))
			gpu.Concat(of(x), of(dx), of(db))
			gpu.Split(of(dx), of(db), of(x))
		}, []gputest.Twin{dw}, []gputest.Twin{y, dx}})
	}
	x, y, w, dw := l.In("x", -1, 1, 0, 5, 5, 4), l.Out(0, 5, 5, 2), l.In("w", -1, 1, 2, 3, 3, 3), l.InVec("dw", -1, 1, 2, 3, 3, 3)
	return append(all, emptyCase{"padded convolution", func(of of) {
		gpu.Conv(of(y), of(x), of(w), gpu.ConvSpec{Stride: 1, Pad: 1})
		gpu.ConvBackwardData(of(x), of(y), of(w), gpu.ConvSpec{Stride: 1, Pad: 1})
		gpu.ConvBackwardWeight(of(dw), of(y), of(x), gpu.ConvSpec{Stride: 1, Pad: 1})
	}, []gputest.Twin{dw}, nil})
}

// emptyProducts has products in which an axis is 0. Of no terms the product is 0, and with a bias the bias.
func emptyProducts(l *gputest.Lab) []emptyCase {
	var all []emptyCase
	for i := range 12 {
		m, n, k := 3, 5, 7
		*[]*int{&m, &n, &k}[i%3] = 0
		ad, bd := []int{m, k}, []int{k, n}
		ta, tb := i/3%2 == 1, i/6 == 1
		if ta {
			ad = []int{k, m}
		}
		if tb {
			bd = []int{n, k}
		}
		a, b, bias := l.In("a", -1, 1, ad...), l.In("b", -1, 1, bd...), l.Zeros(l.VectorType(), n)
		c, sum, act := l.Out(m, n), l.InVec("c", -1, 1, m, n), l.Out(m, n)
		all = append(all, emptyCase{"product", func(of of) {
			gpu.MatMul(of(c), of(a), of(b), ta, tb, 0)
			gpu.MatMul(of(sum), of(a), of(b), ta, tb, 1)
			gpu.MatMulBias(of(act), of(a), of(b), ta, tb, of(bias), true)
		}, []gputest.Twin{sum}, []gputest.Twin{c, act}})
	}
	return all
}

func emptyNorms(l *gputest.Lab) []emptyCase {
	var all []emptyCase
	for _, dims := range [][]int{{0, 8}, {0, 5}, {0, 4, 4, 8}, {2, 0, 4, 8}, {3, 0}, {2, 2, 2, 0}} {
		c, bn, none := dims[len(dims)-1], gpu.BatchNorm{Eps: 1e-5, Momentum: 0.1}, gpu.Tensor{}
		x, y, mask, present := l.In("x", -1, 1, dims...), l.Out(dims...), l.New(gpu.U8, 0), l.Zeros(gpu.U8, dims[0])
		mean, rstd, gamma, beta := l.Vec(c), l.Vec(c), l.InVec("gamma", -1, 1, c), l.InVec("beta", -1, 1, c)
		runMean, runVar, dg, db := l.InVec("m", -1, 1, c), l.InVec("v", 1, 2, c), l.InVec("dg", -1, 1, c), l.InVec("db", -1, 1, c)
		for i := range 4 {
			relu, who := i&1 != 0, func(of of) gpu.Tensor { return none }
			if i&2 != 0 {
				who = func(of of) gpu.Tensor { return of(present) }
			}
			all = append(all, emptyCase{"batch norm", func(of of) {
				gpu.BatchNormTrain(of(y), of(mask), gpu.Normed{X: of(x), Mean: of(mean), Rstd: of(rstd), Gamma: of(gamma), Beta: of(beta), RunMean: of(runMean), RunVar: of(runVar), Add: of(x), Present: who(of), ReLU: relu}, bn)
				gpu.BatchNormEval(of(y), of(mask), gpu.Normed{X: of(x), Gamma: of(gamma), Beta: of(beta), RunMean: of(runMean), RunVar: of(runVar), Add: of(x), Present: who(of), ReLU: relu}, bn)
				for _, through := range []gpu.Tensor{of(y), of(mask)} {
					gpu.BatchNormBackward(of(y), of(y), of(x), through, gpu.Normed{X: of(x), Mean: of(mean), Rstd: of(rstd), Gamma: of(gamma), Present: who(of), ReLU: relu, Dgamma: of(dg), Dbeta: of(db)})
					gpu.BatchNormEvalBackward(of(y), of(y), of(x), through, gpu.Normed{X: of(x), Gamma: of(gamma), RunMean: of(runMean), RunVar: of(runVar), Present: who(of), ReLU: relu, Dgamma: of(dg), Dbeta: of(db)}, bn)
				}
			}, []gputest.Twin{runMean, runVar, dg, db}, []gputest.Twin{mean, rstd}})
		}
	}
	return all
}

func emptyPools(l *gputest.Lab) []emptyCase {
	var all []emptyCase
	for _, s := range [][2]int{{0, 8}, {0, 3}, {2, 0}} {
		n, c := s[0], s[1]
		x, y, arg, mean := l.In("x", -1, 1, n, 6, 6, c), l.Out(n, 3, 3, c), l.New(gpu.U8, n, 3, 3, c), l.Out(n, c)
		all = append(all, emptyCase{name: "pools", run: func(of of) {
			gpu.MaxPool(of(y), of(arg), of(x), 3, 2, 1)
			gpu.MaxPoolBackward(of(x), of(y), of(arg), 3, 2, 1)
			gpu.GlobalAvgPool(of(mean), of(x))
			gpu.GlobalAvgPoolBackward(of(x), of(mean))
		}})
	}
	return all
}

func emptyElements(l *gputest.Lab) []emptyCase {
	var all []emptyCase
	for _, dims := range [][]int{{0, 8}, {0, 3}, {4, 0}, {0, 2, 2, 8}} {
		c := dims[len(dims)-1]
		x, y, present := l.In("x", -1, 1, dims...), l.Out(dims...), l.Zeros(gpu.U8, dims[0])
		bias, db := l.InVec("bias", -1, 1, c), l.InVec("db", -1, 1, c)
		wide := l.Out(append(append([]int(nil), dims[:len(dims)-1]...), c+4)...)
		all = append(all, emptyCase{"elements", func(of of) {
			gpu.Fill(of(y), 1)
			gpu.Copy(of(y), of(x))
			gpu.Add(of(y), of(x), of(x))
			gpu.ReLU(of(y), of(x))
			gpu.ReLUBackward(of(y), of(x), of(x))
			gpu.MaskRows(of(y), of(x), of(present))
			gpu.AddBias(of(y), of(x), of(bias))
			gpu.AddBiasReLU(of(y), of(x), of(bias))
			gpu.SumRows(of(db), of(x))
			gpu.PadChannels(of(wide), of(x))
		}, []gputest.Twin{db}, []gputest.Twin{wide}})
	}
	f32, other := l.New(gpu.F32, 0, 3), l.Out(0, 3)
	if l.Type == gpu.F32 {
		return all
	}
	return append(all, emptyCase{name: "casts", run: func(of of) {
		if of(f32).DType() != of(other).DType() {
			gpu.Cast(of(f32), of(other))
			gpu.Cast(of(other), of(f32))
		}
	}})
}

// emptyData has batches of nobody, tables of nobody and tables of nothing.
func emptyData(l *gputest.Lab) []emptyCase {
	var all []emptyCase
	for _, s := range [][3]int{{0, 9, 5}, {3, 0, 5}, {3, 9, 0}} { // batch, features, persons
		batch, features, persons := s[0], s[1], s[2]
		index := make([]int32, batch)
		for i := range index {
			index[i] = -1
		}
		at, y, none := l.Ints(index, batch), l.Out(batch, features), gputest.Twin{}
		codes, bits := l.Zeros(gpu.U8, persons, (2*features+7)/8), l.Zeros(gpu.U8, persons, (features+7)/8)
		lut, two, table, scale := l.InVec("lut", 1, 2, features, 4), l.InVec("two", 1, 2, features, 2), l.InVec("table", 1, 2, persons, features), l.InVec("scale", 1, 2, features)
		counts, all256 := l.Zeros(gpu.U8, persons, features), l.InVec("all", 1, 2, features, 256)
		for _, f := range []func(of of){
			func(of of) { gpu.DecodeGenotypes(of(y), of(codes), of(at), of(lut)) },
			func(of of) { gpu.DecodeBits(of(y), of(bits), of(at), of(two)) },
			func(of of) { gpu.DecodeBytes(of(y), of(counts), of(at), of(all256)) },
			func(of of) { gpu.GatherRows(of(y), of(table), of(at), of(scale), of(scale)) },
			func(of of) { gpu.GatherRows(of(y), of(counts), of(at), of(none), of(none)) },
		} {
			all = append(all, emptyCase{"data", f, nil, []gputest.Twin{y}})
		}
	}
	for _, s := range [][2]int{{0, 4}, {2, 0}} { // images, side
		y, src, geometry := l.Out(s[0], s[1], s[1], 4), l.Zeros(gpu.U8, s[0], 8, 8, 3), l.Zeros(gpu.I32, s[0], gpu.AugmentFields)
		colour, norm := l.InVec("colour", 1, 2, s[0], 3), l.InVec("norm", 1, 2, 6)
		all = append(all, emptyCase{name: "images", run: func(of of) { gpu.Augment(of(y), of(src), of(geometry), of(colour), of(norm)) }})
	}
	return all
}

func emptyLosses(l *gputest.Lab) []emptyCase {
	var all []emptyCase
	for _, s := range [][2]int{{0, 8}, {0, 130}} {
		n, d := s[0], s[1]
		z, dz, norm, unit, none := l.In("z", -1, 1, n, d), l.Out(n, d), l.Vec(n), l.Vec(n, d), gputest.Twin{}
		present, group, labels := l.Zeros(gpu.U8, n), l.Zeros(gpu.I32, n), l.Zeros(gpu.I32, n)
		loss, alone, mean, scale := l.Vec(4), l.Vec(4), l.Vec(2), l.InVec("scale", 1, 2, 1)
		targets, y, known := l.Vec(4), l.Vec(n, d), l.Zeros(gpu.U8, n, d)
		for pairs := range gpu.PositivePairs + 1 {
			spec := gpu.InfoNCESpec{Tau: 0.1, Lambda: 0.75, Pairs: pairs}
			all = append(all, emptyCase{"losses", func(of of) {
				gpu.InfoNCE(of(loss), of(dz), of(dz), of(z), of(z), of(present), of(group), of(scale), spec)
				gpu.InfoNCE(of(alone), of(none), of(none), of(z), of(z), of(present), of(group), of(none), spec)
				gpu.L2Norm(of(unit), of(norm), of(z), 1)
				gpu.L2NormBackward(of(dz), of(unit), of(unit), of(norm), 1)
				gpu.SoftmaxCrossEntropy(of(mean), of(dz), of(z), of(labels), of(scale))
				gpu.TargetLoss(of(targets), of(dz), of(z), of(y), of(known), of(scale), gpu.TargetLabels)
			}, nil, []gputest.Twin{loss, alone, mean, targets}})
		}
	}
	for _, s := range [][2]int{{0, 8}, {3, 0}} {
		x, dx, mask, known, out, scale := l.In("z", -1, 1, s[0], s[1]), l.Out(s[0], s[1]), l.Vec(s[0], s[1]), l.Zeros(gpu.U8, s[0], s[1]), l.Vec(4), l.InVec("scale", 1, 2, 1)
		all = append(all, emptyCase{"masks", func(of of) {
			gpu.DiceBCE(of(out), of(dx), of(x), of(mask), of(known), of(scale), gpu.DiceBCESpec{BCE: .2, Dice: .8, Smooth: 1})
		}, nil, []gputest.Twin{out}})
	}
	return all
}

func emptyOptim(l *gputest.Lab) []emptyCase {
	v := l.VectorType()
	p, rates, scale, sum, sumsq, flag := l.New(v, 0), l.InVec("rates", 1, 2, 3), l.InVec("scale", 1, 2, 1), l.Zeros(gpu.F64, 1), l.Zeros(gpu.F64, 1), l.Zeros(gpu.I32, 1)
	x, half := l.Out(0, 3), gputest.Twin{}
	if l.Type != v {
		half = l.New(l.Type, 0)
	}
	return []emptyCase{{"optimisers", func(of of) {
		gpu.Adam(of(p), of(half), of(p), of(p), of(p), of(rates), of(scale), gpu.AdamSpec{Beta1: 0.9, Beta2: 0.99, Eps: 1e-8})
		gpu.SGD(of(p), of(half), of(p), of(p), of(rates), of(scale), gpu.SGDSpec{Momentum: 0.9})
		gpu.EMA(of(p), of(p), of(scale))
		gpu.SumSquares(of(sum), of(p))
		gpu.ClipScale(of(scale), of(sumsq), 1, 1)
		gpu.Finite(of(flag), of(x))
	}, []gputest.Twin{sum, flag}, nil}}
}

// TestConformanceEmptyCopies brings nothing to the device and back.
func TestConformanceEmptyCopies(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		x, dev := l.Out(0, 3), l.Out(1).On.Device()
		up, err := dev.NewUpload(0)
		if err != nil {
			l.Fatal(err)
		}
		defer up.Close()
		down, err := dev.NewDownload(x.On)
		if err != nil {
			l.Fatal(err)
		}
		defer down.Close()
		if err := up.Begin(); err != nil {
			l.Fatal(err)
		}
		gpu.UploadTo(up, x.On, []float32{})
		up.Arrive()
		down.Queue()
		down.Mark()
		up.Release()
		if err := down.Wait(); err != nil {
			l.Fatal(err)
		}
		if v := down.Values(0); len(v) != 0 {
			l.Errorf("nothing came back as %v", v)
		}
		if err := dev.Sync(); err != nil {
			l.Error(err)
		}
	})
}
