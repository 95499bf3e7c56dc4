package claims

import "math"

// flat is how equal differences are that leave nothing to test, in the units of the loss.
const flat = 1e-12

// An Increase is what exchanging a unit does to the loss of held-out persons.
type Increase struct {
	Persons   int
	Mean      float64 // of changed - base over persons, in nats
	Low, High float64 // 95 % interval of the mean
	T, P      float64 // one-sided paired t-test of Mean > 0; NaN where the differences are equal within 1e-12: not tested
}

// A Paired collects differences of persons for the paired t-test; its zero value is empty.
type Paired struct {
	n        int
	mean, m2 float64 // m2: sum of squared deviations
	lo, hi   float64
}

// Add takes the difference of a person: changed - base.
func (s *Paired) Add(d float64) {
	if s.n == 0 {
		s.lo, s.hi = d, d
	}
	s.n++
	delta := d - s.mean
	s.mean += delta / float64(s.n)
	s.m2 += delta * (d - s.mean)
	s.lo, s.hi = min(s.lo, d), max(s.hi, d)
}

// Test returns the one-sided paired t-test of the differences d:
//
//	t = mean(d) / (sd(d) / sqrt(n)), p = P(T >= t), n - 1 degrees of freedom
func (s *Paired) Test() Increase {
	n := float64(s.n)
	r := Increase{Persons: s.n, Mean: s.mean, Low: s.mean, High: s.mean, T: math.NaN(), P: math.NaN()}
	if s.n < 2 || max(s.hi-s.mean, s.mean-s.lo) < flat {
		return r
	}
	se := math.Sqrt(s.m2/(n-1)) / math.Sqrt(n)
	r.T = s.mean / se
	r.P = StudentTail(r.T, n-1)
	half := se * StudentQuantile(0.025, n-1)
	r.Low, r.High = s.mean-half, s.mean+half
	return r
}
