package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
	"math"
)

// PassedLen returns the bytes of the bits of n elements that say what a ReLU let through, element i being bit i%8 of byte i/8; a multiple of 16.
func PassedLen(n int) int { return (n + 127) / 128 * 16 }

// PassedBits reports whether keeping a bit for what a ReLU let through is better than keeping its result, where
// activations have type t: it is where a thread has 8 channels of 16 bits at hand and writes their byte in the same pass. In
// float32, which the CPU computes in too, the mask would be a pass of its own.
func PassedBits(t DType) bool { return t == BF16 || t == F16 }

// BatchNorm has the constants of a batch normalisation (Ioffe & Szegedy 2015).
type BatchNorm struct {
	Eps      float64 // added to the variance
	Momentum float64 // weight of the batch in the running averages
}

// A Normed is what a batch normalisation works on: x [N, C] or [N, H, W, C], the rest [C]. Which of them an operation takes is said
// with it; what it does not take is not looked at.
type Normed struct {
	X, Mean, Rstd, Gamma, Beta, RunMean, RunVar Tensor
	Sums                                        Tensor // optional, on a GPU: ConvStats' of x, whose mean and variance are then not read from x again
	Add                                         Tensor // optional, like x: added to the result, before the ReLU
	Present                                     Tensor // optional, U8 [N]: 0 where a sample is absent
	ReLU                                        bool   // of the result
	Shared                                      bool   // statistics are of the rows of all ranks: see Device.Join
	Dgamma, Dbeta                               Tensor // optional: gradients are added to them
}

func (n Normed) args() bnArgs {
	return bnArgs{x: n.X, mean: n.Mean, rstd: n.Rstd, gamma: n.Gamma, beta: n.Beta, runMean: n.RunMean, runVar: n.RunVar, sums: n.Sums,
		add: n.Add, present: n.Present, relu: n.ReLU, shared: n.Shared, dgamma: n.Dgamma, dbeta: n.Dbeta}
}

// bnArgs are the tensors of one call; x is [N, C] or [N, H, W, C], the rest [C], shaped like x, or left out.
type bnArgs struct {
	y, x, add, present, mask                 Tensor
	mean, rstd, gamma, beta, runMean, runVar Tensor
	sums                                     Tensor
	dx, dadd, dgamma, dbeta, dy              Tensor
	relu, shared                             bool
	bn                                       BatchNorm
}

// check panics unless vectors are [C], images shaped like x and present [N].
func (a *bnArgs) check(op string, images, vectors map[string]Tensor) {
	wantFloat(op, "x", a.x, 2, 4)
	for _, name := range []string{"y", "dx", "dy"} {
		if t, ok := images[name]; ok {
			wantLike(op, name, t, a.x)
		}
	}
	for _, name := range []string{"add", "dadd"} {
		wantOptional(op, name, images[name], a.x)
	}
	for _, name := range []string{"mean", "rstd", "gamma", "beta", "runMean", "runVar"} {
		if t, ok := vectors[name]; ok {
			want(op, name, t, a.x, vectorType(a.x), a.x.Dim(a.x.Rank()-1))
		}
	}
	for _, name := range []string{"dgamma", "dbeta"} {
		if t := vectors[name]; t.Ok() {
			want(op, name, t, a.x, vectorType(a.x), a.x.Dim(a.x.Rank()-1))
		}
	}
	if a.present.Ok() {
		want(op, "present", a.present, a.x, U8, a.x.Dim(0))
	}
	if a.mask.Ok() {
		want(op, "mask", a.mask, a.x, U8, PassedLen(a.x.Len()))
	}
}

