package claims

import (
	"fmt"
	"math"
)

// Ridge is what residual exchange adds to the covariance of standardised features.
const Ridge = 0.01

// Precision returns the inverse of X'X / (n - 1) + ridge I, [f, f], for the product X'X [f, f] of n rows of standardised
// features.
func Precision(product []float64, n int, ridge float64) ([]float64, error) {
	f := int(math.Sqrt(float64(len(product))))
	if f*f != len(product) || n < 2 {
		panic(fmt.Sprintf("claims: Precision: %d values of %d rows are no product X'X", len(product), n))
	}
	a := make([]float64, len(product))
	for i, v := range product {
		a[i] = v / float64(n-1)
	}
	for i := range f {
		a[i*f+i] += ridge
	}
	return invert(a, f)
}

// invert returns the inverse of a symmetric positive definite matrix [f, f]: L L' = a, then the inverse of L.
func invert(a []float64, f int) ([]float64, error) {
	l := make([]float64, f*f) // lower triangle, rows
	for i := range f {
		for j := range i + 1 {
			s := a[i*f+j] - dot(l[i*f:i*f+j], l[j*f:j*f+j])
			if i != j {
				l[i*f+j] = s / l[j*f+j]
				continue
			}
			if !(s > 0) {
				return nil, fmt.Errorf("claims: a covariance of %d features is not positive definite: pivot %d is %g", f, i, s)
			}
			l[i*f+i] = math.Sqrt(s)
		}
	}
	inv := make([]float64, f*f) // column c of the inverse of l, as row c: l x = e_c
	for c := range f {
		x := inv[c*f : (c+1)*f]
		for i := c; i < f; i++ {
			e := 0.0
			if i == c {
				e = 1
			}
			x[i] = (e - dot(l[i*f+c:i*f+i], x[c:i])) / l[i*f+i]
		}
	}
	out := l
	for i := range f { // inverse(a) = inverse(l)' inverse(l)
		for j := range i + 1 {
			s := dot(inv[i*f+i:(i+1)*f], inv[j*f+i:(j+1)*f])
			out[i*f+j], out[j*f+i] = s, s
		}
	}
	return out, nil
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

// Residual returns, for the columns c of a unit, the matrix [f, len(c)] that makes the unit's residual given all other
// features of a row x: residual = x P[:, c] inverse(P[c, c]), the ridge regression of the unit on the others. The fit is x[c]
// less it.
func Residual(precision []float64, f int, c []int) ([]float64, error) {
	k := len(c)
	own := make([]float64, k*k)
	for i, a := range c {
		for j, b := range c {
			own[i*k+j] = precision[a*f+b]
		}
	}
	inv, err := invert(own, k)
	if err != nil {
		return nil, err
	}
	out := make([]float64, f*k)
	for i := range f {
		for j := range k {
			for b, col := range c {
				out[i*k+j] += precision[i*f+col] * inv[b*k+j]
			}
		}
	}
	return out, nil
}

// A Slope centres and shrinks the fitted values of a column by what held-out persons show, without looking at their images:
// values that were exchanged would else vary more than real ones. Its zero value is empty.
type Slope struct{ n, fit, fit2, x, product float64 }

// Add takes the value of a person and the fit of it.
func (s *Slope) Add(x, fit float64) {
	s.n++
	s.fit, s.fit2, s.x, s.product = s.fit+fit, s.fit2+fit*fit, s.x+x, s.product+x*fit
}

// Line returns the mean m of the fits and the slope b of x on fit - m, without intercept, cut to 0..1:
//
//	b = sum x (fit - m) / sum (fit - m)^2
//
// The value that is kept is b (fit - m); the residual is x less it.
func (s *Slope) Line() (m, b float64) {
	if s.n == 0 {
		return 0, 0
	}
	m = s.fit / s.n
	b = (s.product - m*s.x) / math.Max(s.fit2-m*s.fit, flat)
	return m, min(1, max(0, b))
}
