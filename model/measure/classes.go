package measure

import "math"

// A Confusion counts rows by truth and prediction: N is [K, K], and its rows are the truth.
type Confusion struct {
	K int
	N []float64
}

// Count counts the rows of truth and prediction, both 0 to k-1. A grade below 0, as some codes of grades give, counts as 0: no row is dropped.
func Count(k int, truth, prediction []int, w []float64) Confusion {
	c := Confusion{k, make([]float64, k*k)}
	for i, t := range truth {
		c.N[t*k+max(0, prediction[i])] += weight(w, i)
	}
	return c
}

func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

// margins returns how many rows are right, of the truth and predicted, by class, and all.
func (c Confusion) margins() (right, truth, predicted []float64, all float64) {
	right, truth, predicted = make([]float64, c.K), make([]float64, c.K), make([]float64, c.K)
	for i := range c.K {
		right[i] = c.N[i*c.K+i]
		for j := range c.K {
			v := c.N[i*c.K+j]
			truth[i] += v
			predicted[j] += v
			all += v
		}
	}
	return right, truth, predicted, all
}

// Accuracy is the share of rows that are right; F1 averaged over rows ("micro") is the same.
func (c Confusion) Accuracy() float64 {
	right, _, _, all := c.margins()
	return sum(right) / all
}

// Recall returns by class the share of its rows that are predicted, NaN of a class without rows.
func (c Confusion) Recall() []float64 {
	right, truth, _, _ := c.margins()
	return quotients(right, truth)
}

// Precision returns by class the share of its predictions that are right, NaN of a class that is never predicted.
func (c Confusion) Precision() []float64 {
	right, _, predicted, _ := c.margins()
	return quotients(right, predicted)
}

// F1 returns by class the harmonic mean of recall and precision, NaN of a class that is neither in the truth nor predicted.
func (c Confusion) F1() []float64 {
	right, truth, predicted, _ := c.margins()
	out := make([]float64, c.K)
	for i := range out {
		out[i] = 2 * right[i] / (truth[i] + predicted[i])
	}
	return out
}

// BalancedAccuracy is the mean recall of the classes of the truth.
func (c Confusion) BalancedAccuracy() float64 { return Mean(c.Recall(), nil) }

// F1Macro is the mean F1 of the classes that are in the truth or predicted.
func (c Confusion) F1Macro() float64 { return Mean(c.F1(), nil) }

// F1Weighted is the mean F1 weighted by rows of the truth.
func (c Confusion) F1Weighted() float64 {
	_, truth, _, _ := c.margins()
	return Mean(c.F1(), truth)
}

// MCC is the Matthews coefficient of several classes (Gorodkin 2004), NaN where truth or prediction is one class.
func (c Confusion) MCC() float64 {
	right, truth, predicted, n := c.margins()
	num, p, t := sum(right)*n, n*n, n*n
	for i := range right {
		num -= truth[i] * predicted[i]
		p -= predicted[i] * predicted[i]
		t -= truth[i] * truth[i]
	}
	if p <= 0 || t <= 0 {
		return math.NaN()
	}
	return num / (math.Sqrt(p) * math.Sqrt(t))
}

// Ways in which kappa counts a disagreement of two grades.
const (
	Plain     = 0 // 1, however far apart
	Linear    = 1 // their distance
	Quadratic = 2 // its square
)

// Kappa is Cohen's (1968): 1 less the disagreement over that of chance, weighted by the distance of grades to a power; NaN where truth and prediction are the same one class.
func (c Confusion) Kappa(power int) float64 {
	_, truth, predicted, n := c.margins()
	var found, chance float64
	for i := range c.K {
		for j := range c.K {
			d := 0.0
			switch {
			case i != j && power == Plain:
				d = 1
			case i != j:
				d = math.Pow(math.Abs(float64(i-j)), float64(power))
			}
			found += d * c.N[i*c.K+j]
			chance += d * truth[i] * predicted[j] / n
		}
	}
	if chance == 0 {
		return math.NaN()
	}
	return 1 - found/chance
}

// Mean is the mean of the values that are defined, weighted unless w is nil; NaN where there is none, or they weigh nothing.
func Mean(v, w []float64) float64 {
	var s, all float64
	for i, x := range v {
		if !math.IsNaN(x) {
			s += x * weight(w, i)
			all += weight(w, i)
		}
	}
	if all == 0 {
		return math.NaN()
	}
	return s / all
}

func sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

func quotients(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range out {
		out[i] = math.NaN()
		if b[i] > 0 {
			out[i] = a[i] / b[i]
		}
	}
	return out
}
