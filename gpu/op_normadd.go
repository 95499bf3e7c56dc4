package gpu

import (
	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/cpukern"
	"contig-gpu/gpu/internal/driver"
)

// A norm that something is added to before its ReLU is read by more than a convolution: so that one writes what it makes of it. The pass that
// would have, and whose result the convolution would have read, is spared.

// NormConvAddPays reports whether the device computes NormConvAdd in less time than BatchNormTrain and ConvStats. On a GPU it is measured once
// for every shape; the CPU, which has it, gains nothing by it.
func NormConvAddPays(x, w Tensor, s ConvSpec) bool {
	c, ok := normShape(x, w, s)
	return ok && fused(x, func(k *gpu) bool { return k.normAddPays(c, x.dtype) })
}

// NormConvAdd computes z = relu(line[0] x + line[1] + add) and ConvStats of z, and reports whether it summed y. line is BatchNormLine's. On a
// GPU it is for what NormConvAddPays says.
func NormConvAdd(y, sums, z, x, add, line, w Tensor, s ConvSpec) bool {
	const op = "NormConvAdd"
	c, p := convShape(op, "x", "w", "y", x, w, y, x.dtype, s), x.dev.pool
	want(op, "sums", sums, x, vectorType(x), 2, w.Dim(0))
	wantLine(op, line, x)
	wantLike(op, "add", add, x)
	wantLike(op, "z", z, x)
	x.dev.note(ConvForward, c, x.dtype)
	compute(x, func() {
		onLine[float32](z, x, add, line)
		cpukern.Conv(p, c, host[float32](y), host[float32](z), host[float32](w))
	},
		func() {
			onLine[float64](z, x, add, line)
			cpukern.Conv(p, c, host[float64](y), host[float64](z), host[float64](w))
		},
		func(k *gpu) { k.normConvAdd(c, y, sums, z, x, add, line, w) })
	return x.dev.threads() == 0
}

// normAddPays compares the device's convolution that applies a norm with an addition with one that reads what a pass of ours wrote.
func (c *gpu) normAddPays(s convolution.Shape, t DType) bool {
	if c.caps.Norms == nil || t != F16 && t != BF16 {
		return false
	}
	c.statsPay(s, t)
	q := c.convolution(s, t)
	var pass *normPass
	defer func() { pass.close() }()
	return c.caps.Norms.NormAddPays(q, func(d driver.Device, z, x, add driver.Ptr) (err error) {
		if pass == nil {
			if pass, err = newNormPass(d, q, t, z, x); err == nil {
				pass.a.add = pass.a.x
				pass.a.add.at = add
			}
		}
		if err == nil {
			pass.c.bnApplyHalves(&pass.a, pass.s, pass.a.mean.ptr(), pass.a.rstd.ptr())
		}
		return err
	})
}

func (c *gpu) normConvAdd(s convolution.Shape, y, sums, z, x, add, line, w Tensor) {
	q, _ := c.convOf(s, x.dtype, convolution.NormAddForward, 0)
	c.tally.add("conv_norm_add_forward_"+x.dtype.String(), s.Flops(), y, z, x, add, w)
	c.caps.Norms.ConvNormAddForward(q, y.at, x.at, w.at, line.at, shiftOf(line), add.at, z.at, sums.at, sums.at.Add(4*s.K))
}
