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

// DiceBCE computes the loss of logits x against masks t (of the vector type, 0 to 1: 1 where an element is of the class), over the elements whose known (U8) is not 0, of all images and classes at once; x, t and known have
// one shape:
//
//	p = 1 / (1 + e^-x)
//	bce = mean of -t log p - (1 - t) log(1 - p)
//	dice = 1 - (2 sum p t + smooth) / (sum p + sum t + smooth)
//
// and out [4] = {BCE bce + Dice dice, bce, dice, share of the elements that is known, times x's first dimension}. dx (of x's type; optional, with scale) is the gradient of the first times scale [1].
// Without a known element all are 0. out and scale are of the vector type, sums in float64. dx may be x. As method: Milletari et al. 2016 (V-Net) for Dice, with torch's binary_cross_entropy_with_logits.
func DiceBCE(out, dx, x, t, known, scale Tensor, spec DiceBCESpec) {
	wantFloat("DiceBCE", "x", x)
	want("DiceBCE", "out", out, x, vectorType(x), 4)
	want("DiceBCE", "t", t, x, vectorType(x), x.Dims()...)
	want("DiceBCE", "known", known, x, U8, x.Dims()...)
	wantOptional("DiceBCE", "dx", dx, x)
	if dx.Ok() {
		want("DiceBCE", "scale", scale, x, vectorType(x), 1)
	}
	compute(x, func() { diceBCE[float32](out, dx, x, t, known, scale, spec) }, func() { diceBCE[float64](out, dx, x, t, known, scale, spec) },
		func(c *gpu) { c.diceBCE(out, dx, x, t, known, scale, spec) })
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

func diceBCE[F Float](tout, tdx, tx, tt, tknown, tscale Tensor, spec DiceBCESpec) {
	x, dx, t, known, out := host[F](tx), host[F](tdx), host[F](tt), host[uint8](tknown), host[F](tout)
	parts := make([]maskSum, (len(x)+blockLen-1)/blockLen)
	blocks(tx.dev, len(x), func(lo, hi int) { parts[lo/blockLen] = sumMask(x[lo:hi], t[lo:hi], known[lo:hi]) })
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
	blocks(tx.dev, len(x), func(lo, hi int) { gradMask(dx[lo:hi], x[lo:hi], t[lo:hi], known[lo:hi], g) })
}

func sumMask[F Float](x, t []F, known []uint8) (s maskSum) {
	for i, k := range known {
		if k == 0 {
			continue
		}
		v, t := float64(x[i]), float64(t[i])
		p, _, log := logistic(v)
		s.add(maskSum{math.Max(v, 0) - v*t + log, p * t, p, t, 1})
	}
	return s
}

// A maskGradient has the factors of the gradient: of p - t, of p (1 - p), and of t p (1 - p), which is subtracted.
type maskGradient struct{ bce, all, own float64 }

func gradMask[F Float](dx, x, t []F, known []uint8, g maskGradient) {
	for i, k := range known {
		if k == 0 {
			dx[i] = 0
			continue
		}
		p, q, _ := logistic(float64(x[i]))
		t := float64(t[i])
		dx[i] = F((g.all-g.own*t)*p*q + g.bce*((1-t)*p-t*q)) // p - t, with its digits where p is near t
	}
}

// diceParts is the number of blocks that sum, whatever the GPU, so that the order of the sums is the same on all.
const diceParts = 1024

func (c *gpu) diceBCE(out, dx, x, t, known, scale Tensor, spec DiceBCESpec) {
	const sums = 5
	parts := max(1, min(diceParts, (x.Len()+threads*perThread-1)/(threads*perThread)))
	work := c.scratch(8 * sums * (parts + 1))
	g := oneBlock()
	g.Blocks[0] = parts
	launch(c, "dicebce_forward", x.dtype, g, &kernels.DicebceForward{Out: out.ptr(), Sums: uint64(work), Tickets: c.tickets(1), X: x.ptr(), T: t.ptr(), Known: known.ptr(), N: int64(x.Len()),
		Rows: int32(x.Dim(0)), Bce: spec.BCE, Dice: spec.Dice, Smooth: spec.Smooth}, x, t, known)
	if dx.Ok() {
		launch(c, "dicebce_backward", x.dtype, c.grid(x.Len(), perThread), &kernels.DicebceBackward{Dx: dx.ptr(), X: x.ptr(), T: t.ptr(), Known: known.ptr(), Sums: uint64(work), Scale: scale.ptr(),
			N: int64(x.Len()), Bce: spec.BCE, Dice: spec.Dice, Smooth: spec.Smooth}, dx, x, t, known)
	}
}
