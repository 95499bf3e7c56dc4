package assoc

import "math"

// NegLog10T returns -log10 of the two-sided P of Student's t with df degrees of freedom, NaN where t or df is none. It holds 1e-9
// relative for any t: P is the incomplete beta function I_x(df/2, 1/2), x = df / (df + t²), taken in logarithms (Abramowitz and Stegun 1964,
// 26.5.27, and the continued fraction 26.5.8 by Lentz's method).
func NegLog10T(t, df float64) float64 {
	switch {
	case math.IsNaN(t) || !(df > 0):
		return math.NaN()
	case t == 0:
		return 0
	case math.IsInf(t, 0):
		return math.Inf(1)
	}
	t2 := t * t
	x, y := df/(df+t2), t2/(df+t2)
	a, b := df/2, 0.5
	front := -a*math.Log1p(t2/df) + b*math.Log(y) - lnBetaHalf(a)
	if x < (a+1)/(a+b+2) {
		return -(front - math.Log(a) + math.Log(betaFraction(a, b, x))) / math.Ln10
	}
	return -math.Log1p(-math.Exp(front-math.Log(b))*betaFraction(b, a, y)) / math.Ln10
}

// lnBetaHalf returns ln B(a, 1/2) = ln Γ(a) + ln Γ(1/2) - ln Γ(a + 1/2). For large a the difference of the logarithms is taken by its series
// (Tricomi and Erdélyi 1951), for subtraction would lose what they have in common.
func lnBetaHalf(a float64) float64 {
	const large = 40
	lnSqrtPi := 0.5 * math.Log(math.Pi)
	if a < large {
		low, _ := math.Lgamma(a)
		high, _ := math.Lgamma(a + 0.5)
		return low + lnSqrtPi - high
	}
	r := 1 / a
	r2 := r * r
	// ln Γ(a + 1/2) - ln Γ(a) - ln(a)/2, from Stirling's series of both
	ratio := -r/8 + r*r2/192 - r*r2*r2/640 + 17*r*r2*r2*r2/14336 - 31*r*r2*r2*r2*r2/18432
	return lnSqrtPi - 0.5*math.Log(a) - ratio
}

// betaFraction returns the continued fraction of I_x(a, b) without the factor in front of it: I_x(a, b) = x^a (1-x)^b / (a B(a, b)) times it.
func betaFraction(a, b, x float64) float64 {
	const most, enough, tiny = 100000, 1e-16, 1e-300
	c, d := 1.0, 1/(1-(a+b)*x/(a+1))
	h := d
	for m := 1.0; m < most; m++ {
		e := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/nonzero(1+e*d, tiny), nonzero(1+e/c, tiny)
		h *= d * c
		e = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/nonzero(1+e*d, tiny), nonzero(1+e/c, tiny)
		h *= d * c
		if math.Abs(d*c-1) <= enough {
			break
		}
	}
	return h
}

func nonzero(v, tiny float64) float64 {
	if v == 0 {
		return tiny
	}
	return v
}

// Log10P returns -log10 of p; p of 0 is infinite.
func Log10P(p float64) float64 { return 0 - math.Log10(p) }

// ChiSquare returns the value of a chi-square with one degree of freedom that has the given -log10 P, to 1e-12 relative.
func ChiSquare(neglog10 float64) float64 {
	switch {
	case math.IsNaN(neglog10) || neglog10 < 0:
		return math.NaN()
	case neglog10 == 0:
		return 0
	case math.IsInf(neglog10, 1):
		return neglog10
	}
	p := math.Pow(10, -neglog10)
	if p > 1e-3 {
		z := math.Sqrt2 * math.Erfinv(-math.Expm1(-neglog10*math.Ln10))
		return z * z
	}
	// Newton's method on ln P = ln erfc(z/√2), whose slope is minus the inverse of Mills' ratio
	target := -neglog10 * math.Ln10
	z := math.Sqrt(-2 * target)
	for range 100 {
		ln, slope := lnErfc(z)
		step := (ln - target) / slope
		z += step
		if math.Abs(step) <= 1e-14*z {
			break
		}
	}
	return z * z
}

// lnErfc returns ln of the two-sided P of a normal z above 2, and minus its derivative.
func lnErfc(z float64) (ln, slope float64) {
	lnDensity := -z*z/2 - 0.5*math.Log(2*math.Pi)
	mills := millsRatio(z)
	return math.Ln2 + lnDensity + math.Log(mills), 1 / mills
}

// millsRatio returns (1 - Φ(z)) / φ(z) for z above 2, by its continued fraction (Abramowitz and Stegun 1964, 26.2.14).
func millsRatio(z float64) float64 {
	const terms = 400
	f := z
	for k := terms; k > 0; k-- {
		f = z + float64(k)/f
	}
	return 1 / f
}
