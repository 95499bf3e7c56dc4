package gpu

import (
	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
	"math"
)

// A norm whose ReLU's result only a convolution reads need not write it: relu(gamma (x - mean) rstd + beta) is relu(line[0] x + line[1]),
// which the convolution can compute as it reads x. line [2, C] has x's type: in f16 slope and shift are off by 2^-11 of themselves, as x
// and what the norm would have written are; where a mean is many standard deviations from 0 the shift is as large, and all of its
// channel are off by 2^-11 of so many.

// NormConvPays reports whether the device computes NormConv and NormConvBackwardWeight of x, which is as it was before the norm, in less time
// than it takes to write what they read, and to read that. On a GPU it is measured once for every shape; the CPU, which has both,
// gains nothing by them.
func NormConvPays(x, w Tensor, s ConvSpec) bool {
	c, ok := normShape(x, w, s)
	return ok && fused(x, func(k *gpu) bool { return k.normPays(c, x.dtype) })
}

// normShape returns the shape of a convolution that reads what a norm makes of x, and whether it may have to do with the norm.
func normShape(x, w Tensor, s ConvSpec) (convolution.Shape, bool) {
	c := convolution.Shape{N: x.Dim(0), H: x.Dim(1), W: x.Dim(2), C: x.Dim(3), K: w.Dim(0), R: w.Dim(1), S: w.Dim(2), Stride: s.Stride, Pad: s.Pad}
	return c, x.Len() > 0 && w.Len() > 0 && w.Dim(3) == c.C && c.C%8 == 0 && x.at%16 == 0 && c.N*c.H*c.W > 1
}

// BatchNormLine does what BatchNormTrain does with ReLU, over all samples, but for the result: it writes line [2, C], of x's type, of
// which NormConv makes it.
func BatchNormLine(line Tensor, n Normed, bn BatchNorm) {
	const op = "BatchNormLine"
	a := n.args()
	a.add, a.present, a.relu, a.bn = Tensor{}, Tensor{}, false, bn
	a.check(op, nil, map[string]Tensor{"mean": a.mean, "rstd": a.rstd, "gamma": a.gamma, "beta": a.beta, "runMean": a.runMean, "runVar": a.runVar})
	wantLine(op, line, a.x)
	a.wantOwn(op)
	a.wantSums()
	compute(a.x, func() { bnLine[float32](line, &a) }, func() { bnLine[float64](line, &a) }, func(c *gpu) { c.bnLine(line, &a) })
}

// wantOwn panics where statistics are to be of all ranks, which have those of a pass alone.
func (a *bnArgs) wantOwn(op string) {
	if a.shared {
		panic("gpu: " + op + ": statistics are of the rows of this rank alone")
	}
}

func wantLine(op string, line, x Tensor) { want(op, "line", line, x, x.dtype, 2, x.Dim(x.Rank()-1)) }

func bnLine[F Float](line Tensor, a *bnArgs) {
	a.y = alike(a.x)
	bnTrain[F](a)
	l, mean, rstd, gamma, beta := host[F](line), host[F](a.mean), host[F](a.rstd), host[F](a.gamma), host[F](a.beta)
	for j := range mean {
		l[j] = gamma[j] * rstd[j]
		l[len(mean)+j] = beta[j] - mean[j]*l[j]
	}
}

// alike takes memory of its own for a tensor like x, on the CPU.
func alike(x Tensor) Tensor { return x.dev.NewArena(x.Bytes()+arenaAlign).New(x.dtype, x.Dims()...) }

// onLine computes y = relu(line[0] x + line[1] [+ add]), on the CPU.
func onLine[F Float](y, x, add, line Tensor) Tensor {
	to, from, more, l, c := host[F](y), host[F](x), host[F](add), host[F](line), x.Dim(x.Rank()-1)
	for i, v := range from {
		v = v*l[i%c] + l[c+i%c]
		if more != nil {
			v += more[i]
		}
		to[i] = max(0, v)
	}
	return y
}

// NormConv computes ConvStats of relu(line[0] x + line[1]), whose padding is 0, and reports whether it summed y. On a GPU it is for what
// NormConvPays says.
func NormConv(y, sums, x, line, w Tensor, s ConvSpec) bool {
	const op = "NormConv"
	c, p := convShape(op, "x", "w", "y", x, w, y, x.dtype, s), x.dev.pool
	want(op, "sums", sums, x, vectorType(x), 2, w.Dim(0))
	wantLine(op, line, x)
	x.dev.note(ConvForward, c, x.dtype)
	compute(x, func() {
		cpukern.Conv(p, c, host[float32](y), host[float32](onLine[float32](alike(x), x, Tensor{}, line)), host[float32](w))
	},
		func() {
			cpukern.Conv(p, c, host[float64](y), host[float64](onLine[float64](alike(x), x, Tensor{}, line)), host[float64](w))
		},
		func(k *gpu) { k.normConv(c, y, sums, x, line, w) })
	return x.dev.threads() == 0
}

