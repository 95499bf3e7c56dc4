package gpu

import (
	"math"

	"contig-gpu/kernels"
)

// DiceBCESpec weighs the two parts of a loss of segmentation, each from 0 on.
type DiceBCESpec struct {
	BCE    float64 // of the mean binary cross-entropy
	Dice   float64 // of 1 less the soft Dice coefficient
	Smooth float64 // added to both sides of that quotient, above 0
}

// Unknown is a value of a mask of which nothing is known, as is every other but 0 and 1: such an element does not count.
const Unknown = 255

// DiceBCE computes the loss of logits x against masks (U8, of the same shape; 1 where an element is of the class), over all elements that are known, of all images and classes at once:
//
//	p = 1 / (1 + e^-x)
//	bce = mean of -log p where the mask is 1, of -log(1 - p) where it is 0
//	dice = 1 - (2 sum p t + smooth) / (sum p + sum t + smooth)
//
// and out [4] = {BCE bce + Dice dice, bce, dice, share of the elements that is known, times x's first dimension}. dx (of x's type; optional, with scale) is the gradient of the first times scale [1].
// Without a known element all are 0. out and scale are of the vector type, sums in float64. dx may be x. As method: Milletari et al. 2016 (V-Net) for Dice, with torch's binary_cross_entropy_with_logits.
func DiceBCE(out, dx, x, mask, scale Tensor, spec DiceBCESpec) {
	wantFloat("DiceBCE", "x", x)
	want("DiceBCE", "out", out, x, vectorType(x), 4)
	want("DiceBCE", "mask", mask, x, U8, x.Dims()...)
	wantOptional("DiceBCE", "dx", dx, x)
	if dx.Ok() {
		want("DiceBCE", "scale", scale, x, vectorType(x), 1)
	}
	compute(x, func() { diceBCE[float32](out, dx, x, mask, scale, spec) }, func() { diceBCE[float64](out, dx, x, mask, scale, spec) },
		func(c *card) { c.diceBCE(out, dx, x, mask, scale, spec) })
}

// A maskSum is what the loss needs to know of elements: of their cross-entropy, p t, p, and t; and how many are known.
type maskSum struct{ bce, both, p, t, known float64 }

func (s *maskSum) add(o maskSum) {
	s.bce, s.both, s.p, s.t, s.known = s.bce+o.bce, s.both+o.both, s.p+o.p, s.t+o.t, s.known+o.known
}

// values are the loss and its parts.
func (s maskSum) values(spec DiceBCESpec) (loss, bce, dice float64) {
	if s.known == 0 {
		return 0, 0, 0
	}
	bce, dice = s.bce/s.known, 1-(2*s.both+spec.Smooth)/(s.p+s.t+spec.Smooth)
	return spec.BCE*bce + spec.Dice*dice, bce, dice
}

// logistic returns p and 1 - p, each with all its digits, and log(1 + e^-|x|).
func logistic(x float64) (p, q, log float64) {
	e := math.Exp(-math.Abs(x))
	p, q, log = 1/(1+e), e/(1+e), math.Log1p(e)
	if x < 0 {
		p, q = q, p
	}
	return p, q, log
}

func diceBCE[F Float](tout, tdx, tx, tm, tscale Tensor, spec DiceBCESpec) {
	x, dx, mask, out := host[F](tx), host[F](tdx), host[uint8](tm), host[F](tout)
	parts := make([]maskSum, (len(x)+blockLen-1)/blockLen)
	blocks(tx.dev, len(x), func(lo, hi int) { parts[lo/blockLen] = sumMask(x[lo:hi], mask[lo:hi]) })
	var s maskSum
	for _, p := range parts {
		s.add(p)
	}
	loss, bce, dice := s.values(spec)
	out[0], out[1], out[2], out[3] = F(loss), F(bce), F(dice), F(s.known/float64(max(1, len(x)))*float64(tx.Dim(0)))
	if dx == nil {
		return
	}
	k := 0.0
	if s.known > 0 {
		k = float64(host[F](tscale)[0])
	}
	below := s.p + s.t + spec.Smooth
	g := maskGradient{bce: k * spec.BCE / max(1, s.known), all: k * spec.Dice * (2*s.both + spec.Smooth) / (below * below), own: k * spec.Dice * 2 / below}
	blocks(tx.dev, len(x), func(lo, hi int) { gradMask(dx[lo:hi], x[lo:hi], mask[lo:hi], g) })
}

func sumMask[F Float](x []F, mask []uint8) (s maskSum) {
	for i, m := range mask {
		if m > 1 {
			continue
		}
		v, t := float64(x[i]), float64(m)
		p, _, log := logistic(v)
		s.add(maskSum{math.Max(v, 0) - v*t + log, p * t, p, t, 1})
	}
	return s
}

// A maskGradient has the factors of the gradient: of p - t, of p (1 - p), and of t p (1 - p), which is subtracted.
type maskGradient struct{ bce, all, own float64 }

func gradMask[F Float](dx, x []F, mask []uint8, g maskGradient) {
	for i, m := range mask {
		if m > 1 {
			dx[i] = 0
			continue
		}
		p, q, _ := logistic(float64(x[i]))
		if m == 1 {
			dx[i] = F((g.all-g.own)*p*q - g.bce*q)
		} else {
			dx[i] = F(g.all*p*q + g.bce*p)
		}
	}
}

// diceParts is the number of blocks that sum, whatever the GPU, so that the order of the sums is the same on all.
const diceParts = 1024

func (c *card) diceBCE(out, dx, x, mask, scale Tensor, spec DiceBCESpec) {
	const sums = 5
	parts := max(1, min(diceParts, (x.Len()+threads*perThread-1)/(threads*perThread)))
	work := c.scratch(8 * sums * (parts + 1))
	g := oneBlock()
	g.Blocks[0] = parts
	launch(c, "dicebce_forward", x.dtype, g, &kernels.DicebceForward{Out: out.ptr(), Sums: uint64(work), Tickets: c.tickets(1), X: x.ptr(), Mask: mask.ptr(), N: int64(x.Len()),
		Rows: int32(x.Dim(0)), Bce: spec.BCE, Dice: spec.Dice, Smooth: spec.Smooth}, x, mask)
	if dx.Ok() {
		launch(c, "dicebce_backward", x.dtype, c.grid(x.Len(), perThread), &kernels.DicebceBackward{Dx: dx.ptr(), X: x.ptr(), Mask: mask.ptr(), Sums: uint64(work), Scale: scale.ptr(),
			N: int64(x.Len()), Bce: spec.BCE, Dice: spec.Dice, Smooth: spec.Smooth}, dx, x, mask)
	}
}
