package probe

import "math"

// Options say how a logistic regression is fitted.
type Options struct {
	Lambda      float64 // of lambda/2 |W|², above 0
	Standardize bool    // columns to mean 0 and standard deviation 1 of the rows fitted
	Balanced    bool    // rows weigh n / (classes x rows of their class)
	Rough       bool    // end where a choice among lambdas is certain, not at full convergence
}

// roughly is the gradient, in parts of a large one, at which a fit that serves a choice ends.
const roughly = 1e-6

// A Logistic is a fitted logistic regression. A class without a row has no coefficients, and probability 0.
type Logistic struct {
	Linear
	Classes   int     // as asked for
	Seen      []int   // with rows, ascending; two of them share one row of coefficients, that of the second
	Objective float64 // what was minimised
}

// FitLogistic fits the classes 0 to classes - 1 of rows. One class alone has no coefficients, and probability 1.
func FitLogistic(x *Matrix, y []int, classes int, o Options) *Logistic {
	return FitPath(x, y, classes, []float64{o.Lambda}, o)[0]
}

// FitPath fits for several lambdas, each from the solution of the one before; Options.Lambda is not looked at.
func FitPath(x *Matrix, y []int, classes int, lambdas []float64, o Options) []*Logistic {
	l := Logistic{Classes: classes}
	count, at := make([]int, classes), make([]int, classes)
	for _, c := range y {
		count[c]++
	}
	for c, n := range count {
		if n > 0 {
			at[c] = len(l.Seen)
			l.Seen = append(l.Seen, c)
		}
	}
	out := make([]*Logistic, len(lambdas))
	if len(l.Seen) < 2 {
		for i := range out {
			one := l
			one.Scaler = NewScaler(x, o.Standardize)
			out[i] = &one
		}
		return out
	}
	own, s := make([]int, len(y)), make([]float64, len(y))
	for i, c := range y {
		own[i], s[i] = at[c], 1
		if o.Balanced {
			s[i] = float64(len(y)) / float64(len(l.Seen)*count[c])
		}
	}
	scaler := NewScaler(x, o.Standardize)
	z := scaler.apply(x, true)
	defer z.Close()
	rows := len(l.Seen)
	if rows == 2 {
		rows = 1
	}
	f := newLogit(z, own, s, rows)
	defer f.close()
	tolerance := 0.0
	if o.Rough {
		tolerance = roughly
	}
	for i, lambda := range lambdas {
		f.solve(lambda, tolerance)
		one := l
		one.Linear, one.Objective = f.linear(scaler, o.Standardize), f.loss
		out[i] = &one
	}
	return out
}

// linear returns the weights of a fit; the intercepts of several rows sum to 0.
func (f *logit) linear(s *Scaler, standardized bool) Linear {
	d := f.z.Cols - 1
	l := Linear{Scaler: &Scaler{append([]float64(nil), s.Mean...), append([]float64(nil), s.Scale...)}}
	for k := range f.rows {
		row := f.theta.Row(k)
		l.Coef, l.Intercept = append(l.Coef, append([]float64(nil), row[:d]...)), append(l.Intercept, row[d])
	}
	if !standardized {
		l.raw()
	}
	if f.rows > 1 {
		mean := 0.0
		for _, v := range l.Intercept {
			mean += v / float64(f.rows)
		}
		for k := range l.Intercept {
			l.Intercept[k] -= mean
		}
	}
	return l
}

// Probability returns that of each class, [rows of x, Classes], row after row.
func (l *Logistic) Probability(x *Matrix) []float64 {
	out := make([]float64, x.Rows*l.Classes)
	if len(l.Seen) == 1 {
		for i := range x.Rows {
			out[i*l.Classes+l.Seen[0]] = 1
		}
		return out
	}
	scores, k := l.Scores(x), len(l.Coef)
	for i := range x.Rows {
		to, z := out[i*l.Classes:][:l.Classes], scores[i*k:][:k]
		if k == 1 {
			to[l.Seen[0]], to[l.Seen[1]] = sigmoid(-z[0]), sigmoid(z[0])
			continue
		}
		softmax(z)
		for r, c := range l.Seen {
			to[c] = z[r]
		}
	}
	return out
}

