package gpu

import (
	"contig-gpu/gpu/internal/cpukern"
	"math"
	"slices"
	"unsafe"
)

// contrast is the loss on the CPU over the present rows only, in float64: u, v [b, d], s and ds [b, b].
type contrast struct {
	pool         *cpukern.Pool
	spec         InfoNCESpec
	rows         []int
	lo, hi       int // the anchors, of the rows present
	group        []int32
	b, d         int
	u, v, s, q   []float64
	du, dv       []float64
	toGen, toImg float64
}

// contrastWork is the numbers that the loss of n rows of d works in: logits, gathered rows and their gradients, and on
// either side the rows of unit length and their lengths.
func contrastWork(n, d int) int { return 2*n*n + 4*n*d + 2*n*(d+1) }

// infoNCE computes the loss of unit rows, and the gradients back through their scaling.
func infoNCE[F Float](a *nce) {
	n, d := a.dims()
	c := &contrast{pool: a.z.dev.pool, spec: a.spec, b: n, d: d}
	work := c.pool.Loss(contrastWork(n, d))
	if work == nil { // it is only counted
		c.logits()
		c.products()
		return
	}
	dev, dz, dw := a.z.dev, host[F](a.dz), host[F](a.dw)
	u, nu, work := unitRows[F](work, a.z)
	v, nv, work := unitRows[F](work, a.w)
	clear(dz)
	clear(dw)
	c.compact(host[uint8](a.present), host[int32](a.group))
	lo, hi := a.anchors()
	c.lo, _ = slices.BinarySearch(c.rows, lo)
	c.hi, _ = slices.BinarySearch(c.rows, hi)
	contrastOf(c, a, u, v, work)
	if dz == nil || c.b < 2 {
		return
	}
	l2NormBackward(dev, dz, dz, u, nu, d, nceFloor)
	l2NormBackward(dev, dw, dw, v, nv, d, nceFloor)
	for r, p := range host[uint8](a.present) {
		if p == 0 { // what the row holds must not matter
			clear(dz[r*d : (r+1)*d])
			clear(dw[r*d : (r+1)*d])
		}
	}
}

// unitRows scales the rows of x, in memory that it takes from work, and returns what is left of that.
func unitRows[F Float](work []float64, x Tensor) (y, norm []F, left []float64) {
	n, d := x.Dim(0), x.Dim(1)
	all := unsafe.Slice((*F)(unsafe.Pointer(unsafe.SliceData(work))), n*(d+1)) // F is no wider than float64
	y, norm = all[:n*d], all[n*d:]
	l2Norm(x.dev, y, norm, host[F](x), d, nceFloor)
	return y, norm, work[n*(d+1):]
}

// contrastOf writes the loss of unit rows u, v [n, d], and their gradients to dz and dw, which were 0.
func contrastOf[F Float](c *contrast, a *nce, u, v []F, work []float64) {
	loss := host[F](a.loss)
	clear(loss)
	loss[3] = F(c.hi - c.lo)
	if c.b < 2 {
		return
	}
	for _, part := range []*[]float64{&c.s, &c.q} {
		*part, work = work[:c.b*c.b], work[c.b*c.b:]
	}
	for _, part := range []*[]float64{&c.u, &c.v, &c.du, &c.dv} {
		*part, work = work[:c.b*c.d], work[c.b*c.d:]
	}
	gather(c.u, u, c.rows, c.d)
	gather(c.v, v, c.rows, c.d)
	c.run()
	loss[0] = F(c.spec.Lambda*c.toGen + (1-c.spec.Lambda)*c.toImg)
	loss[1], loss[2] = F(c.toGen), F(c.toImg)
	if !a.dz.Ok() {
		return
	}
	c.gradients(float64(host[F](a.scale)[0]))
	scatter(host[F](a.dz), c.du, c.rows, c.d)
	scatter(host[F](a.dw), c.dv, c.rows, c.d)
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

// direction returns the anchors' share of the mean loss over the rows of s and replaces s by softmax minus positives, 0
// of rows that are no anchors. It is symmetric in the pairs, so that it serves the transpose as it is.
func (c *contrast) direction(s []float64) float64 {
	loss, b := make([]float64, c.b), c.b
	c.pool.Run(b, func(_, i int) {
		if row := s[i*b : (i+1)*b]; i >= c.lo && i < c.hi {
			loss[i] = c.anchor(row, i)
		} else {
			clear(row)
		}
	})
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
