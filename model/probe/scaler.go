package probe

import "math"

// A Scaler makes columns of mean 0 and standard deviation 1, by the rows it was made from.
type Scaler struct{ Mean, Scale []float64 }

// NewScaler returns the means of columns, and their population standard deviations where standardize is set; 1 for a constant column.
func NewScaler(x *Matrix, standardize bool) *Scaler {
	s := &Scaler{make([]float64, x.Cols), make([]float64, x.Cols)}
	low, high := append([]float64(nil), x.Row(0)...), append([]float64(nil), x.Row(0)...)
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			s.Mean[j] += v
			low[j], high[j] = min(low[j], v), max(high[j], v)
		}
	}
	n := float64(x.Rows)
	for j := range s.Mean {
		s.Mean[j] /= n
		if low[j] == high[j] {
			s.Mean[j] = low[j] // so that nothing is left of it but 0
		}
	}
	if standardize {
		for i := range x.Rows {
			for j, v := range x.Row(i) {
				s.Scale[j] += (v - s.Mean[j]) * (v - s.Mean[j])
			}
		}
	}
	for j := range s.Scale {
		if s.Scale[j] = math.Sqrt(s.Scale[j] / n); s.Scale[j] == 0 {
			s.Scale[j] = 1
		}
	}
	return s
}

// apply returns the scaled rows, with a last column of ones where one is set.
func (s *Scaler) apply(x *Matrix, one bool) *Matrix {
	d := x.Cols
	if one {
		d++
	}
	out := NewMatrix(x.Device(), x.Rows, d)
	for i := range x.Rows {
		to := out.Row(i)
		for j, v := range x.Row(i) {
			to[j] = (v - s.Mean[j]) / s.Scale[j]
		}
		if one {
			to[x.Cols] = 1
		}
	}
	return out
}