// BatchNormTrain computes y = [relu](gamma * (x - mean) * rstd + beta [+ add]) with the mean [C] and rstd [C] =
// 1/sqrt(variance + eps) of this batch, and moves the running averages (the variance unbiased, as PyTorch does).
// It takes all of n but the gradients, and fills Mean and Rstd. Samples whose present [N] (U8, optional) is 0 leave the statistics,
// whatever they hold, and their y is 0. With fewer than 2 rows of statistics y is 0 and nothing moves. y may be add. Where they are Shared
// all ranks get the same Mean, Rstd and running averages, and a rank may have no row at all.
// mask (U8 [PassedLen], optional, with relu) gets a bit for every element that the ReLU lets through: what
// BatchNormBackward needs in place of y, at a sixteenth of its memory in 16 bits.
func BatchNormTrain(y, mask Tensor, n Normed, bn BatchNorm) {
	a := n.args()
	a.y, a.mask, a.bn = y, mask, bn
	a.check("BatchNormTrain", map[string]Tensor{"y": y, "add": a.add},
		map[string]Tensor{"mean": a.mean, "rstd": a.rstd, "gamma": a.gamma, "beta": a.beta, "runMean": a.runMean, "runVar": a.runVar})
	a.wantSums()
	compute(a.x, func() { bnTrain[float32](&a); a.writeMask() }, func() { bnTrain[float64](&a); a.writeMask() }, func(c *gpu) { c.bnTrain(&a) })
}

func bnTrain[F Float](a *bnArgs) {
	r := newBNRows(a)
	rows, mean, m2 := bnStatistics(r, host[F](a.x))
	if a.shared {
		rows, mean, m2 = bnOverRanks(a.x.dev, rows, mean, m2)
	}
	tm, tr := host[F](a.mean), host[F](a.rstd)
	if rows < 2 {
		clear(tm)
		clear(tr)
		clear(host[F](a.y))
		return
	}
	runMean, runVar, k := host[F](a.runMean), host[F](a.runVar), a.bn.Momentum
	for j := range tm {
		variance := m2[j] / float64(rows)
		tm[j], tr[j] = F(mean[j]), F(1/math.Sqrt(variance+a.bn.Eps))
		runMean[j] = F((1-k)*float64(runMean[j]) + k*mean[j])
		runVar[j] = F((1-k)*float64(runVar[j]) + k*m2[j]/float64(rows-1))
	}
	bnApply(r, a, tm, tr)
}

// wantSums panics unless the sums, if any, are of x on a GPU, with nobody absent.
func (a *bnArgs) wantSums() {
	if !a.sums.Ok() {
		return
	}
	want("BatchNormTrain", "sums", a.sums, a.x, F32, 2, a.x.Dim(a.x.Rank()-1))
	if a.present.Ok() || a.x.dev.threads() > 0 {
		panic("gpu: BatchNormTrain: sums are of all samples, on a GPU")
	}
}

// Blocks to a multiprocessor: as many as it holds at a time where blocks leave partial results, or begin with more than a few
// reads, twice that where they do not.
const (
	bnMomentBlocks = 2 // of three that fit: the 32 KiB that two read at a time are what a memory's latency takes
	bnSumBlocks    = 3
	bnWriteBlocks  = 4
	bnHalvesBlocks = 3 // of kernels/batchnorm*_halves.cu, which write
)

// bnMoments is the scratch memory of a batch's statistics.
type bnMoments struct{ rows, count, mean, m2 uint64 }

// bnMomentsAt returns where they lie, and the bytes of all.
func bnMomentsAt(parts, channels int) (count, mean, m2, bytes int) {
	count, mean = arenaAlign, arenaAlign+aligned(4*parts)
	m2 = mean + aligned(8*parts*channels)
	return count, mean, m2, m2 + 4*parts*channels
}

func (c *gpu) bnMoments(parts, channels int) bnMoments {
	count, mean, m2, bytes := bnMomentsAt(parts, channels)
	p := c.scratch(bytes)
	return bnMoments{uint64(p), uint64(p.Add(count)), uint64(p.Add(mean)), uint64(p.Add(m2))}
}

