package assoc

import "math"

// medianChiSquare is the median of a chi-square with one degree of freedom, (Φ⁻¹(3/4))².
const medianChiSquare = 0.45493642311957283

// PlinkMedian is what plink divides by in its place.
const PlinkMedian = 0.456

// MinP returns for each variant the smallest P over traits times how many tests there are, at most 1, as -log10. p is [traits][variants] of -log10 P, NaN where undefined;
// where all are, so is the result. best is the trait, -1 where there is none.
func MinP(p [][]float64, tests int) (neglog10 []float64, best []int) {
	if len(p) == 0 {
		return nil, nil
	}
	neglog10, best = make([]float64, len(p[0])), make([]int, len(p[0]))
	for v := range neglog10 {
		neglog10[v], best[v] = minOf(len(p), func(k int) float64 { return p[k][v] }, tests)
	}
	return neglog10, best
}

// minOf is MinP of one variant.
func minOf(traits int, p func(k int) float64, tests int) (neglog10 float64, best int) {
	most, best := math.Inf(-1), -1
	for k := range traits {
		if v := p(k); v > most { // never of NaN
			most, best = v, k
		}
	}
	if best < 0 {
		return math.NaN(), best
	}
	return max(0, most-math.Log10(float64(tests))), best
}

// Lambda returns the genomic inflation: the median of the chi-squares that the P have, by that of a chi-square with one degree of freedom. NaN where nothing is defined.
func Lambda(neglog10 []float64) float64 { return Rank(neglog10).Lambda() }

// PlinkLambda returns what plink says in its place: the median by 0.456, and at least 1.
func PlinkLambda(neglog10 []float64) float64 { return Rank(neglog10).PlinkLambda() }

// A QQ compares P with what is expected where nothing is associated, as -log10 and in ascending order of P.
type QQ struct {
	Observed, Expected  []float64 // expected: (i - 1/2) / n
	BandLow, BandHigh   []float64 // of 95 % of samples: quantiles .975 and .025 of the i-th of n uniform values, so low is below high
	Lambda, PlinkLambda float64

	n     int // values
	ranks []int
}

// NewQQ returns the comparison at the places of the given ranks, which ascend from 1; nil: all of them.
func NewQQ(neglog10 []float64, ranks []int) *QQ { return Rank(neglog10).QQ(ranks, nil) }

// betaQuantile returns x with I_x(a, b) = p, for a and b of at least 1, by Newton's method kept within bounds that close in.
func betaQuantile(p, a, b float64) float64 {
	low, high := 0.0, 1.0
	x := a / (a + b)
	lnB := lnBeta(a, b)
	for range 200 {
		f := betaIncomplete(x, a, b, lnB) - p
		if f > 0 {
			high = x
		} else {
			low = x
		}
		density := math.Exp((a-1)*math.Log(x) + (b-1)*math.Log1p(-x) - lnB)
		next := x - f/density
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-x) <= 1e-15*x {
			return next
		}
		x = next
	}
	return x
}

func lnBeta(a, b float64) float64 {
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lc, _ := math.Lgamma(a + b)
	return la + lb - lc
}

func betaIncomplete(x, a, b, lnB float64) float64 {
	front := math.Exp(a*math.Log(x) + b*math.Log1p(-x) - lnB)
	if x < (a+1)/(a+b+2) {
		return front * betaFraction(a, b, x) / a
	}
	return 1 - front*betaFraction(b, a, 1-x)/b
}