// NormConvBackwardWeight adds the gradient of NormConv's w to dw, as ConvBackwardWeight does.
func NormConvBackwardWeight(dw, dy, x, line Tensor, s ConvSpec) {
	const op = "NormConvBackwardWeight"
	c := convShape(op, "x", "dw", "dy", x, dw, dy, vectorType(x), s)
	wantLine(op, line, x)
	x.dev.note(ConvWeight, c, x.dtype)
	compute(x, func() { convBackwardWeight[float32](c, dw, dy, onLine[float32](alike(x), x, Tensor{}, line)) },
		func() { convBackwardWeight[float64](c, dw, dy, onLine[float64](alike(x), x, Tensor{}, line)) },
		func(k *gpu) { k.normConvBackwardWeight(c, dw, dy, x, line) })
}

// BatchNormLineBackward is BatchNormBackward after BatchNormLine: what the ReLU let through is where line[0] x + line[1] is above 0.
// dx may be dy.
func BatchNormLineBackward(dx, dy, line Tensor, n Normed) {
	const op = "BatchNormLineBackward"
	a := n.args()
	a.add, a.present, a.relu, a.dx, a.dy = Tensor{}, Tensor{}, true, dx, dy
	a.check(op, map[string]Tensor{"dx": dx, "dy": dy},
		map[string]Tensor{"mean": a.mean, "rstd": a.rstd, "gamma": a.gamma, "dgamma": a.dgamma, "dbeta": a.dbeta})
	wantLine(op, line, a.x)
	a.wantOwn(op)
	compute(a.x, func() { a.y = onLine[float32](alike(a.x), a.x, Tensor{}, line); bnBackward[float32](&a) },
		func() { a.y = onLine[float64](alike(a.x), a.x, Tensor{}, line); bnBackward[float64](&a) }, func(c *gpu) { c.bnBackwardLine(&a, line) })
}

// normPays compares the device's convolutions that apply a norm with those that read what a pass of ours wrote.
func (c *gpu) normPays(s convolution.Shape, t DType) bool {
	if c.caps.Norms == nil || t != F16 && t != BF16 {
		return false
	}
	c.statsPay(s, t)
	q := c.convolution(s, t)
	var pass *normPass
	defer func() { pass.close() }()
	return c.caps.Norms.NormPays(q, func(d driver.Device, y, x driver.Ptr) (err error) {
		if pass == nil {
			pass, err = newNormPass(d, q, t, y, x)
		}
		if err == nil {
			pass.c.bnApplyHalves(&pass.a, pass.s, pass.a.mean.ptr(), pass.a.rstd.ptr())
		}
		return err
	})
}

// A normPass is the pass that BatchNormTrain with ReLU makes over a convolution's x, or that of its gradient, with memory of its own.
type normPass struct {
	c     *gpu
	a     bnArgs
	s     columnShape
	line  Tensor
	taken driver.Ptr
}

func newNormPass(d driver.Device, q driver.Conv, t DType, y, x driver.Ptr) (*normPass, error) {
	p := &normPass{c: newGPU("", d, nil)}
	dev, vector := newDevice(p.c, ""), aligned(4*q.C)
	p.a.x = Tensor{dev: dev, dtype: t, rank: 4, dims: [4]int{q.N, q.H, q.W, q.C}, at: x}
	p.a.y, p.a.relu = p.a.x, true
	p.a.y.at = y
	p.s = columnsOf("BatchNormTrain", p.a.x, p.a.y)
	p.c.room = aligned(bnSumsBytes(p.s.grid(p.c, kernels.BnBackRows, bnSumBlocks), q.C))
	own := 7*vector + aligned(PassedLen(p.a.x.Len()))
	all, err := d.Alloc(own + gateBytes + p.c.room)
	if err != nil {
		return p, err
	}
	p.taken, p.c.gate, p.c.work = all, all.Add(own), all.Add(own+gateBytes)
	d.Set(all, math.Float32bits(1), 4, own/4) // y becomes relu(x), and no zeros, on which a GPU is faster
	d.Set(p.c.gate, 0, 4, gateBytes/4)
	for i, v := range []*Tensor{&p.a.mean, &p.a.rstd, &p.a.gamma, &p.a.beta, &p.a.runMean, &p.a.runVar} {
		*v = Tensor{dev: dev, dtype: F32, rank: 1, dims: [4]int{q.C}, at: all.Add(i * vector)}
	}
	p.line = Tensor{dev: dev, dtype: t, rank: 2, dims: [4]int{2, q.C}, at: all.Add(6 * vector)}
	p.a.mask = Tensor{dev: dev, dtype: U8, rank: 1, dims: [4]int{PassedLen(p.a.x.Len())}, at: all.Add(7 * vector)}
	return p, nil
}