func (c *gpu) bnTrain(a *bnArgs) {
	if a.overRanks() {
		a.sums = Tensor{}
	}
	if a.sums.Ok() {
		c.bnApply(a, a.mean.ptr(), a.rstd.ptr(), 0)
		return
	}
	c.bnApply(a, a.mean.ptr(), a.rstd.ptr(), c.bnFinish(a, columnsOf("BatchNormTrain", a.x)))
}

// bnFinish queues the statistics of x: mean and rstd, and the running averages. It returns where the number of rows will be.
func (c *gpu) bnFinish(a *bnArgs, s columnShape) uint64 {
	if a.overRanks() {
		return c.bnFinishRanks(a, s)
	}
	g, m := c.bnStatistics(a, s)
	launch(c, "batchnorm_finish", F32, s.totals(), &kernels.BatchnormFinish{Mean: a.mean.ptr(), Rstd: a.rstd.ptr(), RunMean: a.runMean.ptr(),
		RunVar: a.runVar.ptr(), Rows: m.rows, Count: m.count, Means: m.mean, M2: m.m2, Parts: int32(parts(g)), C: int32(s.c),
		Eps: a.bn.Eps, Momentum: a.bn.Momentum})
	return m.rows
}

// bnStatistics queues the moments of parts of the rows.
func (c *gpu) bnStatistics(a *bnArgs, s columnShape) (driver.Grid, bnMoments) {
	g := s.grid(c, kernels.NormRows, bnMomentBlocks)
	m := c.bnMoments(parts(g), s.c)
	launch(c, "batchnorm_statistics", a.x.dtype, g, &kernels.BatchnormStatistics{Count: m.count, Mean: m.mean, M2: m.m2, X: a.x.ptr(),
		Present: a.present.ptr(), Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)}, a.x)
	return g, m
}

// A statsPass is BatchNormTrain's pass over a convolution's y, with memory of its own.
type statsPass struct {
	c *gpu
	a bnArgs
	s columnShape
}

func newStatsPass(d driver.Device, q driver.Conv, t DType, y driver.Ptr) (*statsPass, error) {
	p := &statsPass{c: newGPU("", d, nil)}
	p.a.x = Tensor{dev: newDevice(p.c, ""), dtype: t, rank: 4, dims: [4]int{q.N, q.OH(), q.OW(), q.K}, at: y}
	p.s = columnsOf("BatchNormTrain", p.a.x)
	_, _, _, p.c.room = bnMomentsAt(parts(p.s.grid(p.c, kernels.NormRows, bnMomentBlocks)), p.s.c)
	var err error
	p.c.work, err = d.Alloc(p.c.room)
	return p, err
}

func (p *statsPass) close() {
	if p != nil && p.c.work != 0 {
		p.c.dev.Free(p.c.work)
	}
}

func (c *gpu) bnEval(a *bnArgs) {
	n := a.runVar.Len()
	rstd := uint64(c.scratch(4 * n))
	c.bnRstd(a, rstd, 0)
	c.bnApply(a, a.runMean.ptr(), rstd, 0)
}

// bnRstd queues 1/sqrt(variance + eps) of the running variance and, where scale is not 0, gamma times that.
func (c *gpu) bnRstd(a *bnArgs, rstd, scale uint64) {
	n := a.runVar.Len()
	launch(c, "batchnorm_rstd", F32, c.grid(n, 1), &kernels.BatchnormRstd{Rstd: rstd, Scale: scale, Var: a.runVar.ptr(), Gamma: a.gamma.ptr(),
		C: int32(n), Eps: a.bn.Eps})
}

