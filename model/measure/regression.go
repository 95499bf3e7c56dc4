package measure

import (
	"cmp"
	"math"
	"slices"
)

// A Fit is a trait's truth and prediction, a value each person.
type Fit struct {
	Truth, Prediction []float64
	y, p              *sorted
}

// NewFit keeps both, and sorts them once.
func NewFit(truth, prediction []float64) *Fit {
	return &Fit{truth, prediction, sortValues(truth), sortValues(prediction)}
}

// moments are weighted means of the truth, the squared and the absolute error, and of the squared distance of the truth from its mean.
func (f *Fit) moments(w []float64) (square, absolute, spread float64) {
	var n, mean float64
	for i, y := range f.Truth {
		n += weight(w, i)
		mean += weight(w, i) * y
	}
	mean /= n
	for i, y := range f.Truth {
		d := y - f.Prediction[i]
		square += weight(w, i) * d * d
		absolute += weight(w, i) * math.Abs(d)
		spread += weight(w, i) * (y - mean) * (y - mean)
	}
	return square / n, absolute / n, spread / n
}

// MSE is the mean squared error.
func (f *Fit) MSE(w []float64) float64 { s, _, _ := f.moments(w); return s }

// RMSE is its root.
func (f *Fit) RMSE(w []float64) float64 { return math.Sqrt(f.MSE(w)) }

// MAE is the mean absolute error.
func (f *Fit) MAE(w []float64) float64 { _, a, _ := f.moments(w); return a }

// R2 is the share of the truth's variance that is explained, below 0 where the mean does better; NaN for a constant truth.
func (f *Fit) R2(w []float64) float64 {
	s, _, spread := f.moments(w)
	if f.y.constant(w) {
		return math.NaN()
	}
	return 1 - s/spread
}

// Pearson is the correlation of truth and prediction; NaN where one is constant.
func (f *Fit) Pearson(w []float64) float64 {
	if f.y.constant(w) || f.p.constant(w) {
		return math.NaN()
	}
	return correlation(f.Truth, f.Prediction, w)
}

// Spearman is the correlation of their ranks, equals having their mean rank; NaN where one is constant.
func (f *Fit) Spearman(w []float64) float64 {
	if f.y.constant(w) || f.p.constant(w) {
		return math.NaN()
	}
	return correlation(f.y.ranks(w), f.p.ranks(w), w)
}

func correlation(a, b, w []float64) float64 {
	ma, mb := Mean(a, w), Mean(b, w)
	var ab, aa, bb float64
	for i := range a {
		x, y := a[i]-ma, b[i]-mb
		ab += weight(w, i) * x * y
		aa += weight(w, i) * x * x
		bb += weight(w, i) * y * y
	}
	return ab / math.Sqrt(aa*bb)
}

// sorted is values with their order.
type sorted struct {
	v     []float64
	order []int
}

func sortValues(v []float64) *sorted {
	s := &sorted{v, make([]int, len(v))}
	for i := range v {
		s.order[i] = i
	}
	slices.SortStableFunc(s.order, func(a, b int) int { return cmp.Compare(v[a], v[b]) })
	return s
}

// constant says whether the rows that weigh anything have one value.
func (s *sorted) constant(w []float64) bool {
	first, last := -1, -1
	for _, i := range s.order {
		if weight(w, i) > 0 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	return first < 0 || s.v[first] == s.v[last]
}

// ranks returns those of rows, 1 being the lowest, where each is there as often as it weighs.
func (s *sorted) ranks(w []float64) []float64 {
	out, before := make([]float64, len(s.v)), 0.0
	for k := 0; k < len(s.order); {
		m, here := k, 0.0
		for m < len(s.order) && s.v[s.order[m]] == s.v[s.order[k]] {
			here += weight(w, s.order[m])
			m++
		}
		for _, i := range s.order[k:m] {
			out[i] = before + (here+1)/2
		}
		before += here
		k = m
	}
	return out
}
