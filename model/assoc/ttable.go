package assoc

import "math"

// A tTable holds -log10 P of Student's t with some degrees of freedom, by |t|, for |t| below tTableEnd: the same to 1e-12 relative, or its rounding, as NegLog10T, in a tenth of the time.
// -log10 P / |t| is smooth, and has no singularity nearer than 2.8 in the complex plane; each quarter has its Chebyshev series.
type tTable struct {
	df     float64
	series [tTableEnd * tTableSteps][tTableTerms]float64
}

const (
	tTableEnd   = 8  // where P is small enough to be rare
	tTableSteps = 4  // intervals of |t| of 1
	tTableTerms = 10 // of a series
	tTableFrom  = 30 // degrees of freedom: with fewer there are singularities nearby
)

// newTTable returns nil where there are too few degrees of freedom.
func newTTable(df float64) *tTable {
	if !(df >= tTableFrom) {
		return nil
	}
	t := &tTable{df: df}
	var values [tTableTerms]float64
	for k := range t.series {
		for i := range values {
			x := (float64(k) + (1+math.Cos(math.Pi*(float64(i)+0.5)/tTableTerms))/2) / tTableSteps
			values[i] = NegLog10T(x, df) / x
		}
		for j := range t.series[k] {
			sum := 0.0
			for i, v := range values {
				sum += v * math.Cos(math.Pi*float64(j)*(float64(i)+0.5)/tTableTerms)
			}
			t.series[k][j] = 2 * sum / tTableTerms
		}
		t.series[k][0] /= 2
	}
	return t
}

// at is NegLog10T; t may be nil, and of any degrees of freedom.
func (t *tTable) at(x, df float64) float64 {
	a := math.Abs(x)
	if t == nil || df != t.df || !(a < tTableEnd) {
		return NegLog10T(x, df)
	}
	k := int(a * tTableSteps)
	c := &t.series[k]
	u := 2*(a*tTableSteps-float64(k)) - 1
	b1, b2 := 0.0, 0.0 // Clenshaw's recurrence
	for j := tTableTerms - 1; j > 0; j-- {
		b1, b2 = 2*u*b1-b2+c[j], b1
	}
	return a * (u*b1 - b2 + c[0])
}
