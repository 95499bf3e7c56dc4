package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/model/downstream"
	"contig-gpu/model/measure"
)

// comparedMetrics is how many metrics stand side by side where fits are compared.
const comparedMetrics = 4

// writeReport writes report.html. It holds no ids, and no value of a single person.
func (p *probing) writeReport(w io.Writer) error {
	last := p.last()
	page := report.Probed{Title: "contig-gpu " + p.set.verb + ": " + p.set.targetName(), Undefined: last.undefined, Results: last.test.results, Notes: append(append([]string{}, p.notes...), last.notes...)}
	page.Facts = []report.Fact{{Name: "task", Value: string(p.task.Kind)}, {Name: "method", Value: p.method()}, {Name: "encoder", Value: p.first.name}, {Name: "fitted on", Value: fmt.Sprintf("%d rows of %d persons", last.fitted, last.persons)}}
	if last.undefined == "" {
		page.Facts = append(page.Facts, report.Fact{Name: "tested on", Value: fmt.Sprintf("%d test rows of %d persons", len(last.test.rows), last.test.units.Len())})
		p.figures(&page, last.test)
	}
	p.comparisons(&page)
	return report.WriteProbed(w, page)
}

// figures fills what is drawn of the test split.
func (p *probing) figures(page *report.Probed, s scored) {
	k := len(s.task.Names)
	switch s.task.Kind {
	case downstream.Labels:
		l := downstream.LabelsOf(s.task, s.pred)
		for j, name := range s.task.Names {
			page.Rankings = append(page.Rankings, ranksOf(name, l, j))
		}
	case downstream.Traits:
		for j, name := range s.task.Names {
			t := report.Trait{Name: name}
			for i := range s.rows {
				if y, f := s.task.Value(i, j), s.pred.Score[i*k+j]; !math.IsNaN(y) && !math.IsNaN(f) {
					t.Truth, t.Prediction = append(t.Truth, y), append(t.Prediction, f)
				}
			}
			page.Traits = append(page.Traits, t)
		}
	default:
		class := downstream.Classed(s.task, s.pred)
		table := &report.ConfusionTable{Names: s.task.Names, Count: make([][]int, k)}
		for j := range table.Count {
			table.Count[j] = make([]int, k)
		}
		for i, t := range s.task.Class {
			table.Count[t][class[i]]++
		}
		page.Confusion = table
		conf, _, right := measure.Confident(k, s.task.Class, s.pred.Score)
		page.Bins = measure.Bins(downstream.CalibrationBins, conf, right, nil)
		l := downstream.ClassesAsLabels(s.task, s.pred)
		for j, name := range s.task.Names {
			if k == 2 && j == 0 {
				continue // the second class's curve, turned round
			}
			r := ranksOf(name, l, j)
			r.Name = "class " + name
			page.Rankings = append(page.Rankings, r)
		}
	}
}

func ranksOf(name string, l *measure.Labels, j int) report.Ranks {
	r, rows := l.Of(j)
	return report.Ranks{Name: name, Curve: r.Curve(), Share: l.Positives(nil)[j] / float64(max(1, len(rows)))}
}

// comparisons fills the tables of fractions and of other encoders.
func (p *probing) comparisons(page *report.Probed) {
	last := p.last()
	line := func(c *report.Comparison, name string, o *outcome, differences []measure.Result) {
		for m := range c.Metrics {
			fit := report.ComparedFit{Name: name, Value: measure.Result{Undefined: o.undefined}}
			if m < len(o.test.results) {
				fit.Value = o.test.results[m]
			}
			if m < len(differences) {
				fit.Difference = &differences[m]
			}
			c.Metrics[m].Rows = append(c.Metrics[m].Rows, fit)
		}
	}
	begun := func(fit string) report.Comparison {
		c := report.Comparison{Fit: fit}
		for m := range min(comparedMetrics, len(last.test.results)) {
			c.Metrics = append(c.Metrics, report.ComparedMetric{Name: last.test.results[m].Name})
		}
		return c
	}
	if len(p.found) > 1 {
		page.Fractions = begun("fitted on")
		for _, o := range p.found {
			line(&page.Fractions, fmt.Sprintf("%g: %d persons", o.fraction, o.persons), o, nil)
		}
	}
	if len(p.against) > 0 {
		page.Against = begun("encoder")
		line(&page.Against, shortName(p.first.name), last, nil)
		for _, a := range p.against {
			line(&page.Against, shortName(a.name), a.found, a.diff)
		}
	}
}

// namedParts is how many parts of a path a table has.
const namedParts = 2

// shortName is the end of a path, so that a table is not wider for it. The page says the whole of the first one, metrics.json of all.
func shortName(name string) string {
	parts := strings.Split(filepath.ToSlash(filepath.Clean(name)), "/")
	return strings.Join(parts[max(0, len(parts)-namedParts):], "/")
}
