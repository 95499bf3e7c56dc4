package downstream

import (
	"math"

	"contig-gpu/model/measure"
)

// CalibrationBins is how many bins of confidence there are, as Guo et al. (2017) have it.
const CalibrationBins = 15

// Metrics returns what is computed of predictions for rows that t describes, with scikit-learn's names where it has one.
func Metrics(t *Task, p *Predictions) []measure.Metric {
	switch t.Kind {
	case Labels:
		return labelMetrics(t, p)
	case Traits:
		return traitMetrics(t, p)
	}
	return classMetrics(t, p)
}

// Classed returns the class that is predicted for each row.
func Classed(t *Task, p *Predictions) []int {
	if p.Grade != nil {
		return p.Grade
	}
	_, class, _ := measure.Confident(len(t.Names), t.Class, p.Score)
	return class
}

const (
	whyOneClass  = "the rows are of one class"
	whyConstant  = "truth and prediction are the same one class"
	whySame      = "the truth is the same for all"
	whyNoLabel   = "no label has rows with it and without it"
	whyOneKind   = "all known rows have the label, or none has"
	whyNoneHas   = "no row has the label"
	whyNoneKnown = "nothing is known"
)

func classMetrics(t *Task, p *Predictions) []measure.Metric {
	k, class := len(t.Names), Classed(t, p)
	count := func(w []float64) measure.Confusion { return measure.Count(k, t.Class, class, w) }
	conf, _, right := measure.Confident(k, t.Class, p.Score)
	each := ClassesAsLabels(t, p)
	out := []measure.Metric{
		{Name: "accuracy", Share: true, Of: func(w []float64) float64 { return count(w).Accuracy() }},
		{Name: "balanced_accuracy", Of: func(w []float64) float64 { return count(w).BalancedAccuracy() }},
		{Name: "f1_macro", Of: func(w []float64) float64 { return count(w).F1Macro() }},
		{Name: "f1_weighted", Of: func(w []float64) float64 { return count(w).F1Weighted() }},
		{Name: "matthews_corrcoef", Why: whyOneClass, Of: func(w []float64) float64 { return count(w).MCC() }},
		{Name: "cohen_kappa", Why: whyConstant, Of: func(w []float64) float64 { return count(w).Kappa(measure.Plain) }},
		{Name: "log_loss", Of: func(w []float64) float64 { return measure.LogLoss(k, t.Class, p.Score, w) }},
		{Name: "brier_score", Of: func(w []float64) float64 { return brier(k, t.Class, p.Score, w) }},
		{Name: "calibration_error", Of: func(w []float64) float64 {
			e, _ := measure.CalibrationError(measure.Bins(CalibrationBins, conf, right, w))
			return e
		}},
	}
	if t.Kind == Ordinal {
		out = append(out, measure.Metric{Name: "quadratic_kappa", Why: whyConstant, Of: func(w []float64) float64 { return count(w).Kappa(measure.Quadratic) }},
			measure.Metric{Name: "linear_kappa", Why: whyConstant, Of: func(w []float64) float64 { return count(w).Kappa(measure.Linear) }})
	}
	if k == 2 {
		positive, _ := each.Of(1)
		return append(out, measure.Metric{Name: "roc_auc", Why: whyOneClass, Of: positive.AUC}, measure.Metric{Name: "average_precision", Why: whyNoneHas, Of: positive.AveragePrecision})
	}
	pairs := measure.PairsOfClasses(k, t.Class, p.Score)
	out = append(out, measure.Metric{Name: "roc_auc_macro", Why: whyOneClass, Of: func(w []float64) float64 { return measure.Mean(each.AUC(w), nil) }},
		measure.Metric{Name: "roc_auc_weighted", Why: whyOneClass, Of: func(w []float64) float64 { return measure.Mean(each.AUC(w), each.Positives(w)) }},
		measure.Metric{Name: "roc_auc_ovo", Why: whyOneClass, Of: pairs.AUC},
		measure.Metric{Name: "average_precision_macro", Why: whyNoneHas, Of: func(w []float64) float64 { return measure.Mean(each.AveragePrecision(w), nil) }})
	return append(out, eachLabel(t.Names, each)...)
}

// ClassesAsLabels returns each class against the rest.
func ClassesAsLabels(t *Task, p *Predictions) *measure.Labels {
	k := len(t.Names)
	return measure.NewLabels(k, measure.OneHot(k, t.Class), all(len(t.Class)*k), p.Score)
}

// brier is the sum over classes, of two classes half of it, as scikit-learn has it.
func brier(k int, truth []int, score, w []float64) float64 {
	b := measure.Brier(k, truth, score, w)
	if k == 2 {
		return b / 2
	}
	return b
}

func all(n int) []bool {
	out := make([]bool, n)
	for i := range out {
		out[i] = true
	}
	return out
}

