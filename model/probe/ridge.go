package probe

import (
	"math"
	"slices"
)

// A Ridge is ridge regressions of several targets by the same rows, |y - x b - c|² + alpha |b|², c free, for several alphas.
type Ridge struct {
	Alphas []float64
	Fits   []*Linear   // by alpha: a row of coefficients for each target
	LOO    [][]float64 // by alpha and target: the mean squared error of each row by a fit without it
	Best   []int       // by target: the alpha of the smallest, the first among equals
}

// FitRidge fits the targets y [n, targets]. Of columns that are standardised the coefficients are those of the standardised ones.
func FitRidge(x, y *Matrix, alphas []float64, standardize bool) *Ridge {
	s := NewScaler(x, standardize)
	z := s.apply(x, false)
	defer z.Close()
	means := make([]float64, y.Cols)
	yc := NewMatrix(x.Device(), y.Rows, y.Cols)
	defer yc.Close()
	for t := range means {
		means[t] = mean(column(y.V, y.Cols, t))
		for i := range y.Rows {
			yc.Row(i)[t] = y.Row(i)[t] - means[t]
		}
	}
	f := &ridgeFit{z: z, y: yc}
	f.open()
	defer f.close()
	r := &Ridge{Alphas: alphas, Best: make([]int, y.Cols)}
	for a, alpha := range alphas {
		b, hat := f.solve(alpha)
		own := &Scaler{slices.Clone(s.Mean), slices.Clone(s.Scale)}
		l := &Linear{Scaler: own, Intercept: slices.Clone(means)}
		for t := range y.Cols {
			l.Coef = append(l.Coef, column(b.V, b.Cols, t))
		}
		r.LOO = append(r.LOO, f.without(b, hat))
		if !standardize {
			l.raw()
		}
		b.Close()
		r.Fits = append(r.Fits, l)
		for t, v := range r.LOO[a] {
			if v < r.LOO[r.Best[t]][t] {
				r.Best[t] = a
			}
		}
	}
	return r
}

func mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}

// Chosen returns for each target the fit of its best alpha.
func (r *Ridge) Chosen() *Linear {
	l := &Linear{Scaler: r.Fits[0].Scaler}
	for t, a := range r.Best {
		l.Coef, l.Intercept = append(l.Coef, r.Fits[a].Coef[t]), append(l.Intercept, r.Fits[a].Intercept[t])
	}
	return l
}

// A ridgeFit is what fits of all alphas share: z'z and z'y, or zz' where there are more columns than rows.
type ridgeFit struct {
	z, y   *Matrix // centred
	wide   bool
	kernel *Matrix
	zy     *Matrix // [columns, targets]
}

func (f *ridgeFit) open() {
	dev := f.z.Device()
	f.wide = f.z.Rows < f.z.Cols
	side := min(f.z.Rows, f.z.Cols)
	f.kernel = NewMatrix(dev, side, side)
	if f.wide {
		multiply(f.kernel, f.z, f.z, false, true, 0)
	} else {
		gram(f.kernel, f.z, nil)
	}
	f.zy = NewMatrix(dev, f.z.Cols, f.y.Cols)
	multiply(f.zy, f.z, f.y, true, false, 0)
}

func (f *ridgeFit) close() {
	f.kernel.Close()
	f.zy.Close()
}

// refinements is how often a solution is corrected by its residual.
const refinements = 2

// solve returns the coefficients, [columns, targets], and of each row the diagonal of the matrix that makes predictions of y, the intercept's part included.
func (f *ridgeFit) solve(alpha float64) (*Matrix, []float64) {
	k := NewMatrix(f.z.Device(), f.kernel.Rows, f.kernel.Rows)
	copy(k.V, f.kernel.V)
	for i := range k.Rows {
		k.Row(i)[i] += alpha
	}
	inv := invertible(k)
	k.Close()
	defer inv.Close()
	if f.wide {
		return f.dual(inv, alpha)
	}
	return f.primal(inv, alpha)
}

func (f *ridgeFit) primal(inv *Matrix, alpha float64) (*Matrix, []float64) {
	dev, d, t := f.z.Device(), f.z.Cols, f.y.Cols
	b, r, half, fit := NewMatrix(dev, d, t), NewMatrix(dev, d, t), NewMatrix(dev, d, t), NewMatrix(dev, f.z.Rows, t)
	for _, m := range []*Matrix{r, half, fit} {
		defer m.Close()
	}
	for range 1 + refinements { // residual z'(y - z b) - alpha b
		multiply(fit, f.z, b, false, false, 0)
		for i, v := range f.y.V {
			fit.V[i] = v - fit.V[i]
		}
		multiply(r, f.z, fit, true, false, 0)
		for i := range r.V {
			r.V[i] -= alpha * b.V[i]
		}
		multiply(half, inv, r, false, false, 0)
		multiply(r, inv, half, true, false, 0)
		for i, v := range r.V {
			b.V[i] += v
		}
	}
	n := f.z.Rows
	hat, part := make([]float64, n), NewMatrix(dev, min(stripRows, n), d)
	defer part.Close()
	for lo := 0; lo < n; lo += stripRows {
		hi := min(n, lo+stripRows)
		multiply(part.some(0, hi-lo), f.z.some(lo, hi), inv, false, true, 0)
		for i := lo; i < hi; i++ {
			row := part.Row(i - lo)
			hat[i] = 1/float64(n) + dot(row, row)
		}
	}
	return b, hat
}

// dual solves (zz' + alpha) a = y and returns z'a.
func (f *ridgeFit) dual(inv *Matrix, alpha float64) (*Matrix, []float64) {
	dev, n, t := f.z.Device(), f.z.Rows, f.y.Cols
	a, r, half := NewMatrix(dev, n, t), NewMatrix(dev, n, t), NewMatrix(dev, n, t)
	for _, m := range []*Matrix{a, r, half} {
		defer m.Close()
	}
	for range 1 + refinements {
		multiply(r, f.kernel, a, false, false, 0)
		for i, v := range f.y.V {
			r.V[i] = v - r.V[i] - alpha*a.V[i]
		}
		multiply(half, inv, r, false, false, 0)
		multiply(r, inv, half, true, false, 0)
		for i, v := range r.V {
			a.V[i] += v
		}
	}
	b := NewMatrix(dev, f.z.Cols, t)
	multiply(b, f.z, a, true, false, 0)
	hat := make([]float64, n)
	for i := range n {
		for j := i; j < n; j++ { // column i of the factor's inverse
			hat[i] += inv.Row(j)[i] * inv.Row(j)[i]
		}
		hat[i] = 1/float64(n) + 1 - alpha*hat[i]
	}
	return b, hat
}

// without returns by target the mean squared error of each row by a fit without it.
func (f *ridgeFit) without(b *Matrix, hat []float64) []float64 {
	fit := NewMatrix(f.z.Device(), f.z.Rows, f.y.Cols)
	defer fit.Close()
	multiply(fit, f.z, b, false, false, 0)
	out := make([]float64, f.y.Cols)
	for i, h := range hat {
		for t, v := range fit.Row(i) {
			e := math.Inf(1) // where a row alone decides its prediction
			if h < 1 {
				e = (f.y.Row(i)[t] - v) / (1 - h)
			}
			out[t] += e * e / float64(len(hat))
		}
	}
	return out
}
