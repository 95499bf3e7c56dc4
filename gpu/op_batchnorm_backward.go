package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// BatchNormBackward computes dx and adds to Dgamma and Dbeta [C], each of them optional. X, Mean, Rstd, Gamma, Present and ReLU are
// BatchNormTrain's; through is its result or its mask, needed if ReLU and otherwise optional; dadd (optional) gets dy masked by the ReLU. Absent
// samples, and all of a batch with fewer than 2 rows, have gradient 0. dx may be dy; dadd may be dy if dx is not. Where statistics are Shared
// Dgamma and Dbeta get what this rank's rows add to them.
func BatchNormBackward(dx, dadd, dy, through Tensor, n Normed) {
	a := n.args()
	a.add, a.dx, a.dadd, a.dy = Tensor{}, dx, dadd, dy
	a.check("BatchNormBackward", a.through(through, map[string]Tensor{"dx": dx, "dy": dy, "dadd": dadd}),
		map[string]Tensor{"mean": a.mean, "rstd": a.rstd, "gamma": a.gamma, "dgamma": a.dgamma, "dbeta": a.dbeta})
	compute(a.x, func() { a.readMask(); bnBackward[float32](&a) }, func() { a.readMask(); bnBackward[float64](&a) }, func(c *gpu) { c.bnBackward(&a) })
}

// through takes what the ReLU let through, if there is one: its result, which is added to the images to check, or its mask.
func (a *bnArgs) through(t Tensor, images map[string]Tensor) map[string]Tensor {
	switch {
	case a.relu && t.dtype == U8:
		a.mask = t
	case a.relu:
		a.y, images["y"] = t, t
	}
	return images
}

func bnBackward[F Float](a *bnArgs) {
	r := newBNRows(a)
	s1, s2, n := bnTotals[F](r, a)
	if n < 2 {
		clear(host[F](a.dx))
		clear(host[F](a.dadd))
		return
	}
	rstd, gamma := host[F](a.rstd), host[F](a.gamma)
	k := make([]F, 3*r.c)
	scale, k1, k2 := k[:r.c], k[r.c:2*r.c], k[2*r.c:]
	for j := range scale {
		inv := float64(rstd[j])
		scale[j], k1[j], k2[j] = F(float64(gamma[j])*inv), F(s1[j]/float64(n)), F(s2[j]*inv*inv/float64(n))
	}
	bnGradient(r, a, scale, k1, k2)
}

// bnTotals returns bnReduce's sums over all rows, and how many these are; with 2 or more it adds this device's to dgamma and dbeta.
func bnTotals[F Float](r bnRows, a *bnArgs) (s1, s2 []float64, n int) {
	n = r.count()
	if !a.shared && n < 2 {
		return nil, nil, n
	}
	s1, s2 = bnReduce[F](r, a)
	own1, own2 := s1, s2
	if a.shared {
		s1, s2, n = bnSumOverRanks(a.x.dev, s1, s2, n)
	}
	if n >= 2 {
		bnAddSums(a, own1, own2, host[F](a.rstd))
	}
	return s1, s2, n
}

// bnAddSums adds bnReduce's sums to those of dgamma and dbeta that are asked for.
func bnAddSums[F Float](a *bnArgs, s1, s2 []float64, rstd []F) {
	for j, dgamma := 0, host[F](a.dgamma); j < len(dgamma); j++ {
		dgamma[j] += F(s2[j] * float64(rstd[j]))
	}
	for j, dbeta := 0, host[F](a.dbeta); j < len(dbeta); j++ {
		dbeta[j] += F(s1[j])
	}
}

// writeMask packs the signs of y into the mask, on the CPU.
func (a *bnArgs) writeMask() {
	if !a.mask.Ok() {
		return
	}
	m, y := host[uint8](a.mask), make([]float64, a.y.Len())
	Read(y, a.y)
	clear(m)
	for i, v := range y {
		if v > 0 {
			m[i/8] |= 1 << (i % 8)
		}
	}
}

// readMask makes y of the mask, on the CPU.
func (a *bnArgs) readMask() {
	if !a.mask.Ok() {
		return
	}
	y, n := make([]float64, a.x.Len()), 0
	for i, bits := range host[uint8](a.mask) {
		for b := 0; b < 8 && 8*i+b < len(y); b++ {
			y[8*i+b], n = float64(bits>>b&1), n+1
		}
	}
	arena := a.x.dev.NewArena(a.x.Bytes() + arenaAlign)
	a.y = arena.New(a.x.dtype, a.x.Dims()...)
	Write(a.y, y[:n])
}

// bnSums is the scratch memory of a gradient: parts of sums, and what follows from their totals.
type bnSums struct{ rows, count, sums, scale, k1, k2, tickets uint64 }

// bnSumsBytes returns what they take.
func bnSumsBytes(g driver.Grid, channels int) int {
	return arenaAlign + aligned(4*g.Blocks[0]*parts(g)) + aligned(4*2*parts(g)*channels) + 3*aligned(4*channels)
}

func (c *gpu) bnSums(g driver.Grid, channels int) bnSums {
	t, _ := c.bnSumsAnd(g, channels, 0)
	return t
}

