package gpu

import "math"

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
	Sums     Tensor  // optional, on a GPU: ConvStats' of x, whose mean and variance are then not read from x again
}

// bnArgs are the tensors of one call; x is [N, C] or [N, H, W, C], the rest [C], shaped like x, or left out.
type bnArgs struct {
	y, x, add, present, mask                 Tensor
	mean, rstd, gamma, beta, runMean, runVar Tensor
	dx, dadd, dgamma, dbeta, dy              Tensor
	relu                                     bool
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
// x is [N, C] or [N, H, W, C]; add is optional. Samples whose present [N] (U8, optional) is 0 leave the statistics,
// whatever they hold, and their y is 0. With fewer than 2 rows of statistics y is 0 and nothing moves. y may be add.
// mask (U8 [PassedLen], optional, with relu) gets a bit for every element that the ReLU lets through: what
// BatchNormBackward needs in place of y, at a sixteenth of its memory in 16 bits.
func BatchNormTrain(y, mean, rstd, x, gamma, beta, runMean, runVar, add, present, mask Tensor, relu bool, bn BatchNorm) {
	a := &bnArgs{y: y, x: x, add: add, present: present, mask: mask, mean: mean, rstd: rstd, gamma: gamma, beta: beta, runMean: runMean, runVar: runVar, relu: relu, bn: bn}
	a.check("BatchNormTrain", map[string]Tensor{"y": y, "add": add},
		map[string]Tensor{"mean": mean, "rstd": rstd, "gamma": gamma, "beta": beta, "runMean": runMean, "runVar": runVar})
	a.wantSums()
	compute(x, func() { bnTrain[float32](a); a.writeMask() }, func() { bnTrain[float64](a); a.writeMask() }, func(c *gpu) { c.bnTrain(a) })
}

func bnTrain[F Float](a *bnArgs) {
	r := newBNRows(a)
	rows, mean, m2 := bnStatistics(r, host[F](a.x))
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
	if !a.bn.Sums.Ok() {
		return
	}
	want("BatchNormTrain", "sums", a.bn.Sums, a.x, F32, 2, a.x.Dim(a.x.Rank()-1))
	if a.present.Ok() || a.x.dev.pool != nil {
		panic("gpu: BatchNormTrain: sums are of all samples, on a GPU")
	}
}

// BatchNormBackward computes dx and adds to dgamma and dbeta [C], each of them optional. mean and rstd are BatchNormTrain's;
// y is its result or its mask, needed if relu and otherwise optional; dadd (optional) gets dy masked by the ReLU. Absent
// samples, and all of a batch with fewer than 2 rows, have gradient 0. dx may be dy; dadd may be dy if dx is not.
func BatchNormBackward(dx, dadd, dgamma, dbeta, dy, y, x, mean, rstd, gamma, present Tensor, relu bool) {
	a := &bnArgs{dx: dx, dadd: dadd, dgamma: dgamma, dbeta: dbeta, dy: dy, x: x, mean: mean, rstd: rstd, gamma: gamma, present: present, relu: relu}
	a.check("BatchNormBackward", a.through(y, map[string]Tensor{"dx": dx, "dy": dy, "dadd": dadd}), map[string]Tensor{"mean": mean, "rstd": rstd, "gamma": gamma, "dgamma": dgamma, "dbeta": dbeta})
	compute(x, func() { a.readMask(); bnBackward[float32](a) }, func() { a.readMask(); bnBackward[float64](a) }, func(c *gpu) { c.bnBackward(a) })
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
	n := r.count()
	if n < 2 {
		clear(host[F](a.dx))
		clear(host[F](a.dadd))
		return
	}
	s1, s2 := bnReduce[F](r, a)
	rstd, gamma := host[F](a.rstd), host[F](a.gamma)
	bnAddSums(a, s1, s2, rstd)
	k := make([]F, 3*r.c)
	scale, k1, k2 := k[:r.c], k[r.c:2*r.c], k[2*r.c:]
	for j := range scale {
		inv := float64(rstd[j])
		scale[j], k1[j], k2[j] = F(float64(gamma[j])*inv), F(s1[j]/float64(n)), F(s2[j]*inv*inv/float64(n))
	}
	bnGradient(r, a, scale, k1, k2)
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
