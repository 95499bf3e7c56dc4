package probe

import "math"

// blocks are an approximate inverse of the Hessian, the same for each row of weights: that of the mean curvature of the rows, exact for one row.
type blocks struct {
	made   bool
	wide   bool
	lambda []float64 // of each column: that of the fit, and something for the intercept
	inv    *Matrix   // the inverse factor, [d + 1, d + 1], or wide [n, n]
	root   []float64 // wide: the root of the rows' curvature
	kernel *Matrix   // wide: z z' / of
	of     float64   // a lambda
	z      *Matrix
}

func (b *blocks) close() {
	if b.inv != nil {
		b.inv.Close()
		b.inv = nil
	}
	if b.kernel != nil {
		b.kernel.Close()
		b.kernel = nil
	}
}

// interceptPenalty keeps a block positive definite where all curvature has gone; it is no part of what is minimised.
const interceptPenalty = 1e-9

// make makes the blocks at the probabilities of a fit.
func (b *blocks) make(f *logit) {
	if b.inv != nil {
		b.inv.Close()
	}
	b.z, b.made = f.z, true
	b.wide = f.z.Rows < f.z.Cols
	b.lambda = make([]float64, f.z.Cols)
	for j := range b.lambda {
		b.lambda[j] = f.lambda
	}
	b.lambda[f.z.Cols-1] = interceptPenalty
	if b.wide {
		b.lambda[f.z.Cols-1] = f.lambda // the intercept's own curvature is in the rows
		b.makeKernel(f)
	}
	w := make([]float64, f.z.Rows)
	for i := range w {
		for _, p := range f.p.Row(i) {
			w[i] += f.s[i] * p * (1 - p) / float64(f.z.Rows*f.rows)
		}
	}
	if b.wide {
		b.wideBlock(w)
		return
	}
	c := NewMatrix(f.Device(), f.z.Cols, f.z.Cols)
	defer c.Close()
	gram(c, f.z, w)
	for j := range c.Rows {
		c.Row(j)[j] += b.lambda[j]
	}
	b.inv = invertible(c)
}

func (b *blocks) makeKernel(f *logit) {
	if b.kernel != nil && b.of == f.lambda {
		return
	}
	if b.kernel == nil {
		b.kernel, b.of = NewMatrix(f.Device(), f.z.Rows, f.z.Rows), 1
		multiply(b.kernel, f.z, f.z, false, true, 0)
	}
	for i := range b.kernel.V {
		b.kernel.V[i] *= b.of / f.lambda
	}
	b.of = f.lambda
}

// wideBlock keeps the inverse factor of 1 + root kernel root.
func (b *blocks) wideBlock(w []float64) {
	root := make([]float64, len(w))
	for i, v := range w {
		root[i] = math.Sqrt(v)
	}
	c := NewMatrix(b.z.Device(), len(w), len(w))
	for i := range w {
		for j, v := range b.kernel.Row(i) {
			c.Row(i)[j] = root[i] * v * root[j]
		}
		c.Row(i)[i]++
	}
	b.inv, b.root = invertible(c), root
	c.Close()
}

// apply computes y of r, both [rows, d + 1]: the inverse times each row.
func (b *blocks) apply(y, r *Matrix) {
	dev := r.Device()
	half := NewMatrix(dev, r.Rows, b.inv.Rows)
	defer half.Close()
	if !b.wide {
		multiply(half, r, b.inv, false, true, 0)
		multiply(y, half, b.inv, false, false, 0)
		return
	}
	t, back := NewMatrix(dev, r.Rows, b.inv.Rows), NewMatrix(dev, r.Rows, r.Cols)
	defer closeAll(t, back)
	for k := range r.Rows {
		for j, v := range r.Row(k) {
			y.Row(k)[j] = v / b.lambda[j]
		}
	}
	multiply(t, y, b.z, false, true, 0)
	b.scale(t)
	multiply(half, t, b.inv, false, true, 0)
	multiply(t, half, b.inv, false, false, 0)
	b.scale(t)
	multiply(back, t, b.z, false, false, 0)
	for k := range r.Rows {
		for j, v := range back.Row(k) {
			y.Row(k)[j] -= v / b.lambda[j]
		}
	}
}

func (b *blocks) scale(t *Matrix) {
	for k := range t.Rows {
		for i, v := range b.root {
			t.Row(k)[i] *= v
		}
	}
}

// cost is how many products of single values blocks take, in parts of what one conjugate gradient takes: thin products are an eighth as fast as others.
func (f *logit) cost() float64 {
	n, d, k := float64(f.z.Rows), float64(f.z.Cols), float64(f.rows)
	side := min(n, d)
	return (side*n*d/max(n, d)*side + 2*side*side*side) / (8 * 2 * k * (n*d + side*side))
}
