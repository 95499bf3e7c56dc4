package probe

import "math"

// blocks are approximate inverses of the Hessian, one for each row of weights: exact for one row.
type blocks struct {
	made   bool
	wide   bool
	lambda []float64   // of each column: that of the fit, and something for the intercept
	inv    []*Matrix   // of each row: the inverse factor of its block, [d + 1, d + 1], or wide [n, n]
	root   [][]float64 // wide: of each row, the root of the rows' curvature
	kernel *Matrix     // wide: z z' / lambda of lambdaOf
	of     float64
	z      *Matrix
}

func (b *blocks) close() {
	for _, m := range b.inv {
		m.Close()
	}
	b.inv, b.root = nil, nil
	if b.kernel != nil {
		b.kernel.Close()
		b.kernel = nil
	}
}

// interceptPenalty keeps a block positive definite where all curvature has gone; it is no part of what is minimised.
const interceptPenalty = 1e-9

// make makes the blocks at the probabilities of a fit.
func (b *blocks) make(f *logit) {
	for _, m := range b.inv {
		m.Close()
	}
	b.inv, b.root, b.z, b.made = nil, nil, f.z, true
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
	n := float64(f.z.Rows)
	for k := range f.rows {
		w := make([]float64, f.z.Rows)
		for i := range w {
			p := f.p.Row(i)[k]
			w[i] = f.s[i] * p * (1 - p) / n
		}
		if b.wide {
			b.wideBlock(w)
			continue
		}
		c := NewMatrix(f.device(), f.z.Cols, f.z.Cols)
		gram(c, f.z, w)
		for j := range c.Rows {
			c.Row(j)[j] += b.lambda[j]
		}
		b.inv = append(b.inv, invertible(c))
		c.Close()
	}
}

func (b *blocks) makeKernel(f *logit) {
	if b.kernel != nil && b.of == f.lambda {
		return
	}
	if b.kernel == nil {
		b.kernel, b.of = NewMatrix(f.device(), f.z.Rows, f.z.Rows), 1
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
	c := NewMatrix(b.z.device(), len(w), len(w))
	for i := range w {
		for j, v := range b.kernel.Row(i) {
			c.Row(i)[j] = root[i] * v * root[j]
		}
		c.Row(i)[i]++
	}
	b.inv, b.root = append(b.inv, invertible(c)), append(b.root, root)
	c.Close()
}

// apply computes y of r, both [rows, d + 1]: block by block the inverse times a row.
func (b *blocks) apply(y, r *Matrix) {
	dev := r.device()
	side := b.inv[0].Rows
	half := NewMatrix(dev, 1, side)
	defer half.Close()
	if !b.wide {
		for k, inv := range b.inv {
			multiply(half, r.some(k, k+1), inv, false, true, 0)
			multiply(y.some(k, k+1), half, inv, false, false, 0)
		}
		return
	}
	t := NewMatrix(dev, 1, side)
	defer t.Close()
	for k, inv := range b.inv {
		to, from := y.Row(k), r.Row(k)
		for j, v := range from {
			to[j] = v / b.lambda[j]
		}
		multiply(t, y.some(k, k+1), b.z, false, true, 0)
		for i := range t.V {
			t.V[i] *= b.root[k][i]
		}
		multiply(half, t, inv, false, true, 0)
		multiply(t, half, inv, false, false, 0)
		for i := range t.V {
			t.V[i] *= b.root[k][i]
		}
		back := NewMatrix(dev, 1, y.Cols)
		multiply(back, t, b.z, false, false, 0)
		for j, v := range back.V {
			to[j] -= v / b.lambda[j]
		}
		back.Close()
	}
}
