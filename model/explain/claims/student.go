package claims

import "math"

// StudentTail returns P(T >= t) for Student's t with df degrees of freedom, df > 0, exact to about 1e-14 relative however far
// t is in the tail:
//
//	P = I_x(df/2, 1/2) / 2 for t >= 0, x = df / (df + t^2), and 1 - P(T >= -t) for t < 0
//
// I is the regularised incomplete beta function, by its continued fraction (Abramowitz and Stegun 26.5.8).
func StudentTail(t, df float64) float64 {
	switch {
	case math.IsNaN(t) || math.IsNaN(df) || df <= 0:
		return math.NaN()
	case t < 0:
		return 1 - StudentTail(-t, df)
	case math.IsInf(t, 1):
		return 0
	}
	a, b := df/2, 0.5
	odds := t / df * t // t^2 / df; x = 1 / (1 + odds)
	logX, logY := -math.Log1p(odds), math.Log(odds)-math.Log1p(odds)
	x, y := 1/(1+odds), odds/(1+odds)
	// x^a y^b / B(a, b), the factor of both fractions; B(a, 1/2) = Gamma(a) sqrt(pi) / Gamma(a + 1/2)
	factor := math.Exp(a*logX + b*logY + logHalfRatio(a) - math.Log(math.Pi)/2)
	if x < (a+1)/(a+b+2) {
		return factor * betaFraction(a, b, x) / a / 2
	}
	return 0.5 - factor*betaFraction(b, a, y)/b/2
}

// logHalfRatio returns log(Gamma(a + 1/2) / Gamma(a)): for large a by the series in 1/a (Stirling), since
// the difference of two logarithms would lose the digits they share.
func logHalfRatio(a float64) float64 {
	if a < 25 {
		return math.Log(math.Gamma(a+0.5) / math.Gamma(a))
	}
	r := 1 / (a * a)
	return math.Log(a)/2 - (1.0/8-r*(1.0/192-r*(1.0/640-r*(17.0/14336-r*31.0/18432))))/a
}

// betaFraction returns the continued fraction of I_x(a, b) a B(a, b) / (x^a (1-x)^b), by Lentz's method.
func betaFraction(a, b, x float64) float64 {
	const tiny = 1e-300
	lift := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/lift(1-(a+b)*x/(a+1))
	h := d
	for m := 1.0; m < 1e5; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/lift(1+even*d), lift(1+even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/lift(1+odd*d), lift(1+odd/c)
		step := d * c
		if h *= step; math.Abs(step-1) < 1e-16 {
			break
		}
	}
	return h
}

// StudentQuantile returns the t with P(T >= t) = p for df degrees of freedom, p in (0, 1/2], by bisection.
func StudentQuantile(p, df float64) float64 {
	lo, hi := 0.0, 1.0
	for StudentTail(hi, df) > p {
		hi *= 2
	}
	for range 200 {
		mid := (lo + hi) / 2
		if mid == lo || mid == hi {
			break
		}
		if StudentTail(mid, df) > p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}
