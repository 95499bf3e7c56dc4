package report

import (
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"contig-gpu/model/eval"
)

// A Run is one of those that a page compares. It must hold no ids.
type Run struct {
	Name, Status string
	Facts        []Fact
	Rows         []Row
	Heldout      map[string]eval.Heldout // by kind; none of older runs
	Command      string
	Clip         float64
	Settings     []Fact // those that are not the same in all runs, in the same order in all
}

// Compare writes the page of a report about several runs, a colour each: what each found, the settings that differ, their curves over
// the same axes.
func Compare(w io.Writer, runs []Run) error {
	t, err := parsed()
	if err == nil {
		_, err = t.Parse(comparePage)
	}
	if err != nil {
		return err
	}
	script, policy := inline()
	c := comparisonOf(runs)
	v := map[string]any{"Page": Page{Title: "contig-gpu: " + strings.Join(c.runNames(), ", ")}, "Runs": runs, "Style": template.CSS(style), "Script": script, "Policy": policy, "Markers": markers(len(runs)), "Legend": c.legend(),
		"Forest": c.forest(), "Found": c.found(), "Settings": differing(runs), "Ranks": c.everyRank(), "Geometry": c.geometry(), "Speed": c.speed(),
		"Losses":  c.panels(most, 1, func(r Row, m string) float64 { return setShare(r, m) }),
		"Recalls": c.panels(1, math.NaN(), meanRecall)}
	return t.Execute(w, v)
}

// meanRecall is recall@10 of a modality, the mean of both directions; NaN where it was not evaluated.
func meanRecall(r Row, m string) float64 {
	f, ok := r.Retrieval[m]
	if !ok {
		return math.NaN()
	}
	return (f.ImageToGenetics.R10 + f.GeneticsToImage.R10) / 2
}

// A comparison is several runs, with the names of the modalities of any of them; all together are last.
type comparison struct {
	runs  []Run
	names []string
}

func comparisonOf(runs []Run) comparison {
	var names []string
	for _, r := range runs {
		names = append(names, modalities(r.Rows)...)
	}
	slices.Sort(names)
	return comparison{runs, append(slices.Compact(names), All)}
}

func (c comparison) runNames() []string {
	var out []string
	for _, r := range c.runs {
		out = append(out, r.Name)
	}
	return out
}

func (c comparison) legend() []key {
	var out []key
	for i, r := range c.runs {
		out = append(out, keyOf(i, r.Name))
	}
	return out
}

// shown returns what a run found at last of a modality.
func (r Run) shown(m string) (Finding, string, bool) {
	rows := shownRows(r.Rows)
	if len(rows) == 0 {
		return Finding{}, "", false
	}
	last := rows[len(rows)-1]
	f, ok := last.Retrieval[m]
	return Finding{m, f.Verdict(), f}, last.Kind, ok
}

// heldout is what the evaluation that the page shows of a run left beside its metrics.
func (r Run) heldout() (eval.Heldout, bool) {
	rows := shownRows(r.Rows)
	if len(rows) == 0 {
		return eval.Heldout{}, false
	}
	h, ok := r.Heldout[rows[len(rows)-1].Kind]
	return h, ok && h.Step == rows[len(rows)-1].Step
}

// forest is that of all runs: modality by modality, a colour a run.
func (c comparison) forest() template.HTML {
	var twigs []twig
	var words strings.Builder
	for _, m := range c.names {
		for i, r := range c.runs {
			f, _, ok := r.shown(m)
			if !ok || f.Candidates == 0 {
				continue
			}
			words.WriteString(r.Name + ", " + m + ": " + f.Line() + ". ")
			for k, w := range directions(f.Retrieval) {
				arrow := []string{"→", "←"}[k]
				twigs = append(twigs, twig{clipped(m, 12) + " " + arrow + " " + clipped(r.Name, 16), r.Name + ", " + m + ", " + w.name, hue(i), f.chance10(), w, k == 1, i})
			}
		}
	}
	return drawForest("Recall@10 with 95 % intervals, by modality, run and direction", words.String(), twigs)
}

// charts draws a panel a modality, whose lines line makes of each run; nothing of a modality that none has.
func (c comparison) charts(base chart, line func(r Run, m string) []Curve) []chart {
	var out []chart
	for _, m := range c.names {
		x := base
		x.Title, x.Modality = m, -1
		any := false
		for i, r := range c.runs {
			for k, l := range line(r, m) {
				l.Name = strings.TrimSuffix(r.Name+", "+l.Name, ", ")
				any = any || slices.ContainsFunc(l.Y, finite)
				x.Series = append(x.Series, series{Curve: l, Class: strings.TrimSpace("r" + string(rune('0'+i%colours)) + " " + dashed(k)), Mark: i})
			}
		}
		if any {
			out = append(out, x)
		}
	}
	return out
}

// panels draws a value of the validations.
func (c comparison) panels(longest, level float64, value func(r Row, m string) float64) []figure {
	return sameAxes(c.charts(chart{Level: level, LevelName: "chance", Points: c.points()}, func(r Run, m string) []Curve {
		return []Curve{curve("", Of(r.Rows, "validation"), func(row Row) float64 { return value(row, m) })}
	}), longest)
}

// points is how many a line has at most.
func (c comparison) points() int {
	return min(mostPoints, max(30, allPoints/(6*len(c.names)*max(1, len(c.runs)))))
}

// everyRank is recall@k, against the diagonal of chance. Runs may have other candidates: k is in percent of them.
func (c comparison) everyRank() []figure {
	charts := c.charts(chart{XName: "k in % of the candidates", Level: math.NaN(), Diagonal: "chance", Y1: 1, X1: 100, Points: c.points()}, func(r Run, m string) []Curve {
		h, ok := r.heldout()
		f := h.Recall[m]
		if n := len(f.K); !ok || n < 2 || len(f.ToGenetics) != n || len(f.ToImage) != n {
			return nil
		}
		x := floats(f.K)
		for i := range x {
			x[i] *= 100 / float64(f.K[len(f.K)-1])
		}
		return []Curve{{"image to genetics", x, f.ToGenetics}, {"genetics to image", x, f.ToImage}}
	})
	var out []figure
	for _, x := range charts {
		for i := range x.Series {
			x.Series[i].Mark = -1
		}
		out = append(out, drawn(x))
	}
	return out
}

// speed lays the runs' learning rates, gradient norms and speeds over each other.
func (c comparison) speed() []figure {
	var charts []chart
	for i, r := range c.runs {
		for k, f := range panelsOf(r.Rows, nil).speed(r.Clip)[:min(3, len(panelsOf(r.Rows, nil).speed(r.Clip)))] {
			if len(charts) <= k {
				charts = append(charts, chart{Title: f.Title, Modality: -1, Level: math.NaN(), Points: c.points()})
			}
			l := f.chart.Series[0]
			l.Name, l.Class = r.Name, "r"+string(rune('0'+i%colours))
			charts[k].Series = append(charts[k].Series, l)
		}
	}
	var out []figure
	for _, x := range charts {
		out = append(out, drawn(x))
	}
	return out
}

// geometry lists how embeddings lie, a run after the other.
func (c comparison) geometry() []geometryRow {
	var out []geometryRow
	for _, r := range c.runs {
		if h, ok := r.heldout(); ok {
			for _, g := range geometryRows(h) {
				g.Name = r.Name + ", " + g.Name
				out = append(out, g)
			}
		}
	}
	return out
}
