package measure

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"contig-gpu/model/eval"
)

// level is the part of the draws that an interval holds.
const level = 0.95

// A Metric is what is computed of rows by their weights.
type Metric struct {
	Name  string
	Of    func(w []float64) float64 // NaN where it is undefined
	Why   string                    // what that means
	Share bool                      // a share of rows: where all of them, or none, count there is an exact interval
}

// A Result is a metric's value and its interval of 95 %, NaN where there is none.
type Result struct {
	Name             string
	Value, Low, High float64
	Undefined        string // why there is no value; "" where there is one
	UndefinedDraws   int    // resamples in which it is undefined; they are left out
}

// Units are the persons that rows are of, and are drawn by.
type Units struct{ rows [][]int }

// UnitsOf groups rows by their person. Persons are numbered in the order of their first row.
func UnitsOf[P comparable](person []P) *Units {
	u, at := &Units{}, map[P]int{}
	for i, p := range person {
		k, ok := at[p]
		if !ok {
			k = len(u.rows)
			at[p], u.rows = k, append(u.rows, nil)
		}
		u.rows[k] = append(u.rows[k], i)
	}
	return u
}

// Len returns how many persons there are.
func (u *Units) Len() int { return len(u.rows) }

// add adds 1 to the weights of a person's rows.
func (u *Units) add(person int, w []float64) {
	for _, i := range u.rows[person] {
		w[i]++
	}
}

// Intervals computes metrics and their percentile intervals over the persons: resample k is the same whatever the metric and the model.
func Intervals(metrics []Metric, u *Units, rows int) []Result {
	draws := drawn(len(metrics), u, rows, func(m int, w []float64) float64 { return metrics[m].Of(w) })
	out := make([]Result, len(metrics))
	for m, metric := range metrics {
		out[m] = result(metric, metric.Of(nil), draws[m], u.Len())
	}
	return out
}

// Differences computes a less b, which are the same metrics of the same rows by two models, with intervals by resamples that both share.
func Differences(a, b []Metric, u *Units, rows int) []Result {
	of := func(m int, w []float64) float64 { return a[m].Of(w) - b[m].Of(w) }
	draws := drawn(len(a), u, rows, of)
	out := make([]Result, len(a))
	for m, metric := range a {
		metric.Share = false
		out[m] = result(metric, of(m, nil), draws[m], u.Len())
	}
	return out
}

// drawn returns the values in all resamples, by metric.
func drawn(metrics int, u *Units, rows int, of func(m int, w []float64) float64) [][]float64 {
	out := make([][]float64, metrics)
	for m := range out {
		out[m] = make([]float64, eval.Resamples)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			w := make([]float64, rows)
			for k := int(next.Add(1)) - 1; k < eval.Resamples; k = int(next.Add(1)) - 1 {
				clear(w)
				eval.Draw(k, u.Len(), func(person int) { u.add(person, w) })
				for m := range out {
					out[m][k] = of(m, w)
				}
			}
		})
	}
	wg.Wait()
	return out
}

func result(m Metric, value float64, draws []float64, persons int) Result {
	r := Result{Name: m.Name, Value: value, Low: math.NaN(), High: math.NaN()}
	if math.IsNaN(value) {
		r.Undefined = m.Why
		return r
	}
	defined := Defined(draws)
	if r.UndefinedDraws = len(draws) - len(defined); len(defined) > 0 && persons > 1 {
		r.Low, r.High = Percentile(defined, (1-level)/2), Percentile(defined, (1+level)/2)
	}
	if m.Share && persons > 1 && (value == 0 || value == 1) {
		r.Low, r.High = exact(value, persons)
	}
	return r
}

// exact are the limits of Clopper and Pearson (Biometrika 26, 1934) where none or all of n count.
func exact(value float64, n int) (low, high float64) {
	bound := math.Pow((1-level)/2, 1/float64(n))
	if value == 0 {
		return 0, 1 - bound
	}
	return bound, 1
}

// Defined returns what is no NaN, sorted.
func Defined(v []float64) []float64 {
	out := slices.DeleteFunc(slices.Clone(v), math.IsNaN)
	slices.Sort(out)
	return out
}

// Percentile returns what lies a share of the way through sorted values, between two of them on the line that joins them (type 7 of Hyndman and Fan, NumPy's default).
func Percentile(v []float64, share float64) float64 {
	at := share * float64(len(v)-1)
	lo := min(len(v)-1, max(0, int(at)))
	hi := min(len(v)-1, lo+1)
	return v[lo] + (at-float64(lo))*(v[hi]-v[lo])
}

// BCa returns the limits that are corrected for bias and acceleration (Efron 1987) of a value, by its sorted draws and what it is without each person in turn; half of
// the draws that equal the value count as below it.
func BCa(value float64, draws, without []float64, level float64) (low, high, bias, acceleration float64) {
	below := 0.0
	for _, d := range draws {
		if d < value {
			below++
		} else if d == value {
			below += 0.5
		}
	}
	bias = normalQuantile(below / float64(len(draws)))
	m, cubes, squares := Mean(without, nil), 0.0, 0.0
	for _, v := range without {
		d := m - v
		cubes, squares = cubes+d*d*d, squares+d*d
	}
	acceleration = cubes / (6 * math.Pow(squares, 1.5))
	limit := func(share float64) float64 {
		z := bias + normalQuantile(share)
		return Percentile(draws, normal(bias+z/(1-acceleration*z)))
	}
	return limit((1 - level) / 2), limit((1 + level) / 2), bias, acceleration
}

func normal(z float64) float64         { return math.Erfc(-z/math.Sqrt2) / 2 }
func normalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }
