package finetune

import (
	"context"
	"math"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/downstream"
	"contig-gpu/model/measure"
	"contig-gpu/model/objective"
	"contig-gpu/model/probe"
	"contig-gpu/model/train"
	"contig-gpu/model/train/engine"
	"contig-gpu/model/tune"
)

// A collector adds up what is predicted of the images of each row.
type collector struct {
	of     *Study
	sums   []float64 // [rows, outputs]
	images []float64 // of each row
	best   string
	loss   float64 // sum over images
}

func (s *Study) judge(best string) *collector {
	if best == "" {
		best = Standard(s.Task)
	}
	return &collector{of: s, sums: make([]float64, len(s.Task.Person)*len(s.Task.Names)), images: make([]float64, len(s.Task.Person)), best: best}
}

// Add implements train.Judge.
func (c *collector) Add(b *data.Batch, s engine.Swept) {
	k := len(c.of.Task.Names)
	z := slices.Clone(s.Predicted)
	tune.Scores(c.of.head.Task, k, z)
	for j, i := range b.Index[:b.N] {
		r := c.of.row[i]
		c.images[r]++
		for o := range k {
			c.sums[r*k+o] += z[j*k+o]
		}
	}
	c.loss += float64(b.N) * s.Terms[0][0]
}

// rows returns the rows of which there was an image, ascending.
func (c *collector) rows() (rows []int) {
	for r, n := range c.images {
		if n > 0 {
			rows = append(rows, r)
		}
	}
	return rows
}

// predictions returns those of the rows, means over their images. Classes that no training row has get the probability 0; of labels that nothing
// is known of in training nothing is predicted.
func (c *collector) predictions(rows []int) *downstream.Predictions {
	t, k := c.of.Task, len(c.of.Task.Names)
	p := &downstream.Predictions{Score: make([]float64, len(rows)*k), Scale: c.of.head.Scale}
	learnt := c.of.learnt()
	for a, r := range rows {
		row := p.Score[a*k : (a+1)*k]
		for o := range row {
			row[o] = c.sums[r*k+o] / c.images[r]
		}
		switch t.Kind {
		case downstream.Traits:
			for o := range row {
				row[o] = c.of.head.Center[o] + c.of.head.Scale[o]*row[o]
			}
		case downstream.Classes:
			only(row, learnt)
		case downstream.Labels:
			for o, ok := range learnt {
				if !ok {
					row[o] = math.NaN()
				}
			}
		}
	}
	if t.Kind == downstream.Ordinal {
		above := make([]float64, 0, len(rows)*(k-1))
		for lo := 0; lo < len(p.Score); lo += k {
			above = append(above, p.Score[lo+1:lo+k]...)
		}
		p.Score = probe.OfGrades(k, above)
		p.Grade, _ = probe.Grades(k-1, above)
	}
	return p
}

// only leaves probability to those classes that were learnt.
func only(row []float64, learnt []bool) {
	sum := 0.0
	for o, ok := range learnt {
		if !ok {
			row[o] = 0
		}
		sum += row[o]
	}
	for o := range row {
		row[o] /= sum
	}
}

// learnt reports of each class whether a training row has it, of each label whether it is known of one.
func (s *Study) learnt() []bool {
	out, k := make([]bool, len(s.Task.Names)), len(s.Task.Names)
	for r, split := range s.Split {
		if split != data.Train {
			continue
		}
		for o := range out {
			out[o] = out[o] || s.known[r*k+o] != 0 && (s.Task.Kind != downstream.Classes || s.target[r*k+o] != 0)
		}
	}
	return out
}

// Judged implements train.Judge.
func (c *collector) Judged() train.Judgement {
	rows := c.rows()
	j := train.Judgement{Score: math.NaN(), Metrics: map[string]float64{}}
	for _, m := range downstream.Metrics(c.of.Task.Some(rows), c.predictions(rows)) {
		v := m.Of(nil)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if !strings.Contains(m.Name, ".") {
			j.Metrics[m.Name] = v
		}
		if m.Name == c.best {
			if j.Score = v; Lower(m.Name) {
				j.Score = -v
			}
		}
	}
	return j
}

// Standard returns the metric of the validation split that the best checkpoint has most of, where none is stated.
func Standard(t *downstream.Task) string {
	switch {
	case t.Kind == downstream.Ordinal:
		return "quadratic_kappa"
	case t.Kind == downstream.Traits && len(t.Names) > 1:
		return "r2_mean"
	case t.Kind == downstream.Traits:
		return "r2"
	case t.Kind == downstream.Classes && len(t.Names) == 2:
		return "roc_auc"
	}
	return "roc_auc_macro"
}

// Lower reports whether less of a metric is better.
func Lower(metric string) bool {
	head, _, _ := strings.Cut(metric, ".")
	return slices.Contains([]string{"log_loss", "brier_score", "calibration_error", "hamming_loss", "mse", "rmse", "mae", "mse_sum"}, head)
}

// MetricNames returns the metrics that a task has, in their order.
func MetricNames(t *downstream.Task) (names []string) {
	n := len(t.Person)
	empty := &downstream.Predictions{Score: make([]float64, n*len(t.Names)), Scale: slices.Repeat([]float64{1}, len(t.Names))}
	if t.Kind == downstream.Ordinal {
		empty.Grade = make([]int, n)
	}
	for _, m := range downstream.Metrics(t, empty) {
		names = append(names, m.Name)
	}
	return names
}

// Found is what a network predicts of one split.
type Found struct {
	Rows []int // of the study
	Pred *downstream.Predictions
	Loss float64 // mean over images
}

// Metrics returns what is computed of it.
func (f *Found) Metrics(s *Study) []measure.Metric {
	return downstream.Metrics(s.Task.Some(f.Rows), f.Pred)
}

// Predict runs a trained network over src, images of the study's Cohort by way of Sources, once.
func Predict(ctx context.Context, l *checkpoint.Loaded, s *Study, src data.Source) (*Found, error) {
	e, err := engine.NewEvaluator(engine.Options{Device: l.Device, DType: l.DType, Dims: src.Dims(),
		Build: func() (objective.Objective, error) { return build.New(l.Settings.Config) }}, l.Objective)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	c := s.judge("")
	if err := e.Sweep(ctx, src, c.Add); err != nil {
		return nil, err
	}
	rows := c.rows()
	images := 0.0
	for _, n := range c.images {
		images += n
	}
	return &Found{Rows: rows, Pred: c.predictions(rows), Loss: c.loss / max(1, images)}, l.Device.Sync()
}
