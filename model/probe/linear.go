package probe

import "math"

// A Linear is rows of coefficients, of the scaled columns: coef·(x - mean)/scale + intercept for each row.
type Linear struct {
	*Scaler
	Coef      [][]float64 // [rows, features]
	Intercept []float64
}

// Scores returns coef·x + intercept, [rows of x, rows of coefficients], row after row.
func (l *Linear) Scores(x *Matrix) []float64 {
	k := len(l.Coef)
	w := NewMatrix(x.Device(), k, x.Cols)
	defer w.Close()
	shift := make([]float64, k)
	for r, c := range l.Coef {
		shift[r] = l.Intercept[r]
		for j, v := range c {
			w.Row(r)[j] = v / l.Scale[j]
		}
	}
	out := NewMatrix(x.Device(), x.Rows, k)
	defer out.Close()
	strip := NewMatrix(x.Device(), min(stripRows, x.Rows), x.Cols)
	defer strip.Close()
	for lo := 0; lo < x.Rows; lo += stripRows { // centred before the product, so that large means cost no digits
		hi := min(x.Rows, lo+stripRows)
		for i := lo; i < hi; i++ {
			to := strip.Row(i - lo)
			for j, v := range x.Row(i) {
				to[j] = v - l.Mean[j]
			}
		}
		multiply(out.some(lo, hi), strip.some(0, hi-lo), w, false, true, 0)
	}
	scores := make([]float64, x.Rows*k)
	for i := range x.Rows {
		for r, v := range out.Row(i) {
			scores[i*k+r] = v + shift[r]
		}
	}
	return scores
}

// raw moves the means into the intercepts, of columns that are not divided by anything.
func (l *Linear) raw() {
	for r, c := range l.Coef {
		for j, v := range c {
			l.Intercept[r] -= v * l.Mean[j]
		}
	}
	clear(l.Mean)
}

// sigmoid is 1 / (1 + exp(-z)), exact to rounding for any z.
func sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}

// softplus is ln(1 + exp(z)).
func softplus(z float64) float64 { return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }

// softmax turns scores into probabilities in place, and returns the logarithm of the sum of their exponentials.
func softmax(z []float64) float64 {
	most, all := z[0], 0.0
	for _, v := range z {
		most = max(most, v)
	}
	for j, v := range z {
		z[j] = math.Exp(v - most)
		all += z[j]
	}
	for j := range z {
		z[j] /= all
	}
	return most + math.Log(all)
}
