package measure

import (
	"cmp"
	"math"
	"slices"
)

// leastProbability is what probabilities are clipped at for their logarithm: the float64 next to 1, less 1, as scikit-learn does.
const leastProbability = 0x1p-52

// LogLoss is the mean negative logarithm of the probability of the truth. probability is [n, k]; its rows are made to sum to 1 after clipping.
func LogLoss(k int, truth []int, probability, w []float64) float64 {
	var s, n float64
	for i, t := range truth {
		row, all := probability[i*k:][:k], 0.0
		for _, p := range row {
			all += clip(p)
		}
		s -= weight(w, i) * math.Log(clip(row[t])/all)
		n += weight(w, i)
	}
	return s / n
}

func clip(p float64) float64 { return min(1-leastProbability, max(leastProbability, p)) }

// Brier is the mean over rows of the sum over classes of (probability - truth)².
func Brier(k int, truth []int, probability, w []float64) float64 {
	var s, n float64
	for i, t := range truth {
		d := 0.0
		for j, p := range probability[i*k:][:k] {
			if j == t {
				p--
			}
			d += p * p
		}
		s += weight(w, i) * d
		n += weight(w, i)
	}
	return s / n
}

// A Bin is the rows whose confidence lies in (Low, High].
type Bin struct{ Low, High, Rows, Confidence, Accuracy float64 }

// Bins sorts rows into bins of equal width by confidence, 0 to 1, which right says the outcome of. The first bin has its lower end; empty ones are there, with NaN.
func Bins(n int, confidence []float64, right []bool, w []float64) []Bin {
	out := make([]Bin, n)
	for i, c := range confidence {
		b := &out[min(n-1, max(0, int(math.Ceil(c*float64(n)))-1))]
		b.Rows += weight(w, i)
		b.Confidence += weight(w, i) * c
		if right[i] {
			b.Accuracy += weight(w, i)
		}
	}
	for j := range out {
		out[j].Low, out[j].High = float64(j)/float64(n), float64(j+1)/float64(n)
		out[j].Confidence, out[j].Accuracy = out[j].Confidence/out[j].Rows, out[j].Accuracy/out[j].Rows
	}
	return out
}

// CalibrationError is the mean over rows of their bin's |accuracy - confidence| (Guo et al. 2017), and the largest of a bin.
func CalibrationError(bins []Bin) (expected, most float64) {
	all := 0.0
	for _, b := range bins {
		if b.Rows > 0 {
			gap := math.Abs(b.Accuracy - b.Confidence)
			expected += b.Rows * gap
			all += b.Rows
			most = max(most, gap)
		}
	}
	return expected / all, most
}

// EqualMass is the calibration error over n bins of as equal numbers of rows as can be, cut from the rows sorted by confidence: the first ones are longer by a row.
func EqualMass(n int, confidence []float64, right []bool) float64 {
	order := make([]int, len(confidence))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(confidence[a], confidence[b]) })
	total, lo := 0.0, 0
	for b := range n {
		hi := lo + len(order)/n
		if b < len(order)%n {
			hi++
		}
		var c, r float64
		for _, i := range order[lo:hi] {
			c += confidence[i]
			if right[i] {
				r++
			}
		}
		total += math.Abs(r - c)
		lo = hi
	}
	return total / float64(len(order))
}

// Confident returns of each row the probability of the class that has most, which of them that is (the lower among equals), and whether it is the truth.
func Confident(k int, truth []int, probability []float64) (confidence []float64, class []int, right []bool) {
	n := len(truth)
	confidence, class, right = make([]float64, n), make([]int, n), make([]bool, n)
	for i, t := range truth {
		row := probability[i*k:][:k]
		for j, p := range row {
			if p > row[class[i]] {
				class[i] = j
			}
		}
		confidence[i], right[i] = row[class[i]], class[i] == t
	}
	return confidence, class, right
}
