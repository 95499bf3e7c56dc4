package gpu

import (
	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
)

// A convolution's gradient of what it reads can also apply the ReLU's, and sum what the norm before it needs, while it has both at hand:
// what the ReLU let through follows from the norm's input. An element that lies within its own rounding of 0 may be let through by one
// pass and not by the other.

// NormConvDataPays reports whether the device computes NormConvBackwardData of what w reads, which a norm of x made, in less time than
// ConvBackwardData and the norm's sums as a pass of their own. add tells whether something is added before the ReLU, and to the gradient.
// On a GPU it is measured once for every shape; the CPU, which has it, gains nothing by it.
func NormConvDataPays(x, w Tensor, s ConvSpec, add bool) bool {
	c, ok := normShape(x, w, s)
	return ok && fused(x, func(k *gpu) bool { return k.normDataPays(c, x.dtype, add) })
}

// NormConvBackwardData computes d, the gradient of ConvBackwardData [+ branch] where the ReLU let through, and sums [2, C]: of d times
// (X - Mean) Rstd and of d, which are the gradients of gamma and beta. What w reads is relu(gamma (X - Mean) Rstd + beta [+ Add]); branch
// and Add come together or not at all. On a GPU it is for what NormConvDataPays says.
func NormConvBackwardData(d, sums, dy, branch, w Tensor, s ConvSpec, n Normed) {
	const op = "NormConvBackwardData"
	c, a := convShape(op, "d", "w", "dy", d, w, dy, d.dtype, s), n.args()
	a.present, a.relu, a.dx = Tensor{}, true, d
	a.check(op, map[string]Tensor{"dx": d, "add": a.add, "dadd": branch}, map[string]Tensor{"mean": a.mean, "rstd": a.rstd, "gamma": a.gamma, "beta": a.beta})
	want(op, "sums", sums, d, vectorType(d), 2, d.Dim(3))
	a.wantOwn(op)
	if branch.Ok() != a.add.Ok() {
		panic("gpu: " + op + ": a branch comes with what is added before the ReLU")
	}
	d.dev.note(ConvData, c, d.dtype)
	compute(d, func() { normConvBackwardData[float32](c, sums, dy, branch, w, &a) },
		func() { normConvBackwardData[float64](c, sums, dy, branch, w, &a) }, func(k *gpu) { k.normConvBackwardData(c, sums, dy, branch, w, &a) })
}

func normConvBackwardData[F Float](c convolution.Shape, sums, dy, branch, w Tensor, a *bnArgs) {
	a.y = alike(a.x)
	r := newBNRows(a)
	bnApply(r, a, host[F](a.mean), host[F](a.rstd))
	d := host[F](a.dx)
	copy(d, host[F](branch))
	cpukern.ConvBackwardData(a.x.dev.pool, c, d, host[F](dy), host[F](w), branch.Ok())
	for i, y := range host[F](a.y) {
		if y <= 0 {
			d[i] = 0
		}
	}
	a.relu, a.dy = false, a.dx
	b := *a
	b.y = Tensor{}
	s1, s2 := bnReduce[F](r, &b)
	to, rstd := host[F](sums), host[F](a.rstd)
	for j := range s1 {
		to[j], to[len(s1)+j] = F(s2[j]*float64(rstd[j])), F(s1[j])
	}
}

// BatchNormSummedBackward computes dx, the gradient of X, of NormConvBackwardData's d and sums, and adds these to Dgamma and Dbeta, each of
// them optional. dx may be d.
func BatchNormSummedBackward(dx, d, sums Tensor, n Normed) {
	const op = "BatchNormSummedBackward"
	a := n.args()
	a.add, a.present, a.relu, a.dx, a.dy = Tensor{}, Tensor{}, false, dx, d
	a.check(op, map[string]Tensor{"dx": dx, "dy": d}, map[string]Tensor{"mean": a.mean, "rstd": a.rstd, "gamma": a.gamma, "dgamma": a.dgamma, "dbeta": a.dbeta})
	want(op, "sums", sums, d, vectorType(d), 2, d.Dim(d.Rank()-1))
	a.wantOwn(op)
	compute(d, func() { bnSummedBackward[float32](sums, &a) }, func() { bnSummedBackward[float64](sums, &a) }, func(c *gpu) { c.bnSummedBackward(sums, &a) })
}