func (p *normPass) close() {
	if p != nil && p.taken != 0 {
		p.c.dev.Free(p.taken)
	}
}

func (c *gpu) bnLine(line Tensor, a *bnArgs) {
	if !a.sums.Ok() {
		c.bnFinish(a, columnsOf("BatchNormLine", a.x))
	}
	rows := a.x.Len() / max(1, a.gamma.Len())
	launch(c, "batchnorm_line", a.x.dtype, driver.Grid{Blocks: [3]int{(a.gamma.Len() + threads - 1) / threads}, Threads: [3]int{threads}},
		&kernels.BatchnormLine{Line: line.ptr(), Mean: a.mean.ptr(), Rstd: a.rstd.ptr(), Gamma: a.gamma.ptr(), Beta: a.beta.ptr(), Sums: a.sums.ptr(),
			RunMean: a.runMean.ptr(), RunVar: a.runVar.ptr(), Eps: a.bn.Eps, Momentum: a.bn.Momentum, Rows: int32(rows), C: int32(a.gamma.Len())})
}

// shiftOf returns where the second row of a line is.
func shiftOf(line Tensor) driver.Ptr { return line.at.Add(line.Bytes() / 2) }

func (c *gpu) normConv(s convolution.Shape, y, sums, x, line, w Tensor) {
	q, _ := c.convOf(s, x.dtype, convolution.NormForward, 0)
	c.tally.add("conv_norm_forward_"+x.dtype.String(), s.Flops(), y, x, w)
	c.caps.Norms.ConvNormForward(q, y.at, x.at, w.at, line.at, shiftOf(line), sums.at, sums.at.Add(4*s.K))
}

func (c *gpu) normConvBackwardWeight(s convolution.Shape, dw, dy, x, line Tensor) {
	q, _ := c.convOf(s, x.dtype, convolution.NormWeight, 0)
	part := Tensor{dtype: x.dtype, rank: dw.rank, dims: dw.dims}
	c.tally.add("conv_norm_weight_"+x.dtype.String(), s.Flops(), part, dy, x)
	c.caps.Norms.ConvNormBackwardWeight(q, dw.at, dy.at, x.at, line.at, shiftOf(line))
	c.tally.addBytes("cast_add_"+x.dtype.String(), dw.Len()*(8+x.dtype.Size())) // queued by now: its time is the convolution's
}

func (c *gpu) bnBackwardLine(a *bnArgs, line Tensor) {
	s := columnsOf("BatchNormLineBackward", a.x, a.dy, a.dx, line)
	if s.group != 8 || s.rows < 2 {
		panic("gpu: BatchNormLineBackward: on a GPU x has 16 bits, and rows of 8 channels or multiples")
	}
	t := c.bnLineReduce(a, line, s)
	launch(c, "batchnorm_line_backward", a.x.dtype, s.grid(c, kernels.BnBackRows, bnHalvesBlocks), &kernels.BatchnormLineBackward{Dx: a.dx.ptr(), Dy: a.dy.ptr(),
		Through: line.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2, Rows: int32(s.rows), C: int32(s.c)}, a.dx, a.dy, a.x)
}

func (c *gpu) bnLineReduce(a *bnArgs, line Tensor, s columnShape) bnSums {
	g := s.grid(c, kernels.BnBackRows, bnSumBlocks)
	t := c.bnSums(g, s.c)
	launch(c, "batchnorm_line_reduce", a.x.dtype, g, &kernels.BatchnormLineReduce{Dgamma: a.dgamma.ptr(), Dbeta: a.dbeta.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2,
		RowsOut: t.rows, Sums: t.sums, Tickets: t.tickets, Dy: a.dy.ptr(), Through: line.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(), Gamma: a.gamma.ptr(), Rstd: a.rstd.ptr(),
		Rows: int32(s.rows), C: int32(s.c)}, a.dy, a.x)
	return t
}
