package downstream

import (
	"fmt"
	"math"

	"contig-gpu/model/measure"
	"contig-gpu/model/probe"
)

// A Method is how features are probed.
type Method struct {
	Linear      bool            // else by neighbours
	K           int             // neighbours
	Weighting   probe.Weighting // of neighbours
	Temperature float64
	Seed        int64 // deals persons into folds
}

// Predictions are what a probe says of rows.
type Predictions struct {
	Score  []float64 // [rows, names]: probabilities of classes, grades and labels, values of traits
	Grade  []int     // of ordinal tasks, the grade
	Notes  []string  // how it was fitted, for people
	Chosen []float64 // the regularisation: of each trait, of others one
	Scale  []float64 // of traits: their standard deviations in training
}

// penalties are the lambdas among which one is chosen, the strongest first: of standardised features 10 leaves hardly anything, 1e-5 hardly any penalty.
func penalties() []float64 { return []float64{10, 1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5} }

// Fit fits a probe on the rows of train, which t describes, and predicts the rows of others. It says by step how far it is.
func Fit(train *probe.Matrix, t *Task, others *probe.Matrix, m Method, step func(what string)) *Predictions {
	if !m.Linear {
		return neighbours(train, t, others, m, step)
	}
	switch t.Kind {
	case Traits:
		return fitTraits(train, t, others, m, step)
	}
	lambda, notes := chooseLambda(train, t, m, step)
	p := &Predictions{Chosen: []float64{lambda}, Notes: notes}
	step(fmt.Sprintf("fitting with lambda %g", lambda))
	p.Score, p.Grade = fitAll(train, t, others, lambda, false)
	return p
}

// fitAll fits classes, grades or labels by one lambda and predicts the other rows.
func fitAll(train *probe.Matrix, t *Task, others *probe.Matrix, lambda float64, rough bool) (score []float64, grade []int) {
	o := probe.Options{Lambda: lambda, Standardize: true, Rough: rough}
	k := len(t.Names)
	switch t.Kind {
	case Labels:
		return probe.FitLabels(train, t.Has, t.Known, k, o).Probability(others), nil
	case Ordinal:
		above := probe.FitOrdinal(train, t.Class, k, o).Probability(others)
		grade, _ = probe.Grades(k-1, above)
		return probe.OfGrades(k, above), grade
	}
	return probe.FitLogistic(train, t.Class, k, o).Probability(others), nil
}

// chooseLambda fits on all folds but one and takes the lambda with the smallest mean log loss of the rows left out, the strongest among equals.
func chooseLambda(train *probe.Matrix, t *Task, m Method, step func(string)) (float64, []string) {
	fold, n := deal(t, m.Seed)
	lambdas := penalties()
	loss := make([]float64, len(lambdas))
	fitted := 0
	for f := range n {
		var in, out []int
		for i, g := range fold {
			if g == f {
				out = append(out, i)
			} else {
				in = append(in, i)
			}
		}
		if len(out) == 0 || t.Fittable(in) != "" {
			continue
		}
		fitted++
		step(fmt.Sprintf("choosing the regularisation, fold %d of %d", f+1, n))
		a, b := train.Pick(in), train.Pick(out)
		scores := pathOf(a, t.Some(in), b, lambdas)
		for l := range lambdas {
			loss[l] += logLoss(t.Some(out), scores[l])
		}
		a.Close()
		b.Close()
	}
	if fitted == 0 {
		return 1, []string{"The training rows are too few to choose the regularisation by: lambda is 1."}
	}
	best := 0
	for l := range loss {
		if loss[l] < loss[best] {
			best = l
		}
	}
	note := fmt.Sprintf("lambda %g of %v, by the log loss of training persons left out in turn, in %d parts", lambdas[best], lambdas, fitted)
	if fitted == 1 {
		note = fmt.Sprintf("lambda %g of %v, by the log loss of a fifth of the training persons", lambdas[best], lambdas)
	}
	return lambdas[best], []string{note}
}

// pathOf returns the scores of others by fits for each lambda.
func pathOf(train *probe.Matrix, t *Task, others *probe.Matrix, lambdas []float64) [][]float64 {
	out := make([][]float64, len(lambdas))
	if t.Kind == Classes {
		for l, fit := range probe.FitPath(train, t.Class, len(t.Names), lambdas, probe.Options{Standardize: true, Rough: true}) {
			out[l] = fit.Probability(others)
		}
		return out
	}
	for l, lambda := range lambdas {
		out[l], _ = fitAll(train, t, others, lambda, true)
	}
	return out
}

// logLoss is summed over rows, of labels over what is known.
func logLoss(t *Task, score []float64) float64 {
	if t.Kind != Labels {
		return measure.LogLoss(len(t.Names), t.Class, score, nil) * float64(len(t.Class))
	}
	s := 0.0
	for i, known := range t.Known {
		if known && !math.IsNaN(score[i]) {
			c := 0
			if t.Has[i] {
				c = 1
			}
			s += measure.LogLoss(2, []int{c}, []float64{1 - score[i], score[i]}, nil)
		}
	}
	return s
}

