package report

import (
	"html"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"contig-gpu/model/measure"
)

// Probed is all that a report of a probe shows. It must hold no ids.
type Probed struct {
	Title     string
	Facts     []Fact
	Undefined string // why nothing was fitted; "" where something was
	Results   []measure.Result
	Rankings  []Ranks         // by class or label
	Confusion *ConfusionTable // of classes and grades
	Bins      []measure.Bin   // of calibration
	Traits    []Trait
	Fractions Comparison // label efficiency
	Against   Comparison
	Notes     []string
}

// Ranks is a class or label with its curves.
type Ranks struct {
	Name  string
	Curve []measure.Point
	Share float64 // of the rows that have it: what precision is by chance
}

// A ConfusionTable counts rows by truth (rows) and prediction.
type ConfusionTable struct {
	Names []string
	Count [][]int
}

// A Trait is truth and prediction of a number.
type Trait struct {
	Name              string
	Truth, Prediction []float64
}

// A Comparison is metrics of several fits.
type Comparison struct {
	Fit     string // what tells the fits apart, such as their encoder
	Metrics []ComparedMetric
}

// A ComparedMetric is a metric of each fit.
type ComparedMetric struct {
	Name string
	Rows []ComparedFit
}

// A ComparedFit is the value of a metric of a fit, and its difference to the first fit's, nil where none is taken.
type ComparedFit struct {
	Name       string
	Value      measure.Result
	Difference *measure.Result
}

// Differences reports whether any fit has one.
func (c Comparison) Differences() bool {
	for _, m := range c.Metrics {
		for _, r := range m.Rows {
			if r.Difference != nil {
				return true
			}
		}
	}
	return false
}

// mostRankings is how many classes have a panel.
const mostRankings = 12

// A probedView is what the page shows.
type probedView struct {
	Probed
	Style        template.CSS
	ROC, PR      []panel
	Calibration  template.HTML
	Differences  []panel
	MoreRankings int
	Shown        []shownResult
}

// A panel is a figure with its title.
type panel struct {
	Title string
	SVG   template.HTML
}

// A shownResult is a metric in words.
type shownResult struct{ Name, Text, Draws string }

// WriteProbed writes the page as one HTML document without references to anything outside and without scripts.
func WriteProbed(w io.Writer, p Probed) error {
	v := probedView{Probed: p, Style: template.CSS(style)}
	for _, r := range p.Results {
		s := shownResult{Name: r.Name, Text: resultWords(r)}
		if r.UndefinedDraws > 0 {
			s.Draws = grouped(r.UndefinedDraws) + " draws undefined"
		}
		v.Shown = append(v.Shown, s)
	}
	v.MoreRankings = max(0, len(p.Rankings)-mostRankings)
	for _, r := range p.Rankings[:min(mostRankings, len(p.Rankings))] {
		if len(r.Curve) > 0 {
			v.ROC = append(v.ROC, panel{r.Name, rocOf(r)})
			v.PR = append(v.PR, panel{r.Name, precisionOf(r)})
		}
	}
	if len(p.Bins) > 0 {
		v.Calibration = calibrationOf(p.Bins)
	}
	for _, t := range p.Traits {
		v.Differences = append(v.Differences, panel{t.Name, blandAltman(t)})
	}
	t, err := template.New("probe").Funcs(template.FuncMap{"words": resultText, "shade": cellShare, "parts": breakable}).Parse(probedPage)
	if err != nil {
		return err
	}
	return t.Execute(w, v)
}

// resultWords is a value with its interval, or why it has none.
func resultWords(r measure.Result) string {
	switch {
	case r.Undefined != "":
		return "undefined: " + r.Undefined
	case math.IsNaN(r.Value):
		return "–"
	case math.IsNaN(r.Low):
		return short(r.Value)
	}
	return short(r.Value) + " [" + short(r.Low) + ", " + short(r.High) + "]"
}

// resultText is resultWords of a result, or of a pointer to one.
func resultText(r any) string {
	if p, is := r.(*measure.Result); is {
		return resultWords(*p)
	}
	return resultWords(r.(measure.Result))
}

// breakable lets a metric's name wrap behind underscores and dots.
func breakable(name string) template.HTML {
	return template.HTML(strings.NewReplacer("_", "_<wbr>", ".", ".<wbr>").Replace(html.EscapeString(name)))
}

// cellShare is how much of a row of a confusion table a cell has, in per cent.
func cellShare(row []int, n int) int {
	all := 0
	for _, v := range row {
		all += v
	}
	if all == 0 {
		return 0
	}
	return 100 * n / all
}

// leastDot is how many persons a dot stands for: fewer would show single persons.
const leastDot = 5

// dots returns means of at least five persons who are next to each other in x.
func dots(x, y []float64) (mx, my []float64) {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	n := min(len(order)/leastDot, 400)
	for k := range n {
		part := order[k*len(order)/n : (k+1)*len(order)/n]
		sx, sy := 0.0, 0.0
		for _, i := range part {
			sx, sy = sx+x[i], sy+y[i]
		}
		mx, my = append(mx, sx/float64(len(part))), append(my, sy/float64(len(part)))
	}
	return mx, my
}
