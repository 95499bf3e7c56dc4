package claims

import (
	"math"
	"slices"
)

// slack is what a bound of whole numbers allows for rounding: 29 <= .29 x 100 is meant to hold.
const slack = 1e-12

// KnockoffPlus returns the threshold of knockoff+ (Barber and Candes 2015) for the statistics w of units, each the
// unit's number less its decoy's:
//
//	the smallest t among |w| > 0 with (1 + #{w <= -t}) / max(1, #{w >= t}) <= q
//
// Units with w >= t are the discoveries. NaN where no t has it; at least 1/q discoveries are needed.
func KnockoffPlus(w []float64, q float64) float64 {
	size := make([]float64, len(w))
	for i, v := range w {
		size[i] = math.Abs(v)
	}
	slices.Sort(size)
	best := math.NaN()
	up, down := counts(w)
	for k := len(size) - 1; k >= 0 && size[k] > 0; k-- {
		t := size[k]
		if k > 0 && size[k-1] == t {
			continue // the last of equals sees them all
		}
		if 1+float64(down(t)) <= q*max(1, float64(up(t)))*(1+slack) {
			best = t
		}
	}
	return best
}

// counts returns functions that count the w at least t, and the w at most -t.
func counts(w []float64) (up, down func(t float64) int) {
	sorted := slices.Sorted(slices.Values(w))
	up = func(t float64) int {
		i, _ := slices.BinarySearch(sorted, t)
		return len(sorted) - i
	}
	down = func(t float64) int {
		i, _ := slices.BinarySearch(sorted, math.Nextafter(-t, math.Inf(1)))
		return i
	}
	return up, down
}

// AtLeast returns the units with w >= t, ascending; none where t is NaN.
func AtLeast(w []float64, t float64) []int {
	var found []int
	for i, v := range w {
		if v >= t {
			found = append(found, i)
		}
	}
	return found
}

// EValues returns an e-value for each unit from the statistics w [runs][units] of several runs with decoys (Ren and
// Barber 2024):
//
//	e_u = mean over runs of units x 1{w_u >= t} / (1 + #{w <= -t}), t = KnockoffPlus(w, q/2), 0 for a run without t
//
// The mean of w over runs is no such rule: it sharpens what all runs share, the sampling error of the persons.
func EValues(w [][]float64, q float64) []float64 {
	if len(w) == 0 {
		return nil
	}
	e := make([]float64, len(w[0]))
	for _, run := range w {
		t := KnockoffPlus(run, q/2)
		if math.IsNaN(t) {
			continue
		}
		_, down := counts(run)
		for _, u := range AtLeast(run, t) {
			e[u] += float64(len(run)) / float64(1+down(t)) / float64(len(w))
		}
	}
	return e
}

// ClaimedByE returns the discoveries of e-values at false discovery rate q (e-BH, Wang and Ramdas 2022), ascending:
// the k largest, for the largest k whose k-th is at least units / (q k).
func ClaimedByE(e []float64, q float64) []int {
	order := make([]int, len(e))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compare(e[b], e[a]) })
	most := 0
	for k := 1; k <= len(order); k++ {
		if float64(k)*e[order[k-1]] >= float64(len(e))/q*(1-slack) {
			most = k
		}
	}
	found := order[:most]
	slices.Sort(found)
	return found
}

// QByE returns for each unit the smallest q at which ClaimedByE claims it, 1 at most: Benjamini and Hochberg's
// adjusted values of 1/e.
func QByE(e []float64) []float64 {
	p := make([]float64, len(e))
	for i, v := range e {
		p[i] = 1 / v // +Inf of 0: never below the others
	}
	return Adjusted(p)
}

// QByKnockoff returns for each unit the smallest q at which KnockoffPlus selects it, 1 at most:
//
//	min over 0 < t <= w_u, t among |w|, of (1 + #{w <= -t}) / #{w >= t}
//
// and 1 where w_u <= 0.
func QByKnockoff(w []float64) []float64 {
	up, down := counts(w)
	size := make([]float64, 0, len(w))
	for _, v := range w {
		if v != 0 {
			size = append(size, math.Abs(v))
		}
	}
	slices.Sort(size)
	size = slices.Compact(size)
	best, low := make([]float64, len(size)), 1.0
	for i, t := range size {
		low = min(low, float64(1+down(t))/float64(max(1, up(t))))
		best[i] = low
	}
	q := make([]float64, len(w))
	for u, v := range w {
		q[u] = 1
		if i, ok := slices.BinarySearch(size, v); ok {
			q[u] = best[i]
		}
	}
	return q
}
