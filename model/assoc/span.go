package assoc

import "math"

// dependent is the part of a column's length that must stand on those before it for it to count.
const dependent = 1e-10

// A Span is an orthonormal basis of a constant and covariates.
type Span struct {
	N, Rank int
	Q       []float64 // [N, Rank]
	Spare   []int     // covariates that the others span, or that are constant
}

// NewSpan returns the span of a constant and of columns of n values each. Columns are taken in their order; one of which less than 1e-10 of its length is left once the
// part along those before it is taken off adds nothing and is in Spare. Each is made orthogonal twice (Giraud, Langou, Rozložník 2005).
func NewSpan(n int, columns [][]float64) *Span {
	s := &Span{N: n}
	basis := [][]float64{}
	if n > 0 {
		basis = append(basis, constantColumn(n))
	}
	for c, x := range columns {
		u := append([]float64(nil), x...)
		mean := 0.0
		for _, v := range u {
			mean += v
		}
		mean /= float64(n)
		whole := length(u)
		for i := range u { // centred first, which keeps the digits of a column far from 0
			u[i] -= mean
		}
		for range 2 {
			takeOff(u, basis)
		}
		left := length(u)
		if left <= dependent*whole || left == 0 {
			s.Spare = append(s.Spare, c)
			continue
		}
		scale(u, 1/left)
		takeOff(u, basis)
		scale(u, 1/length(u))
		basis = append(basis, u)
	}
	s.Rank = len(basis)
	s.Q = make([]float64, n*s.Rank)
	for j, b := range basis {
		for i, v := range b {
			s.Q[i*s.Rank+j] = v
		}
	}
	return s
}

func constantColumn(n int) []float64 {
	u := make([]float64, n)
	for i := range u {
		u[i] = 1 / math.Sqrt(float64(n))
	}
	return u
}

// takeOff takes the part of u along each column of an orthonormal basis off.
func takeOff(u []float64, basis [][]float64) {
	for _, b := range basis {
		d := dot(u, b)
		for i, v := range b {
			u[i] -= d * v
		}
	}
}

// Residual returns y without its part in the span.
func (s *Span) Residual(y []float64) []float64 {
	out := append([]float64(nil), y...)
	part := make([]float64, s.Rank)
	for range 2 {
		clear(part)
		for i, v := range out {
			for j, q := range s.Q[i*s.Rank : (i+1)*s.Rank] {
				part[j] += v * q
			}
		}
		for i := range out {
			out[i] -= dot(part, s.Q[i*s.Rank:(i+1)*s.Rank])
		}
	}
	return out
}

// dot sums in four strands, always in the same order.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}

// length returns the Euclidean norm, also where squares would overflow.
func length(x []float64) float64 {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	if most == 0 || math.IsInf(most, 0) || math.IsNaN(most) {
		return most
	}
	sum := 0.0
	for _, v := range x {
		sum += v / most * (v / most)
	}
	return most * math.Sqrt(sum)
}

func scale(x []float64, by float64) {
	for i := range x {
		x[i] *= by
	}
}
