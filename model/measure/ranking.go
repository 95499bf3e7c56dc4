package measure

import (
	"cmp"
	"math"
	"slices"
)

// A Ranking is rows of two classes in the order of a score, sorted once for any number of resamples.
type Ranking struct {
	order    []int  // rows, the highest score first
	last     []bool // of each place: the next has another score
	positive []bool // by row
	score    []float64
}

// Rank sorts rows by their score. A score that is NaN panics: there is no place for it.
func Rank(positive []bool, score []float64) *Ranking {
	r := &Ranking{order: make([]int, len(score)), last: make([]bool, len(score)), positive: positive, score: score}
	for i, s := range score {
		if math.IsNaN(s) {
			panic("measure.Rank: a score is NaN")
		}
		r.order[i] = i
	}
	slices.SortStableFunc(r.order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	for k, i := range r.order {
		r.last[k] = k+1 == len(r.order) || score[r.order[k+1]] != score[i]
	}
	return r
}

// groups calls f for each set of rows of one score, the highest first, with the positives and negatives in it and above it.
func (r *Ranking) groups(w []float64, f func(k int, p, n, above, below float64)) (positives, negatives float64) {
	var p, n float64
	for k, i := range r.order {
		if r.positive[i] {
			p += weight(w, i)
		} else {
			n += weight(w, i)
		}
		if r.last[k] {
			if p+n > 0 {
				f(k, p, n, positives, negatives)
			}
			positives, negatives = positives+p, negatives+n
			p, n = 0, 0
		}
	}
	return positives, negatives
}

// AUC is the area under the ROC curve; NaN without positives or without negatives.
func (r *Ranking) AUC(w []float64) float64 {
	pairs := 0.0
	positives, negatives := r.groups(w, func(_ int, p, n, above, _ float64) { pairs += n * (above + p/2) })
	if positives == 0 || negatives == 0 {
		return math.NaN()
	}
	return pairs / (positives * negatives)
}

// AveragePrecision is the sum over distinct scores of precision times the recall that is gained; NaN without positives.
func (r *Ranking) AveragePrecision(w []float64) float64 {
	total := 0.0
	positives, _ := r.groups(w, func(_ int, p, n, above, below float64) { total += p * (above + p) / (above + p + below + n) })
	if positives == 0 {
		return math.NaN()
	}
	return total / positives
}

// Youden is the largest difference of the true and the false positive rate over all thresholds; NaN for one class.
func (r *Ranking) Youden(w []float64) float64 {
	best := 0.0
	positives, negatives := r.groups(w, func(int, float64, float64, float64, float64) {})
	if positives == 0 || negatives == 0 {
		return math.NaN()
	}
	r.groups(w, func(_ int, p, n, above, below float64) {
		best = max(best, (above+p)/positives-(below+n)/negatives)
	})
	return best
}

// A Point is one threshold of a curve: rows with at least the score count as positive.
type Point struct{ Score, TruePositive, FalsePositive, Precision float64 }

// Curve returns a point for each distinct score, the highest first; nil for one class.
func (r *Ranking) Curve() []Point {
	var out []Point
	positives, negatives := r.groups(nil, func(k int, p, n, above, below float64) {
		out = append(out, Point{r.score[r.order[k]], above + p, below + n, (above + p) / (above + p + below + n)})
	})
	if positives == 0 || negatives == 0 {
		return nil
	}
	for i := range out {
		out[i].TruePositive /= positives
		out[i].FalsePositive /= negatives
	}
	return out
}

// DeLong is the variance of the AUC by DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988); NaN with fewer than two of a class.
func (r *Ranking) DeLong() float64 {
	var a, b []float64 // of each positive the share of negatives below it, and of each negative of positives above it
	positives, negatives := r.groups(nil, func(int, float64, float64, float64, float64) {})
	if positives < 2 || negatives < 2 {
		return math.NaN()
	}
	r.groups(nil, func(_ int, p, n, above, below float64) {
		for range int(p) {
			a = append(a, 1-(below+n/2)/negatives)
		}
		for range int(n) {
			b = append(b, (above+p/2)/positives)
		}
	})
	return variance(a)/positives + variance(b)/negatives
}

// variance divides by n - 1.
func variance(v []float64) float64 {
	m, s := Mean(v, nil), 0.0
	for _, x := range v {
		s += (x - m) * (x - m)
	}
	return s / float64(len(v)-1)
}

// PairsOfClasses is the AUC of several classes by Hand and Till (2001): the mean over pairs of classes that both have rows of how well the probability of each tells it from the other. probability
// is [n, k].
func PairsOfClasses(k int, truth []int, probability []float64) *Pairs {
	p := &Pairs{}
	for i := range k {
		for j := i + 1; j < k; j++ {
			var rows []int
			for r, t := range truth {
				if t == i || t == j {
					rows = append(rows, r)
				}
			}
			p.both = append(p.both, [2]*part{partOf(rows, i, k, truth, probability), partOf(rows, j, k, truth, probability)})
		}
	}
	return p
}

// Pairs are all pairs of classes.
type Pairs struct{ both [][2]*part }

// A part is the ranking of some of the rows.
type part struct {
	*Ranking
	rows []int
}

func partOf(rows []int, class, k int, truth []int, probability []float64) *part {
	y, s := make([]bool, len(rows)), make([]float64, len(rows))
	for a, r := range rows {
		y[a], s[a] = truth[r] == class, probability[r*k+class]
	}
	return &part{Rank(y, s), rows}
}

func (p *part) auc(w []float64) float64 {
	if w == nil {
		return p.AUC(nil)
	}
	own := make([]float64, len(p.rows))
	for a, r := range p.rows {
		own[a] = w[r]
	}
	return p.AUC(own)
}

// AUC is the mean over the pairs that are defined.
func (p *Pairs) AUC(w []float64) float64 {
	var each []float64
	for _, b := range p.both {
		each = append(each, (b[0].auc(w)+b[1].auc(w))/2)
	}
	return Mean(each, nil)
}