func bnSummedBackward[F Float](sums Tensor, a *bnArgs) {
	r, s, rstd, gamma := newBNRows(a), host[F](sums), host[F](a.rstd), host[F](a.gamma)
	n := float64(r.rows)
	k := make([]F, 3*r.c)
	scale, k1, k2 := k[:r.c], k[r.c:2*r.c], k[2*r.c:]
	s1, s2 := make([]float64, r.c), make([]float64, r.c)
	for j := range scale {
		inv := float64(rstd[j])
		s1[j], s2[j] = float64(s[r.c+j]), float64(s[j])/inv
		scale[j], k1[j], k2[j] = F(float64(gamma[j])*inv), F(s1[j]/n), F(float64(s[j])*inv/n)
	}
	bnAddSums(a, s1, s2, rstd)
	bnGradient(r, a, scale, k1, k2)
}

// normDataPays compares the device's convolution that sums for a norm with its convolution and a pass of ours.
func (c *gpu) normDataPays(s convolution.Shape, t DType, add bool) bool {
	if c.caps.Norms == nil || t != F16 && t != BF16 {
		return false
	}
	q := c.convolution(s, t)
	var pass *normPass
	defer func() { pass.close() }()
	return c.caps.Norms.NormDataPays(q, add, func(d driver.Device, dy, x driver.Ptr) (err error) {
		if pass == nil {
			pass, err = newNormPass(d, q, t, dy, x)
		}
		if err == nil {
			pass.sum()
		}
		return err
	})
}

// sum makes the sums of the norm's gradient. What the ReLU let through follows from the line; where a residual is added it is a sixteenth
// more to read.
func (p *normPass) sum() {
	a := p.a
	a.dy, a.y = a.y, Tensor{}
	p.c.bnLineReduce(&a, p.line, p.s)
}

func (c *gpu) normConvBackwardData(s convolution.Shape, sums, dy, branch, w Tensor, a *bnArgs) {
	pass := convolution.NormData
	if branch.Ok() {
		pass = convolution.NormDataAdd
	}
	q, line := c.convOf(s, dy.dtype, pass, 3*aligned(4*s.C))
	c.tally.add("conv_norm_data_"+dy.dtype.String(), s.Flops(), a.dx, dy, w, a.x, a.add, branch)
	c.caps.Norms.ConvNormBackwardData(q, a.dx.at, dy.at, w.at, driver.NormInput{X: a.x.at, Mean: a.mean.at, Rstd: a.rstd.at, Gamma: a.gamma.at, Beta: a.beta.at,
		Add: a.add.at, Branch: branch.at}, sums.at, sums.at.Add(4*s.C), line)
}

func (c *gpu) bnSummedBackward(sums Tensor, a *bnArgs) {
	s := columnsOf("BatchNormSummedBackward", a.x, a.dy, a.dx)
	if s.group != 8 {
		panic("gpu: BatchNormSummedBackward: on a GPU x has 16 bits, and rows of 8 channels or multiples")
	}
	launch(c, "batchnorm_summed_backward", a.x.dtype, s.grid(c, kernels.BnBackRows, bnHalvesBlocks), &kernels.BatchnormSummedBackward{Dx: a.dx.ptr(), Dgamma: a.dgamma.ptr(),
		Dbeta: a.dbeta.ptr(), D: a.dy.ptr(), X: a.x.ptr(), Sums: sums.ptr(), Mean: a.mean.ptr(), Rstd: a.rstd.ptr(), Gamma: a.gamma.ptr(),
		Rows: int32(s.rows), C: int32(s.c)}, a.dx, a.dy, a.x)
}
