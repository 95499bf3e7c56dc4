package gpu

import (
	"contig-gpu/kernels"
	"fmt"
	"math"
)

// InfoNCEPairSpec says what InfoNCEPair's f is made of.
type InfoNCEPairSpec struct {
	Asked float64 // weight of the direction in which the reference asks: the new row is one more candidate of each anchor
	Asks  float64 // weight of the direction in which the new row is the anchor
	Own   float64 // weight of the pair's own logit
	Base  float64 // the reference batch's loss in the first direction times N: sum_i (R_i - S_ii)
}

// InfoNCEPair computes the InfoNCE loss of a reference batch of N pairs with one more pair in it, for R such pairs: a row of
// unit [R, D], which is what may move, with its partner, a row of partner [P, D]; row r goes with partner r mod P, so that rows
// may be P pairs at many points. across [R, N] are unit's logits with the reference rows on the partner's side, lse [N] (F64)
// the log-sum-exps R_i of the reference's logits around these, s = unit . partner the own logit. The temperature is in
// partner and in across. fixed [P, 2] (F64) are the partner's own parts: the log-sum-exp L of its logits b_j with the reference
// rows on unit's side, and K = sum_j (C_j - S_jj) + softplus(b_j - C_j), of the log-sum-exps C_j around those. Then
//
//	asked = [Base + sum_i softplus(across_i - R_i) + softplus(L - s)] / (N + 1)
//	asks  = [K + log(1 + sum_i e^(across_i - s))] / (N + 1)
//	f     = spec.Asked asked + spec.Asks asks + spec.Own s
//
// value [R, 4] (F64; may be left out) = {f, asked, asks, s}. With dunit [R, D] (may be left out) across becomes the gradient of
// f by it, and dunit that by unit through s alone: the whole one is dunit + across times the reference rows. All sums are of
// positive terms and in float64, so that f keeps its digits however wide the logits. unit, partner, across and dunit are
// float32, or float64 on the CPU. Method of ContIG (Taleb et al. 2022), eq. 1-3, for one row of the batch.
func InfoNCEPair(value, dunit, across, unit, partner, lse, fixed Tensor, spec InfoNCEPairSpec) {
	a := &ncePair{value, dunit, across, unit, partner, lse, fixed, spec}
	a.check()
	compute(unit, func() { infoNCEPair[float32](a) }, func() { infoNCEPair[float64](a) }, func(c *gpu) { c.infoNCEPair(a) })
}

// ncePair is one call of InfoNCEPair.
type ncePair struct {
	value, dunit, across, unit, partner, lse, fixed Tensor
	spec                                            InfoNCEPairSpec
}

func (a *ncePair) check() {
	const op = "InfoNCEPair"
	wantFloat(op, "unit", a.unit, 2)
	want(op, "unit", a.unit, a.unit, vectorType(a.unit), a.unit.Dims()...)
	rows, d := a.unit.Dim(0), a.unit.Dim(1)
	wantRank(op, "across", a.across, 2)
	wantRank(op, "partner", a.partner, 2)
	n, p := a.across.Dim(1), a.partner.Dim(0)
	want(op, "across", a.across, a.unit, a.unit.dtype, rows, n)
	want(op, "partner", a.partner, a.unit, a.unit.dtype, p, d)
	want(op, "lse", a.lse, a.unit, F64, n)
	want(op, "fixed", a.fixed, a.unit, F64, p, 2)
	wantOptional(op, "dunit", a.dunit, a.unit)
	if a.value.Ok() {
		want(op, "value", a.value, a.unit, F64, rows, 4)
	}
	if rows > 0 && p == 0 || p > 0 && rows%p != 0 {
		panic(fmt.Sprintf("gpu: %s: %d rows of unit and %d of partner, want a multiple", op, rows, p))
	}
}

func infoNCEPair[F Float](a *ncePair) {
	rows, d, n, p := a.unit.Dim(0), a.unit.Dim(1), a.across.Dim(1), a.partner.Dim(0)
	unit, partner, across, dunit := host[F](a.unit), host[F](a.partner), host[F](a.across), host[F](a.dunit)
	lse, fixed, value := host[float64](a.lse), host[float64](a.fixed), host[float64](a.value)
	reach := reachOf(lse)
	cut(a.unit.dev, rows, max(1, rowsPer(n+d)/16), func(lo, hi int) {
		powers := make([]float64, n)
		for r := lo; r < hi; r++ {
			q := r % p
			mate, line := partner[q*d:(q+1)*d], across[r*n:(r+1)*n]
			s := pairSumsOf(powers, line, dot(unit[r*d:(r+1)*d], mate))
			if value != nil {
				pairValue(value[4*r:4*r+4], line, lse, fixed[2*q:], s, a.spec)
			}
			if dunit != nil {
				pairGradient(dunit[r*d:(r+1)*d], line, mate, powers, reach, fixed[2*q], s, a.spec)
			}
		}
	})
}