// An Ordinal is a fitted regression of grades 0 to Grades - 1: one logistic regression for each "grade >= j", j from 1.
type Ordinal struct {
	Grades    int
	Above     []*Logistic
	Objective float64 // their sum
}

// FitOrdinal fits grades of rows, by one lambda.
func FitOrdinal(x *Matrix, y []int, grades int, o Options) *Ordinal {
	m := &Ordinal{Grades: grades}
	for j := 1; j < grades; j++ {
		m.Above = append(m.Above, FitLogistic(x, atLeast(y, j), 2, o))
		m.Objective += m.Above[j-1].Objective
	}
	return m
}

func atLeast(y []int, j int) []int {
	out := make([]int, len(y))
	for i, g := range y {
		if g >= j {
			out[i] = 1
		}
	}
	return out
}

// Probability returns that of each "grade >= j", [rows of x, Grades - 1].
func (m *Ordinal) Probability(x *Matrix) []float64 {
	k := m.Grades - 1
	out := make([]float64, x.Rows*k)
	for j, l := range m.Above {
		for i, p := range column(l.Probability(x), 2, 1) {
			out[i*k+j] = p
		}
	}
	return out
}

func column(v []float64, k, j int) []float64 {
	out := make([]float64, 0, len(v)/k)
	for i := j; i < len(v); i += k {
		out = append(out, v[i])
	}
	return out
}

// Grades returns of each row how many of its probabilities are above one half, and their sum, the expected grade. above is [n, k].
func Grades(k int, above []float64) (grade []int, expected []float64) {
	for lo := 0; lo < len(above); lo += k {
		g, e := 0, 0.0
		for _, p := range above[lo : lo+k] {
			if e += p; p > 0.5 {
				g++
			}
		}
		grade, expected = append(grade, g), append(expected, e)
	}
	return grade, expected
}

// OfGrades turns the probabilities of "grade >= j" into those of the k grades, [n, k]. Where they do not fall, each counts as at most the one before it.
func OfGrades(k int, above []float64) []float64 {
	n := len(above) / (k - 1)
	out := make([]float64, n*k)
	for i := range n {
		before := 1.0
		for j := range k - 1 {
			p := min(before, above[i*(k-1)+j])
			out[i*k+j], before = before-p, p
		}
		out[i*k+k-1] = before
	}
	return out
}

// A Labels is a fitted logistic regression for each of several labels.
type Labels struct {
	Each  []*Logistic // nil of a label that is not fitted
	Share []float64   // of the known rows that have the label: the probability of one that is not fitted; NaN where nothing is known
}

// FitLabels fits each label by the rows in which it is known; y and known are [n, labels]. A label of which all known rows are alike is not fitted.
func FitLabels(x *Matrix, y, known []bool, labels int, o Options) *Labels {
	m := &Labels{Each: make([]*Logistic, labels), Share: make([]float64, labels)}
	for j := range labels {
		rows, own := knownRows(y, known, labels, j)
		has := 0
		for _, c := range own {
			has += c
		}
		m.Share[j] = math.NaN()
		if len(rows) > 0 {
			m.Share[j] = float64(has) / float64(len(rows))
		}
		if has == 0 || has == len(rows) {
			continue
		}
		part := x.Pick(rows)
		m.Each[j] = FitLogistic(part, own, 2, o)
		part.Close()
	}
	return m
}

func knownRows(y, known []bool, labels, j int) (rows, own []int) {
	for i := range len(y) / labels {
		if a := i*labels + j; known[a] {
			c := 0
			if y[a] {
				c = 1
			}
			rows, own = append(rows, i), append(own, c)
		}
	}
	return rows, own
}

// Probability returns that of each label, [rows of x, labels].
func (m *Labels) Probability(x *Matrix) []float64 {
	k := len(m.Each)
	out := make([]float64, x.Rows*k)
	for j, l := range m.Each {
		p := []float64(nil)
		if l != nil {
			p = column(l.Probability(x), 2, 1)
		}
		for i := range x.Rows {
			out[i*k+j] = m.Share[j]
			if l != nil {
				out[i*k+j] = p[i]
			}
		}
	}
	return out
}