// bnSumsAnd returns so many bytes more behind them.
func (c *gpu) bnSumsAnd(g driver.Grid, channels, more int) (bnSums, driver.Ptr) {
	count, sum, vector := aligned(4*g.Blocks[0]*parts(g)), aligned(4*2*parts(g)*channels), aligned(4*channels)
	p := c.scratch(bnSumsBytes(g, channels) + more)
	t := bnSums{rows: uint64(p), count: uint64(p.Add(arenaAlign)), tickets: c.partTickets(g)}
	p = p.Add(arenaAlign + count)
	t.sums, t.scale, t.k1, t.k2 = uint64(p), uint64(p.Add(sum)), uint64(p.Add(sum+vector)), uint64(p.Add(sum+2*vector))
	return t, p.Add(sum + 3*vector)
}

func (c *gpu) bnBackward(a *bnArgs) {
	s := columnsOf("BatchNormBackward", a.x, a.dy, a.y, a.dx, a.dadd)
	if a.halves(s) && !a.overRanks() {
		c.bnBackwardHalves(a, s)
		return
	}
	g := s.grid(c, kernels.BnBackRows, bnSumBlocks)
	var t bnSums
	if a.overRanks() {
		var own driver.Ptr
		t, own = c.bnSumsAnd(g, s.c, aligned(4*(2*s.c+2))+4*(2*s.c+2))
		c.bnSlopesRanks(a, s, g, t, own)
	} else {
		t = c.bnSums(g, s.c)
		c.bnReduce(a, a.x, s, g, t, a.rstd.ptr())
	}
	launch(c, "batchnorm_backward", a.x.dtype, s.grid(c, kernels.BnBackRows, bnWriteBlocks), &kernels.BatchnormBackward{Dx: a.dx.ptr(), Dadd: a.dadd.ptr(),
		Dy: a.dy.ptr(), Y: a.y.ptr(), Mask: a.mask.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2,
		Present: a.present.ptr(), Count: t.rows, Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)}, a.dx, a.dadd, a.dy, a.y, a.mask, a.x)
}

// bnReduce queues the sums over the rows and what follows from them; with the zero Tensor for x, those without it. Where the
// statistics are fixed t has no rows.
func (c *gpu) bnReduce(a *bnArgs, x Tensor, s columnShape, g driver.Grid, t bnSums, rstd uint64) {
	launch(c, "batchnorm_reduce", a.dy.dtype, g, &kernels.BatchnormReduce{Dgamma: a.dgamma.ptr(), Dbeta: a.dbeta.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2,
		PresentRows: t.rows, Sums: t.sums, Count: t.count, Tickets: t.tickets, Dy: a.dy.ptr(), Y: a.y.ptr(), Mask: a.mask.ptr(), X: x.ptr(), Mean: a.mean.ptr(),
		Gamma: a.gamma.ptr(), Rstd: rstd, Present: a.present.ptr(), Per: a.perSample(s), Rows: int32(s.rows), C: int32(s.c)}, a.dy, a.y, a.mask, x)
}

func (c *gpu) bnBackwardHalves(a *bnArgs, s columnShape) {
	g := s.grid(c, kernels.BnBackRows, bnSumBlocks)
	t := c.bnSums(g, s.c)
	r := kernels.BatchnormReluReduce{Dgamma: a.dgamma.ptr(), Dbeta: a.dbeta.ptr(), Scale: t.scale, K1: t.k1, K2: t.k2, RowsOut: t.rows, Sums: t.sums,
		Tickets: t.tickets, Dy: a.dy.ptr(), Through: a.mask.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(), Gamma: a.gamma.ptr(), Rstd: a.rstd.ptr(), Rows: int32(s.rows), C: int32(s.c)}
	k := kernels.BatchnormReluBackward{Dx: a.dx.ptr(), Dadd: a.dadd.ptr(), Dy: a.dy.ptr(), Through: a.mask.ptr(), X: a.x.ptr(), Mean: a.mean.ptr(),
		Scale: t.scale, K1: t.k1, K2: t.k2, Rows: int32(s.rows), C: int32(s.c)}
	back := s.grid(c, kernels.BnBackRows, bnHalvesBlocks)
	if !a.relu {
		launch(c, "batchnorm_plain_reduce", a.x.dtype, g, (*kernels.BatchnormPlainReduce)(&r), a.dy, a.x)
		launch(c, "batchnorm_plain_backward", a.x.dtype, back, (*kernels.BatchnormPlainBackward)(&k), a.dx, a.dy, a.x)
		return
	}
	launch(c, "batchnorm_relu_reduce", a.x.dtype, g, &r, a.dy, a.mask, a.x)
	if a.dadd.Ok() {
		launch(c, "batchnorm_addrelu_backward", a.x.dtype, back, (*kernels.BatchnormAddreluBackward)(&k), a.dx, a.dadd, a.dy, a.mask, a.x)
		return
	}
	launch(c, "batchnorm_relu_backward", a.x.dtype, back, &k, a.dx, a.dy, a.mask, a.x)
}