// shrinkages are the alphas among which one is chosen for a trait, by row of training.
func shrinkages(rows int) []float64 {
	out := make([]float64, 0, 8)
	for _, f := range []float64{100, 10, 1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5} {
		out = append(out, f*float64(rows))
	}
	return out
}

// fitTraits fits each trait by the rows in which it is known.
func fitTraits(train *probe.Matrix, t *Task, others *probe.Matrix, m Method, step func(string)) *Predictions {
	k := len(t.Names)
	p := &Predictions{Score: make([]float64, others.Rows*k)}
	all := make([]int, train.Rows)
	for i := range all {
		all[i] = i
	}
	for j, name := range t.Names {
		rows := t.knownTraits(all, j)
		step("fitting " + name)
		part, y := train.Pick(rows), probe.NewMatrix(train.Device(), len(rows), 1)
		for i, r := range rows {
			y.V[i] = t.Trait[r*k+j]
		}
		_, scale := moments(y.V)
		fit, alpha, how := chooseAlpha(part, y, t.Some(rows), m)
		for i, v := range fit.Scores(others) {
			p.Score[i*k+j] = v
		}
		p.Scale, p.Chosen = append(p.Scale, scale), append(p.Chosen, alpha)
		p.Notes = append(p.Notes, fmt.Sprintf("%s: alpha %.4g, by %s", name, alpha, how))
		part.Close()
		y.Close()
	}
	return p
}

// chooseAlpha takes the alpha of the smallest leave-one-out error; where persons have several rows, of the smallest error of persons left out in turn.
func chooseAlpha(x, y *probe.Matrix, t *Task, m Method) (*probe.Linear, float64, string) {
	alphas := shrinkages(x.Rows)
	r := probe.FitRidge(x, y, alphas, true)
	if measure.UnitsOf(t.Person).Len() == x.Rows {
		return r.Chosen(), alphas[r.Best[0]], "the leave-one-out errors of training rows"
	}
	fold, n := deal(t, m.Seed)
	loss := make([]float64, len(alphas))
	for f := range n {
		var in, out []int
		for i, g := range fold {
			if g == f {
				out = append(out, i)
			} else {
				in = append(in, i)
			}
		}
		if len(in) < 2 || len(out) == 0 {
			continue
		}
		a, b, c := x.Pick(in), y.Pick(in), x.Pick(out)
		for l, fit := range probe.FitRidge(a, b, alphas, true).Fits {
			for i, v := range fit.Scores(c) {
				loss[l] += (v - y.V[out[i]]) * (v - y.V[out[i]])
			}
		}
		a.Close()
		b.Close()
		c.Close()
	}
	best := 0
	for l := range loss {
		if loss[l] < loss[best] {
			best = l
		}
	}
	return r.Fits[best], alphas[best], "the errors of training persons left out in turn"
}

func moments(v []float64) (mean, deviation float64) {
	mean = measure.Mean(v, nil)
	for _, x := range v {
		deviation += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(v)))
}

// neighbours lets the nearest training rows vote; of labels and traits those in which they are known.
func neighbours(train *probe.Matrix, t *Task, others *probe.Matrix, m Method, step func(string)) *Predictions {
	step("looking for neighbours")
	n := probe.Nearest(train, others, m.K, m.Weighting, m.Temperature)
	k := len(t.Names)
	p := &Predictions{Notes: []string{fmt.Sprintf("the %d nearest training rows, weights %s", n.K, m.Weighting)}}
	if n.K < m.K {
		p.Notes = append(p.Notes, fmt.Sprintf("There are %d training rows, so k is %d and not %d.", train.Rows, n.K, m.K))
	}
	switch t.Kind {
	case Classes, Ordinal:
		p.Score = n.Votes(t.Class, k)
	default:
		p.Score = make([]float64, others.Rows*k)
		for j := range k {
			v := make([]float64, train.Rows)
			for i := range v {
				v[i] = t.Value(i, j)
			}
			_, scale := moments(measure.Defined(v))
			p.Scale = append(p.Scale, scale)
			fallback := measure.Mean(v, nil)
			for i, s := range n.Average(v) {
				if math.IsNaN(s) {
					s = fallback // none of the neighbours is known
				}
				p.Score[i*k+j] = s
			}
		}
	}
	if t.Kind == Ordinal {
		above := make([]float64, others.Rows*(k-1))
		for i := range others.Rows {
			sum := 0.0
			for j := k - 1; j > 0; j-- {
				sum += p.Score[i*k+j]
				above[i*(k-1)+j-1] = sum
			}
		}
		p.Grade, _ = probe.Grades(k-1, above)
	}
	return p
}

// Value returns label or trait j of a row, NaN where it is not known.
func (t *Task) Value(row, j int) float64 {
	a := row*len(t.Names) + j
	switch {
	case t.Kind == Traits:
		return t.Trait[a]
	case !t.Known[a]:
		return math.NaN()
	case t.Has[a]:
		return 1
	}
	return 0
}
