package gpu

import (
	"fmt"
	"math"

	"contig-gpu/gpu/internal/cpukern"
)

// L2Norm computes norm [N] = max(|x|, eps) and y = x / norm for every row of x [N, D].
func L2Norm(y, norm, x Tensor, eps float64) {
	wantFloat("L2Norm", "x", x, 2)
	wantLike("L2Norm", "y", y, x)
	want("L2Norm", "norm", norm, x, x.dtype, x.Dim(0))
	compute(x, func() { l2Norm[float32](y, norm, x, eps) }, func() { l2Norm[float64](y, norm, x, eps) },
		func(c *card) { c.l2Norm(y, norm, x, eps) })
}

func l2Norm[F Float](ty, tn, tx Tensor, eps float64) {
	y, norm, x, d := host[F](ty), host[F](tn), host[F](tx), tx.Dim(1)
	cut(tx.dev, len(norm), rowsPer(d), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := x[r*d : (r+1)*d]
			n := math.Max(math.Sqrt(dot(row, row)), eps)
			norm[r] = F(n)
			for j, v := range row {
				y[r*d+j] = F(float64(v) / n)
			}
		}
	})
}

func dot[F Float](a, b []F) float64 {
	s := 0.0
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return s
}

// L2NormBackward computes dx = (dy - (dy.y) y) / norm, and dy / eps for rows shorter than eps: there L2Norm is
// linear. dx may be dy.
func L2NormBackward(dx, dy, y, norm Tensor, eps float64) {
	wantFloat("L2NormBackward", "dx", dx, 2)
	wantLike("L2NormBackward", "dy", dy, dx)
	wantLike("L2NormBackward", "y", y, dx)
	want("L2NormBackward", "norm", norm, dx, dx.dtype, dx.Dim(0))
	compute(dx, func() { l2NormBackward[float32](dx, dy, y, norm, eps) }, func() { l2NormBackward[float64](dx, dy, y, norm, eps) },
		func(c *card) { c.l2NormBackward(dx, dy, y, norm, eps) })
}

func l2NormBackward[F Float](tdx, tdy, ty, tn Tensor, eps float64) {
	dx, dy, y, norm, d := host[F](tdx), host[F](tdy), host[F](ty), host[F](tn), ty.Dim(1)
	cut(ty.dev, len(norm), rowsPer(d), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			dr, yr, n, along := dy[r*d:(r+1)*d], y[r*d:(r+1)*d], float64(norm[r]), 0.0
			if norm[r] > F(eps) {
				along = dot(dr, yr)
			}
			for j, v := range dr {
				dx[r*d+j] = F((float64(v) - along*float64(yr[j])) / n)
			}
		}
	})
}

// Pairs says what the loss does with other pairs of one group (one person, or twins).
type Pairs uint8

const (
	AvoidPairs    Pairs = iota // nothing: the sampler keeps them out of the batch
	MaskPairs                  // they leave the denominators
	PositivePairs              // they are positives too: the mean over all positives
)

// InfoNCESpec has the constants of the contrastive loss.
type InfoNCESpec struct {
	Tau    float64 // temperature
	Lambda float64 // weight of image to genetics; 1 - Lambda of genetics to image
	Pairs  Pairs
}

// InfoNCE computes the contrastive loss of unit rows u, v [N, D] (method of ContIG, Taleb et al. 2022, eq. 1-3):
// loss [4] = {L, image to genetics, genetics to image, number of rows present}, and du, dv = the gradients of L
// times scale [1]. Rows whose present [N] (U8) is 0 take no part and have gradient 0; with fewer than 2 rows all is
// 0. group [N] (I32) may be left out where Pairs is AvoidPairs; du and dv may be left out together, with scale.
func InfoNCE(loss, du, dv, u, v, present, group, scale Tensor, spec InfoNCESpec) {
	wantFloat("InfoNCE", "u", u, 2)
	wantLike("InfoNCE", "v", v, u)
	wantOptional("InfoNCE", "du", du, u)
	wantOptional("InfoNCE", "dv", dv, u)
	want("InfoNCE", "loss", loss, u, u.dtype, 4)
	want("InfoNCE", "present", present, u, U8, u.Dim(0))
	if group.Ok() || spec.Pairs != AvoidPairs {
		want("InfoNCE", "group", group, u, I32, u.Dim(0))
	}
	if du.Ok() != dv.Ok() {
		panic("gpu: InfoNCE: of du and dv one is left out, want both or none")
	}
	if du.Ok() {
		want("InfoNCE", "scale", scale, u, u.dtype, 1)
	}
	if !(spec.Tau > 0) {
		panic(fmt.Sprintf("gpu: InfoNCE: tau is %g, want > 0", spec.Tau))
	}
	computeCounted(u, func() { infoNCE[float32](loss, du, dv, u, v, present, group, scale, spec) },
		func() { infoNCE[float64](loss, du, dv, u, v, present, group, scale, spec) },
		func(c *card) { c.infoNCE(newNCE(loss, du, dv, u, v, present, group, scale, spec)) })
}

// InfoNCEScratch returns the bytes that InfoNCE takes on d for n rows beside its arguments: on a GPU a few numbers for
// every row, on the CPU, which writes the logits out, 16 n^2.
func InfoNCEScratch(d *Device, n int) int {
	switch {
	case d.kind == cpu:
		return 16 * n * n
	case d.card == nil:
		return 0
	case d.card.nceRows(n) > 0:
		return 4 * nceWork * n
	}
	_, bytes := d.card.nceTiledScratch(n)
	return bytes
}

