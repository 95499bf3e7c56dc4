package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"

	emb "contig-gpu/data/embedded"
	"contig-gpu/data/folder"
	"contig-gpu/model/downstream"
	"contig-gpu/model/measure"
)

// A probeValue is a metric as metrics.json has it: a value with its interval of 95 %, or why there is none.
type probeValue struct {
	Value          *float64 `json:"value,omitempty"`
	Low            *float64 `json:"low,omitempty"`
	High           *float64 `json:"high,omitempty"`
	UndefinedDraws int      `json:"undefined_draws,omitempty"`
	Undefined      string   `json:"undefined,omitempty"`
}

// probeMetrics is metrics.json. It names no participant.
type probeMetrics struct {
	Task       string                `json:"task"`
	Target     string                `json:"target"` // as --target has it
	Method     string                `json:"method"`
	Encoder    string                `json:"encoder"`
	Split      string                `json:"split"`
	N          int                   `json:"n"`       // rows of it
	Persons    int                   `json:"persons"` // of whom intervals are drawn
	Names      []string              `json:"names"`   // of classes, grades, labels or traits
	Metrics    map[string]probeValue `json:"metrics"`
	Undefined  string                `json:"undefined,omitempty"` // why there are none
	Labels     int                   `json:"labels_defined,omitempty"`
	Validation *probeSplit           `json:"validation,omitempty"`
	Fractions  []probeSplit          `json:"fractions,omitempty"`
	Against    []probeSplit          `json:"against,omitempty"`
	Chosen     []float64             `json:"regularisation,omitempty"`
	SplitBy    string                `json:"split_by"`
	Seed       int64                 `json:"seed"`
	Notes      []string              `json:"notes"`
	Version    string                `json:"version"`
}

// A probeSplit is what one more split, fraction or encoder came to.
type probeSplit struct {
	Encoder    string                `json:"encoder,omitempty"`
	Fraction   float64               `json:"fraction,omitempty"`
	Trained    int                   `json:"training_persons,omitempty"`
	N          int                   `json:"n"`
	Metrics    map[string]probeValue `json:"metrics,omitempty"`
	Difference map[string]probeValue `json:"difference,omitempty"` // the first encoder less this one, by the same draws
	Undefined  string                `json:"undefined,omitempty"`
	Notes      []string              `json:"notes,omitempty"`
}

func valuesOf(results []measure.Result) map[string]probeValue {
	out := map[string]probeValue{}
	for _, r := range results {
		v := probeValue{UndefinedDraws: r.UndefinedDraws}
		if v.Undefined = r.Undefined; r.Undefined == "" {
			v.Value, v.Low, v.High = finiteOf(r.Value), finiteOf(r.Low), finiteOf(r.High)
		}
		out[r.Name] = v
	}
	return out
}

// finiteOf is nil where there is no value: JSON has no NaN.
func finiteOf(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// write writes all files of the folder.
func (p *probing) write(dir string) error {
	if err := makePrivate(filepath.Join(dir, privateName)); err != nil {
		return err
	}
	for name, write := range map[string]func(w io.Writer) error{"metrics.json": p.writeMetrics, reportName: p.writeReport} {
		if err := folder.WriteFile(filepath.Join(dir, name), 0o644, write); err != nil {
			return err
		}
	}
	return writeLines(filepath.Join(dir, privateName, "predictions.tsv"), p.predictions())
}

func (p *probing) last() *outcome { return p.found[len(p.found)-1] }

func (p *probing) method() string {
	if p.trained != "" {
		return p.trained
	}
	if p.set.method.Linear {
		return "linear"
	}
	return fmt.Sprintf("knn, k %d, weights %s", p.set.method.K, p.set.method.Weighting)
}

func (p *probing) writeMetrics(w io.Writer) error {
	text, err := json.MarshalIndent(p.told(), "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", text)
	}
	return err
}