// bnApply computes y and the mask, by mean and rstd or, where the convolution summed x, by its sums: then it also writes mean and
// rstd. The mask's bytes are written with y where a thread has 8 channels, else from y.
func (c *gpu) bnApply(a *bnArgs, mean, rstd, rows uint64) {
	s, written := columnsOf("BatchNorm", a.x, a.y, a.add), 0
	if s.group == 8 && a.mask.Ok() {
		written = a.x.Len() / 8
	}
	if a.halves(s) {
		c.bnApplyHalves(a, s, mean, rstd)
	} else {
		k := &kernels.BatchnormForward{Y: a.y.ptr(), X: a.x.ptr(), Add: a.add.ptr(), Mean: mean, Rstd: rstd, Gamma: a.gamma.ptr(), Beta: a.beta.ptr(),
			Sums: a.sums.ptr(), RunMean: a.runMean.ptr(), RunVar: a.runVar.ptr(), Present: a.present.ptr(), Count: rows, Eps: a.bn.Eps, Momentum: a.bn.Momentum,
			Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c), Relu: flag(a.relu)}
		if written > 0 {
			k.Mask = a.mask.ptr()
		}
		launch(c, "batchnorm_forward", a.x.dtype, s.grid(c, kernels.NormRows, bnWriteBlocks), k, a.y, a.x, a.add, a.mask)
	}
	c.bnMaskRest(a, written)
}

// bnMaskRest writes the bytes of the mask from `written` on.
func (c *gpu) bnMaskRest(a *bnArgs, written int) {
	if left := a.mask.Len() - written; a.mask.Ok() && left > 0 {
		launch(c, "batchnorm_mask", a.x.dtype, c.grid(left, 1), &kernels.BatchnormMask{Mask: a.mask.ptr(), Y: a.y.ptr(), N: int64(a.y.Len()),
			Bytes: int64(a.mask.Len()), First: int64(written)}, a.y, a.mask)
	}
}

// halves reports whether a call is one of those that networks of images in 16 bits make, which have kernels of their own: of all
// rows, eight columns at a time, and what a ReLU lets through as bits; without it nothing is added.
func (a *bnArgs) halves(s columnShape) bool {
	if s.group != 8 || s.rows < 2 || a.present.Ok() {
		return false
	}
	if a.relu {
		return a.mask.Ok()
	}
	return !a.mask.Ok() && !a.add.Ok() && !a.dadd.Ok()
}

func (c *gpu) bnApplyHalves(a *bnArgs, s columnShape, mean, rstd uint64) {
	g := s.grid(c, kernels.NormRows, bnHalvesBlocks)
	k := kernels.BatchnormAddrelu{Y: a.y.ptr(), Mask: a.mask.ptr(), X: a.x.ptr(), Add: a.add.ptr(), Mean: mean, Rstd: rstd, Gamma: a.gamma.ptr(), Beta: a.beta.ptr(),
		Sums: a.sums.ptr(), RunMean: a.runMean.ptr(), RunVar: a.runVar.ptr(), Eps: a.bn.Eps, Momentum: a.bn.Momentum, Rows: int32(s.rows), C: int32(s.c)}
	switch {
	case a.add.Ok():
		launch(c, "batchnorm_addrelu", a.x.dtype, g, &k, a.y, a.x, a.add, a.mask)
	case a.relu:
		launch(c, "batchnorm_relu", a.x.dtype, g, &kernels.BatchnormRelu{Y: k.Y, Mask: k.Mask, X: k.X, Mean: k.Mean, Rstd: k.Rstd, Gamma: k.Gamma, Beta: k.Beta,
			Sums: k.Sums, RunMean: k.RunMean, RunVar: k.RunVar, Eps: k.Eps, Momentum: k.Momentum, Rows: k.Rows, C: k.C}, a.y, a.x, a.mask)
	default:
		launch(c, "batchnorm_plain", a.x.dtype, g, &kernels.BatchnormPlain{Y: k.Y, X: k.X, Mean: k.Mean, Rstd: k.Rstd, Gamma: k.Gamma, Beta: k.Beta,
			Sums: k.Sums, RunMean: k.RunMean, RunVar: k.RunVar, Eps: k.Eps, Momentum: k.Momentum, Rows: k.Rows, C: k.C}, a.y, a.x)
	}
}

// perSample is the number of rows of a sample.
func (a *bnArgs) perSample(s columnShape) int32 { return int32(max(1, s.rows/max(1, a.x.Dim(0)))) }