// pairSums are a row's logits against each other: e^(logit - top) / sum is the softmax over all of them, rest the sum
// without the own one. least is the smallest logit.
type pairSums struct{ own, top, least, rest, sum float64 }

// pairSumsOf also leaves e^(logit - top) in powers.
func pairSumsOf[F Float](powers []float64, across []F, own float64) pairSums {
	s := pairSums{own: own, top: own, least: own}
	for _, v := range across {
		s.top, s.least = max(s.top, float64(v)), min(s.least, float64(v))
	}
	for i, v := range across {
		powers[i] = math.Exp(float64(v) - s.top)
		s.rest += powers[i]
	}
	s.sum = s.rest + math.Exp(own-s.top)
	return s
}

func pairValue[F Float](value []float64, across []F, lse, fixed []float64, s pairSums, w InfoNCEPairSpec) {
	b := float64(len(across) + 1)
	asked := w.Base + softplus(fixed[0]-s.own)
	for i, v := range across {
		asked += softplus(float64(v) - lse[i])
	}
	asked /= b
	asks := (fixed[1] + math.Log1p(s.rest*math.Exp(s.top-s.own))) / b
	if s.top > s.own {
		asks = (fixed[1] + math.Log(s.sum) + (s.top - s.own)) / b
	}
	value[0], value[1], value[2], value[3] = w.Asked*asked+w.Asks*asks+w.Own*s.own, asked, asks, s.own
}

// reach are the log-sum-exps of a call, and e^(lse - most).
type reach struct {
	lse, powers []float64
	least, most float64
}

func reachOf(lse []float64) reach {
	r := reach{lse: lse, powers: make([]float64, len(lse)), least: math.Inf(1), most: math.Inf(-1)}
	for _, v := range lse {
		r.least, r.most = min(r.least, v), max(r.most, v)
	}
	for i, v := range lse {
		r.powers[i] = math.Exp(v - r.most)
	}
	return r
}

// near reports whether a row's logits and the log-sum-exps lie so near that no e^x of their differences leaves float64's range.
func (r reach) near(s pairSums) bool {
	const widest = 300 // of 708
	return s.top-s.least < widest && r.most-r.least < widest && math.Abs(r.most-s.top) < widest
}

// pairGradient takes the sigmoid from the powers that are there, e^a / (e^a + e^b) for 1 / (1 + e^(b - a)), where they are near.
func pairGradient[F Float](dunit, across, mate []F, powers []float64, r reach, kept float64, s pairSums, w InfoNCEPairSpec) {
	b := float64(len(across) + 1)
	pull := w.Own - (w.Asked*sigmoid(kept-s.own)+w.Asks*s.rest/s.sum)/b
	for j, v := range mate {
		dunit[j] = F(pull * float64(v))
	}
	asked, asks := w.Asked/b, w.Asks/(b*s.sum)
	if !r.near(s) {
		for i, v := range across {
			across[i] = F(asked*sigmoid(float64(v)-r.lse[i]) + asks*powers[i])
		}
		return
	}
	scale := math.Exp(r.most - s.top)
	for i, v := range powers {
		across[i] = F(v * (asked/(v+scale*r.powers[i]) + asks))
	}
}

// sigmoid is 1 / (1 + e^-x), softplus log(1 + e^x), both without overflow.
func sigmoid(x float64) float64 {
	if x < 0 {
		z := math.Exp(x)
		return z / (1 + z)
	}
	return 1 / (1 + math.Exp(-x))
}

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// infoNCEPair gives a warp to each row.
func (c *gpu) infoNCEPair(a *ncePair) {
	rows, d, n := a.unit.Dim(0), a.unit.Dim(1), a.across.Dim(1)
	launch(c, "infonce_pair", F32, c.rowGrid(rows), &kernels.InfoncePair{Value: a.value.ptr(), Dunit: a.dunit.ptr(), Across: a.across.ptr(),
		Unit: a.unit.ptr(), Partner: a.partner.ptr(), Lse: a.lse.ptr(), Fixed: a.fixed.ptr(), Rows: int32(rows), N: int32(n), D: int32(d),
		Pairs: int32(a.partner.Dim(0)), Asked: a.spec.Asked, Asks: a.spec.Asks, Own: a.spec.Own, Base: a.spec.Base}, a.across, a.unit, a.dunit)
}