// contrast is the loss over the present rows only, in float64: u, v [b, d], s and ds [b, b].
type contrast struct {
	pool         *cpukern.Pool
	spec         InfoNCESpec
	rows         []int
	group        []int32
	b, d         int
	u, v, s, q   []float64
	du, dv       []float64
	toGen, toImg float64
}

func infoNCE[F Float](tl, tdu, tdv, tu, tv, tp, tg, ts Tensor, spec InfoNCESpec) {
	loss, du, dv := host[F](tl), host[F](tdu), host[F](tdv)
	clear(du)
	clear(dv)
	c := &contrast{pool: tu.dev.pool, spec: spec, b: tu.Dim(0), d: tu.Dim(1)}
	work := c.pool.Loss(2*c.b*c.b + 4*c.b*c.d)
	if work == nil { // it is only counted
		c.logits()
		c.products()
		return
	}
	c.compact(host[uint8](tp), host[int32](tg))
	clear(loss)
	loss[3] = F(c.b)
	if c.b < 2 {
		return
	}
	for _, part := range []*[]float64{&c.s, &c.q} {
		*part, work = work[:c.b*c.b], work[c.b*c.b:]
	}
	for _, part := range []*[]float64{&c.u, &c.v, &c.du, &c.dv} {
		*part, work = work[:c.b*c.d], work[c.b*c.d:]
	}
	gather(c.u, host[F](tu), c.rows, c.d)
	gather(c.v, host[F](tv), c.rows, c.d)
	c.run()
	loss[0] = F(spec.Lambda*c.toGen + (1-spec.Lambda)*c.toImg)
	loss[1], loss[2] = F(c.toGen), F(c.toImg)
	if du == nil {
		return
	}
	c.gradients(float64(host[F](ts)[0]))
	scatter(du, c.du, c.rows, c.d)
	scatter(dv, c.dv, c.rows, c.d)
}

func (c *contrast) compact(present []uint8, group []int32) {
	for i, p := range present {
		if p == 0 {
			continue
		}
		c.rows = append(c.rows, i)
		if group != nil {
			c.group = append(c.group, group[i])
		}
	}
	c.b = len(c.rows)
}

func gather[F Float](y []float64, x []F, rows []int, d int) {
	for i, r := range rows {
		for j, v := range x[r*d : (r+1)*d] {
			y[i*d+j] = float64(v)
		}
	}
}

func scatter[F Float](x []F, y []float64, rows []int, d int) {
	for i, r := range rows {
		for j, v := range y[i*d : (i+1)*d] {
			x[r*d+j] = F(v)
		}
	}
}

// logits computes s = u v^T.
func (c *contrast) logits() {
	cpukern.Gemm(c.pool, false, true, c.b, c.b, c.d, c.u, c.d, c.v, c.d, c.s, c.b, false)
}

// run computes both directions and leaves the gradient of the logits, times b, in s.
func (c *contrast) run() {
	b := c.b
	c.logits()
	for i := range b {
		for j := range b {
			c.s[i*b+j] /= c.spec.Tau
			c.q[j*b+i] = c.s[i*b+j]
		}
	}
	c.toGen, c.toImg = c.direction(c.s), c.direction(c.q)
	l := c.spec.Lambda
	for i := range b {
		for j := range b {
			c.s[i*b+j] = l*c.s[i*b+j] + (1-l)*c.q[j*b+i]
		}
	}
}

// direction returns the mean loss over the rows of s and replaces s by softmax minus positives. It is symmetric in
// the pairs, so that it serves the transpose as it is.
func (c *contrast) direction(s []float64) float64 {
	loss, b := make([]float64, c.b), c.b
	c.pool.Run(b, func(_, i int) { loss[i] = c.anchor(s[i*b:(i+1)*b], i) })
	sum := 0.0
	for _, l := range loss {
		sum += l
	}
	return sum / float64(b)
}

func (c *contrast) anchor(s []float64, i int) float64 {
	top, positives := math.Inf(-1), 0
	for j, v := range s {
		if !c.dropped(i, j) {
			top = math.Max(top, v)
		}
		if c.positive(i, j) {
			positives++
		}
	}
	sum, pos := 0.0, 0.0
	for j, v := range s {
		if c.positive(i, j) {
			pos += v
		}
		if c.dropped(i, j) {
			s[j] = 0
			continue
		}
		s[j] = math.Exp(v - top)
		sum += s[j]
	}
	share := 1 / float64(positives)
	for j := range s {
		s[j] /= sum
		if c.positive(i, j) {
			s[j] -= share
		}
	}
	return math.Log(sum) + top - pos*share
}

func (c *contrast) dropped(i, j int) bool {
	return c.spec.Pairs == MaskPairs && i != j && c.group[i] == c.group[j]
}

func (c *contrast) positive(i, j int) bool {
	return i == j || c.spec.Pairs == PositivePairs && c.group[i] == c.group[j]
}

// gradients computes those of u and v times scale.
func (c *contrast) gradients(scale float64) {
	k := scale / (float64(c.b) * c.spec.Tau)
	for i := range c.s {
		c.s[i] *= k
	}
	c.products()
}

// products computes du = s v and dv = s^T u.
func (c *contrast) products() {
	cpukern.Gemm(c.pool, false, false, c.b, c.d, c.b, c.s, c.b, c.v, c.d, c.du, c.d, false)
	cpukern.Gemm(c.pool, true, false, c.b, c.d, c.b, c.s, c.b, c.u, c.d, c.dv, c.d, false)
}