// told returns what metrics.json has of all fits.
func (p *probing) told() probeMetrics {
	last := p.last()
	m := probeMetrics{Task: string(p.task.Kind), Target: p.set.targetName(), Method: p.method(), Encoder: p.first.name, Split: emb.Test, N: len(indices(p.split, emb.Test)), Names: p.task.Names,
		Metrics: valuesOf(last.test.results), Undefined: last.undefined, Chosen: last.chosen, SplitBy: p.how, Seed: p.set.method.Seed, Notes: append(append([]string{}, p.notes...), last.notes...), Version: version + revision()}
	if last.test.units != nil {
		m.Persons = last.test.units.Len()
	}
	if p.task.Kind == downstream.Labels && last.undefined == "" {
		m.Labels = downstream.LabelsDefined(last.test.task, last.test.pred)
	}
	if last.validation.results != nil {
		m.Validation = &probeSplit{N: len(last.validation.rows), Metrics: valuesOf(last.validation.results)}
	}
	if len(p.found) > 1 {
		for _, o := range p.found {
			m.Fractions = append(m.Fractions, probeSplit{Fraction: o.fraction, Trained: o.persons, N: m.N, Metrics: valuesOf(o.test.results), Undefined: o.undefined, Notes: o.notes})
		}
	}
	for _, a := range p.against {
		m.Against = append(m.Against, probeSplit{Encoder: a.name, Trained: a.found.persons, N: m.N, Metrics: valuesOf(a.found.test.results), Difference: valuesOf(a.diff), Undefined: a.found.undefined, Notes: a.found.notes})
	}
	return m
}

// predictions are the lines of predictions.tsv: validation and test rows by the fit on most persons.
func (p *probing) predictions() [][]string {
	head := []string{"person_id"}
	if p.labels.ByImage {
		head = append(head, "image")
	}
	head = append(head, "split")
	ordinal := p.task.Kind == downstream.Ordinal || p.task.Kind == downstream.Classes
	if ordinal {
		head = append(head, "truth", "prediction")
	}
	for _, n := range p.task.Names {
		if !ordinal {
			head = append(head, "truth_"+n)
		}
		head = append(head, "score_"+n)
	}
	lines := [][]string{head}
	for _, s := range []scored{p.last().validation, p.last().test} {
		if s.pred != nil {
			lines = append(lines, p.predicted(s, ordinal)...)
		}
	}
	return lines
}

func (p *probing) predicted(s scored, ordinal bool) (lines [][]string) {
	k := len(p.task.Names)
	var class []int
	if ordinal {
		class = downstream.Classed(s.task, s.pred)
	}
	for a, i := range s.rows {
		line := []string{p.task.Person[i]}
		if p.labels.ByImage {
			line = append(line, p.first.rows.Images[p.rows[i]])
		}
		line = append(line, p.split[i])
		if ordinal {
			line = append(line, p.task.Names[s.task.Class[a]], p.task.Names[class[a]])
		}
		for j := range k {
			if !ordinal {
				line = append(line, cell(s.task.Value(a, j)))
			}
			line = append(line, cell(s.pred.Score[a*k+j]))
		}
		lines = append(lines, line)
	}
	return lines
}

func cell(v float64) string {
	if math.IsNaN(v) {
		return "NA"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// conclude prints the metrics that are asked for most, and where the rest is.
func (p *probing) conclude() error {
	say := func(format string, a ...any) error {
		_, err := fmt.Fprintf(p.c.App.Writer, format+"\n", a...)
		return err
	}
	last := p.last()
	if last.undefined != "" {
		return say("wrote %s: nothing could be fitted: %s", p.set.folder.Dir, last.undefined)
	}
	for _, r := range last.test.results[:min(headMetrics, len(last.test.results))] {
		if err := say("%-22s %s", r.Name, inWords(r)); err != nil {
			return err
		}
	}
	return say("wrote %s: %d test rows of %d persons, fitted on %d persons", p.set.folder.Dir, len(last.test.rows), last.test.units.Len(), last.persons)
}

// headMetrics is how many metrics are printed.
const headMetrics = 14

// inWords is a value with its interval, or why it has none.
func inWords(r measure.Result) string {
	switch {
	case r.Undefined != "":
		return "undefined: " + r.Undefined
	case math.IsNaN(r.Low):
		return fmt.Sprintf("%.4f", r.Value)
	}
	return fmt.Sprintf("%.4f [%.4f, %.4f]", r.Value, r.Low, r.High)
}
