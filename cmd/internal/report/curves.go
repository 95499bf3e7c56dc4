package report

import (
	"html/template"
	"maps"
	"math"
	"slices"

	"contig-gpu/model/eval"
)

// A figure is a panel with its title.
type figure struct {
	Title string
	SVG   template.HTML

	chart chart // that was drawn, for its data
}

// drawn is a chart as a figure.
func drawn(c chart) figure { return figure{c.Title, c.draw(), c} }

// A panels is what all charts of a page have in common.
type panels struct {
	rows    []Row
	names   []string // modalities, in their order of colours
	points  int      // of a line at most
	best    int
	resumed []int // steps
}

// allPoints is how many points the lines of a page have together at most: of many modalities each line has fewer.
const allPoints = 9000

func panelsOf(rows []Row, sessions []Session) panels {
	p := panels{rows: rows, names: modalities(rows), best: bestStep(rows)}
	p.points = min(mostPoints, max(50, allPoints/(8*len(p.names)+8)))
	for _, s := range sessions[min(1, len(sessions)):] {
		p.resumed = append(p.resumed, s.From)
	}
	return p
}

// of gives charts over the same axes what they have in common, and draws them.
func (p panels) of(charts []chart, longest float64) []figure {
	for i := range charts {
		charts[i].Best, charts[i].Resumed, charts[i].Points = p.best, p.resumed, p.points
	}
	return sameAxes(charts, longest)
}

// mark is that of a modality, by its number; all together have the last.
func (p panels) mark(i int) int {
	if i < 0 {
		return len(p.names)
	}
	return i
}

func curve(name string, rows []Row, value func(Row) float64) Curve {
	c := Curve{Name: name}
	for _, r := range rows {
		c.X, c.Y = append(c.X, float64(r.Step)), append(c.Y, value(r))
	}
	return c
}

func smooth(c Curve) Curve {
	c.Y = Smooth(c.Y, float64(len(c.Y))/40)
	return c
}

// modalities returns those of the evaluations, or of the steps where there is none yet, in their order of colours.
func modalities(rows []Row) []string {
	for _, r := range slices.Backward(rows) {
		if len(r.Sets) > 0 {
			return slices.Sorted(maps.Keys(r.Sets))
		}
	}
	for _, r := range rows {
		if r.Kind == "step" {
			return slices.Sorted(maps.Keys(r.Losses))
		}
	}
	return nil
}

// bestStep is the step of the checkpoint that was tested, or that of the best retrieval so far; 0: there is none.
func bestStep(rows []Row) int {
	if tests := Of(rows, "test"); len(tests) > 0 {
		return tests[len(tests)-1].Step
	}
	best, at := math.Inf(-1), 0
	for _, r := range Of(rows, "validation") {
		sum := 0.0
		for _, w := range directions(r.Retrieval[All]) {
			sum += w.d.R1 + w.d.R5 + w.d.R10
		}
		if sum > best {
			best, at = sum, r.Step
		}
	}
	return at
}

// most is the largest value that panels of losses show, in shares of chance: what is above lies at their edge.
const most = 2.0

// losses are the losses as shares of that of chance, one panel a modality with the same axes.
func (p panels) losses() []figure {
	steps, checks := Of(p.rows, "step"), Of(p.rows, "validation")
	var charts []chart
	for i, m := range p.names {
		training := smooth(curve("training loss / chance", steps, func(r Row) float64 { v, _ := ofChance(r.Losses[m]); return v }))
		c := chart{Title: m, Modality: i, Level: 1, LevelName: "chance", Series: []series{{Curve: training, Class: "thin", Mark: -1}}}
		if len(checks) > 0 {
			c.Series = append(c.Series, series{Curve: curve("validation loss / chance", checks, func(r Row) float64 { return setShare(r, m) }), Mark: p.mark(i)})
		}
		if len(training.X)+len(checks) > 0 {
			charts = append(charts, c)
		}
	}
	return p.of(charts, most)
}

// setShare is a modality's validation loss as a share of that of chance, NaN where there is none.
func setShare(r Row, m string) float64 {
	if s := r.Sets[m]; s.Candidates > 0 {
		return s.Loss / s.Chance
	}
	return math.NaN()
}

// recalls are recall@10 of the validation split in both directions, one panel a modality with the same axes.
func (p panels) recalls() []figure {
	checks := Of(p.rows, "validation")
	if len(checks) == 0 || len(checks[0].Retrieval) == 0 {
		return nil
	}
	var charts []chart
	for i, f := range Findings(checks[len(checks)-1].Retrieval) {
		c := chart{Title: f.Name, Modality: f.colour(i), Level: f.chance10(), LevelName: "chance"}
		for k, w := range directions(f.Retrieval) {
			c.Series = append(c.Series, series{Curve: curve(w.name, checks, func(r Row) float64 { return directions(r.Retrieval[f.Name])[k].d.R10 }), Class: dashed(k), Mark: p.mark(f.colour(i))})
		}
		charts = append(charts, c)
	}
	return p.of(charts, 1)
}

// dashed is the class of the line of a direction: solid there, broken back.
func dashed(direction int) string { return []string{"", "dash"}[direction] }

// everyRank are recall@k of an evaluation, for every k, against the diagonal of chance.
func (p panels) everyRank(h eval.Heldout) []figure {
	var out []figure
	for i, f := range recallsOf(h) {
		c := chart{Title: f.name, XName: "k", Modality: f.colour(i), Level: math.NaN(), Diagonal: "chance", Y1: 1, Points: max(40, p.points/2)}
		for k, y := range [][]float64{f.ToGenetics, f.ToImage} {
			c.Series = append(c.Series, series{Curve: Curve{directions(eval.Retrieval{})[k].name, floats(f.K), y}, Class: dashed(k), Mark: -1})
		}
		out = append(out, drawn(c))
	}
	return out
}

// A namedRecall is the curve of a modality.
type namedRecall struct {
	name string
	eval.Recall
}

func (n namedRecall) colour(i int) int { return Finding{Name: n.name}.colour(i) }

// recallsOf returns the curves of an evaluation by name, all together last.
func recallsOf(h eval.Heldout) []namedRecall {
	var out []namedRecall
	for _, f := range Findings(emptyOf(h.Recall)) {
		if r := h.Recall[f.Name]; len(r.K) > 1 && len(r.ToGenetics) == len(r.K) && len(r.ToImage) == len(r.K) {
			out = append(out, namedRecall{f.Name, r})
		}
	}
	return out
}

// emptyOf has the keys of a map, for their order.
func emptyOf(m map[string]eval.Recall) map[string]eval.Retrieval {
	out := map[string]eval.Retrieval{}
	for k := range m {
		out[k] = eval.Retrieval{}
	}
	return out
}

func floats(v []int) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// sameAxes draws charts over the same axes, the y axis at most as long as given.
func sameAxes(charts []chart, longest float64) []figure {
	top, last := 0.0, 0.0
	for _, c := range charts {
		for _, s := range c.Series {
			for i, y := range s.Y {
				if last = max(last, s.X[i]); finite(y) {
					top = max(top, y)
				}
			}
		}
		if finite(c.Level) {
			top = max(top, c.Level)
		}
	}
	var out []figure
	for _, c := range charts {
		c.Y1, c.X1 = min(longest, top*1.05), last
		out = append(out, drawn(c))
	}
	return out
}
