package measure

import "math"

// Labels are k labels of which a row may have any, with scores; unknown entries are left out.
type Labels struct {
	K     int
	Micro *Ranking // of all known entries together
	each  []*part  // of each label, its known rows
	rows  int
	entry []int // row of each entry of Micro
	truth []bool
	known []bool
	score []float64
}

// NewLabels keeps labels; truth, known and score are [n, k]. A score above 0.5 predicts the label.
func NewLabels(k int, truth, known []bool, score []float64) *Labels {
	l := &Labels{K: k, rows: len(truth) / k, truth: truth, known: known, score: score}
	var y []bool
	var s []float64
	each := make([]part, k)
	ys, ss := make([][]bool, k), make([][]float64, k)
	for i := range l.rows {
		for j := range k {
			if a := i*k + j; known[a] {
				y, s, l.entry = append(y, truth[a]), append(s, score[a]), append(l.entry, i)
				ys[j], ss[j], each[j].rows = append(ys[j], truth[a]), append(ss[j], score[a]), append(each[j].rows, i)
			}
		}
	}
	l.Micro = Rank(y, s)
	for j := range k {
		each[j].Ranking = Rank(ys[j], ss[j])
		l.each = append(l.each, &each[j])
	}
	return l
}

// OneHot returns the classes of rows as labels, [n, k].
func OneHot(k int, class []int) []bool {
	out := make([]bool, len(class)*k)
	for i, c := range class {
		out[i*k+c] = true
	}
	return out
}

// MicroWeights returns the weights of the entries that Micro ranks.
func (l *Labels) MicroWeights(w []float64) []float64 {
	if w == nil {
		return nil
	}
	out := make([]float64, len(l.entry))
	for a, i := range l.entry {
		out[a] = w[i]
	}
	return out
}

func (p *part) weights(w []float64) []float64 {
	if w == nil {
		return nil
	}
	out := make([]float64, len(p.rows))
	for a, i := range p.rows {
		out[a] = w[i]
	}
	return out
}

// Of returns the ranking of a label's known rows, and their numbers.
func (l *Labels) Of(label int) (*Ranking, []int) { return l.each[label].Ranking, l.each[label].rows }

// LabelAUC returns the AUC of one label, NaN where its known rows are of one kind.
func (l *Labels) LabelAUC(label int, w []float64) float64 { return l.each[label].auc(w) }

// LabelAP returns the average precision of one label, NaN where it has no positive.
func (l *Labels) LabelAP(label int, w []float64) float64 {
	return l.each[label].AveragePrecision(l.each[label].weights(w))
}

// AUC returns those of all labels.
func (l *Labels) AUC(w []float64) []float64 {
	return l.over(func(j int) float64 { return l.LabelAUC(j, w) })
}

// AveragePrecision returns those of all labels.
func (l *Labels) AveragePrecision(w []float64) []float64 {
	return l.over(func(j int) float64 { return l.LabelAP(j, w) })
}

func (l *Labels) over(f func(j int) float64) []float64 {
	out := make([]float64, l.K)
	for j := range out {
		out[j] = f(j)
	}
	return out
}

// Positives returns how many rows have each label.
func (l *Labels) Positives(w []float64) []float64 {
	return l.over(func(j int) float64 { _, p, _ := l.table(j, w); return p })
}

// table counts of one label the rows with it that are predicted, those with it, and those predicted.
func (l *Labels) table(j int, w []float64) (both, truth, predicted float64) {
	for i := range l.rows {
		a := i*l.K + j
		if !l.known[a] {
			continue
		}
		if l.truth[a] {
			truth += weight(w, i)
		}
		if l.score[a] > 0.5 {
			predicted += weight(w, i)
			if l.truth[a] {
				both += weight(w, i)
			}
		}
	}
	return both, truth, predicted
}

// F1 returns that of each label, NaN of one that is neither there nor predicted.
func (l *Labels) F1(w []float64) []float64 {
	return l.over(func(j int) float64 {
		both, truth, predicted := l.table(j, w)
		return 2 * both / (truth + predicted)
	})
}

// Exact is the share of rows with every known label right; NaN where no row has a known label.
func (l *Labels) Exact(w []float64) float64 {
	return l.rowwise(w, func(wrong, known float64) float64 {
		if wrong > 0 {
			return 0
		}
		return 1
	}, func(float64) float64 { return 1 })
}

// Hamming is the share of known entries that are wrong.
func (l *Labels) Hamming(w []float64) float64 {
	return l.rowwise(w, func(wrong, _ float64) float64 { return wrong }, func(known float64) float64 { return known })
}

func (l *Labels) rowwise(w []float64, of func(wrong, known float64) float64, counts func(known float64) float64) float64 {
	var s, n float64
	for i := range l.rows {
		var wrong, known float64
		for a := i * l.K; a < (i+1)*l.K; a++ {
			if l.known[a] {
				known++
				if l.truth[a] != (l.score[a] > 0.5) {
					wrong++
				}
			}
		}
		if known > 0 {
			s += weight(w, i) * of(wrong, known)
			n += weight(w, i) * counts(known)
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return s / n
}