// eachLabel is AUC and average precision of every label or class.
func eachLabel(names []string, l *measure.Labels) []measure.Metric {
	var out []measure.Metric
	for j, n := range names {
		out = append(out, measure.Metric{Name: "roc_auc." + n, Why: whyOneKind, Of: func(w []float64) float64 { return l.LabelAUC(j, w) }})
	}
	for j, n := range names {
		out = append(out, measure.Metric{Name: "average_precision." + n, Why: whyNoneHas, Of: func(w []float64) float64 { return l.LabelAP(j, w) }})
	}
	return out
}

// LabelsOf returns the labels with what is predicted of them; entries without a prediction, of labels that nothing is known of in training, count as unknown.
func LabelsOf(t *Task, p *Predictions) *measure.Labels {
	known, score := make([]bool, len(t.Known)), make([]float64, len(p.Score))
	for i := range known {
		known[i] = t.Known[i] && !math.IsNaN(p.Score[i])
		if score[i] = p.Score[i]; math.IsNaN(score[i]) {
			score[i] = 0
		}
	}
	return measure.NewLabels(len(t.Names), t.Has, known, score)
}

func labelMetrics(t *Task, p *Predictions) []measure.Metric {
	l := LabelsOf(t, p)
	out := []measure.Metric{
		{Name: "roc_auc_macro", Why: whyNoLabel, Of: func(w []float64) float64 { return measure.Mean(l.AUC(w), nil) }},
		{Name: "roc_auc_micro", Why: whyOneKind, Of: func(w []float64) float64 { return l.Micro.AUC(l.MicroWeights(w)) }},
		{Name: "roc_auc_weighted", Why: whyNoLabel, Of: func(w []float64) float64 { return measure.Mean(l.AUC(w), l.Positives(w)) }},
		{Name: "average_precision_macro", Why: whyNoneHas, Of: func(w []float64) float64 { return measure.Mean(l.AveragePrecision(w), nil) }},
		{Name: "average_precision_micro", Why: whyNoneHas, Of: func(w []float64) float64 { return l.Micro.AveragePrecision(l.MicroWeights(w)) }},
		{Name: "f1_macro", Why: whyNoneHas, Of: func(w []float64) float64 { return measure.Mean(l.F1(w), nil) }},
		{Name: "accuracy", Why: whyNoneKnown, Share: true, Of: l.Exact},
		{Name: "hamming_loss", Why: whyNoneKnown, Of: l.Hamming},
	}
	return append(out, eachLabel(t.Names, l)...)
}

// LabelsDefined returns how many labels have an AUC.
func LabelsDefined(t *Task, p *Predictions) int { return len(measure.Defined(LabelsOf(t, p).AUC(nil))) }

func traitMetrics(t *Task, p *Predictions) []measure.Metric {
	k := len(t.Names)
	fits, rows := make([]*measure.Fit, k), make([][]int, k)
	for j := range k {
		var y, f []float64
		for i := range t.Person {
			if v := t.Trait[i*k+j]; !math.IsNaN(v) && !math.IsNaN(p.Score[i*k+j]) {
				y, f, rows[j] = append(y, v), append(f, p.Score[i*k+j]), append(rows[j], i)
			}
		}
		fits[j] = measure.NewFit(y, f)
	}
	of := func(j int, f func(*measure.Fit, []float64) float64) func(w []float64) float64 {
		return func(w []float64) float64 { return f(fits[j], picked(w, rows[j])) }
	}
	var out []measure.Metric
	for _, m := range []struct {
		name, why string
		of        func(*measure.Fit, []float64) float64
	}{
		{"r2", whySame, (*measure.Fit).R2}, {"mse", whyNoneKnown, (*measure.Fit).MSE}, {"rmse", whyNoneKnown, (*measure.Fit).RMSE}, {"mae", whyNoneKnown, (*measure.Fit).MAE},
		{"pearson", "truth or prediction is the same for all", (*measure.Fit).Pearson}, {"spearman", "truth or prediction is the same for all", (*measure.Fit).Spearman},
	} {
		for j, n := range t.Names {
			name := m.name
			if k > 1 {
				name += "." + n
			}
			out = append(out, measure.Metric{Name: name, Why: m.why, Of: of(j, m.of)})
		}
	}
	if k == 1 {
		return out
	}
	return append(out, measure.Metric{Name: "r2_mean", Why: whySame, Of: func(w []float64) float64 {
		v := make([]float64, k)
		for j := range v {
			v[j] = fits[j].R2(picked(w, rows[j]))
		}
		return measure.Mean(v, nil)
	}}, measure.Metric{Name: "mse_sum", Why: whyNoneKnown, Of: func(w []float64) float64 {
		s := 0.0
		for j := range k {
			s += fits[j].MSE(picked(w, rows[j])) / (p.Scale[j] * p.Scale[j])
		}
		return s
	}})
}

// picked returns the weights of some of the rows.
func picked(w []float64, rows []int) []float64 {
	if w == nil {
		return nil
	}
	out := make([]float64, len(rows))
	for a, i := range rows {
		out[a] = w[i]
	}
	return out
}
