package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// A series is one line of a chart.
type series struct {
	Curve
	Class string // thin: a faint line; dash: a broken one
	Marks bool   // at each point, with its value for the pointer
}

// A chart is one panel of small multiples.
type chart struct {
	Title, Unit string // what it shows, and of what the y axis is
	Modality    int    // decides the colour; below 0: none of a modality's
	Series      []series
	Level       float64 // a dotted horizontal line: chance, or a limit; NaN: none
	LevelName   string
	Best        int     // step of a vertical line; 0: none
	Y0, Y1      float64 // of the axis; both 0: what the series need, from 0
	X1          float64 // last step of the axis; 0: what the series need
}

// The size and the margins of a chart, in pixels.
const (
	chartW, chartH                                   = 320.0, 200.0
	chartLeft, chartRight, chartTop, chartUnderneath = 54.0, 12.0, 10.0, 34.0
)

// colours is how many colours modalities have in turn.
const colours = 5

// hue returns the class of a modality's colour: the same everywhere in a page.
func hue(modality int) string {
	if modality < 0 {
		return "m"
	}
	return fmt.Sprintf("m m%d", modality%colours)
}

// draw returns the chart as an SVG element with its content in words.
func (c chart) draw() template.HTML {
	var curves []Curve
	for _, s := range c.Series {
		curves = append(curves, s.Curve)
	}
	_, x1, _, y1 := bounds(curves)
	x0, y0 := 0.0, 0.0
	if finite(c.Level) {
		y1 = max(y1, c.Level)
	}
	if c.Y0 != 0 || c.Y1 != 0 {
		y0, y1 = c.Y0, c.Y1
	}
	if x1 = max(x1, c.X1); y1 <= y0 {
		y1 = y0 + 1
	}
	px := func(x float64) float64 { return chartLeft + (x-x0)/(x1-x0)*(chartW-chartLeft-chartRight) }
	py := func(y float64) float64 {
		return chartH - chartUnderneath - (min(y1, max(y0, y))-y0)/(y1-y0)*(chartH-chartTop-chartUnderneath)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="%s" viewBox="0 0 %g %g" role="img"><title>%s</title><desc>%s</desc>`, hue(c.Modality), chartW, chartH, html.EscapeString(c.Title), html.EscapeString(c.words()))
	for _, y := range ticks(y0, y1) {
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end">%.4g</text>`, chartLeft, chartW-chartRight, py(y), py(y), chartLeft-6, py(y)+4, y)
	}
	for _, x := range ticks(x0, x1) {
		if x == math.Round(x) {
			fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%.6g</text>`, px(x), chartH-chartUnderneath+15, x)
		}
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">step</text>`, (chartLeft+chartW-chartRight)/2, chartH-4)
	if finite(c.Level) {
		fmt.Fprintf(&b, `<line class="level" x1="%g" x2="%g" y1="%.1f" y2="%.1f"><title>%s: %.3g</title></line>`, chartLeft, chartW-chartRight, py(c.Level), py(c.Level), html.EscapeString(c.LevelName), c.Level)
	}
	if c.Best > 0 {
		fmt.Fprintf(&b, `<line class="best" x1="%.1f" x2="%.1f" y1="%g" y2="%g"><title>best checkpoint: step %d</title></line>`, px(float64(c.Best)), px(float64(c.Best)), chartTop, chartH-chartUnderneath, c.Best)
	}
	for _, s := range c.Series {
		fmt.Fprintf(&b, `<polyline class="line %s" points="%s"/>`, s.Class, points(s.Curve, px, py))
		for i := range s.X {
			if s.Marks && finite(s.Y[i]) && len(s.X) <= mostMarks {
				fmt.Fprintf(&b, `<circle class="%s" cx="%.1f" cy="%.1f" r="2.6"><title>%s, step %g: %.4g</title></circle>`, s.Class, px(s.X[i]), py(s.Y[i]), html.EscapeString(s.Name), s.X[i], s.Y[i])
			}
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// mostMarks bounds the marks of a line: more would make one of them.
const mostMarks = 60

// words says where each line of a chart ends, for who cannot see it.
func (c chart) words() string {
	var parts []string
	for _, s := range c.Series {
		for i := len(s.Y) - 1; i >= 0; i-- {
			if finite(s.Y[i]) {
				parts = append(parts, fmt.Sprintf("%s is %.4g at step %g", s.Name, s.Y[i], s.X[i]))
				break
			}
		}
	}
	if finite(c.Level) {
		parts = append(parts, fmt.Sprintf("%s is %.3g", c.LevelName, c.Level))
	}
	if c.Best > 0 {
		parts = append(parts, fmt.Sprintf("the best checkpoint is of step %d", c.Best))
	}
	return strings.Join(parts, "; ")
}

// The size of a forest plot, in pixels.
const (
	forestW, forestRow                                   = 720.0, 22.0
	forestLeft, forestRight, forestTop, forestUnderneath = 250.0, 20.0, 8.0, 40.0
)

// forest draws recall@10 of each finding and direction with its interval, and chance as a tick; all together last.
func forest(found []Finding) template.HTML {
	var shown []Finding
	for _, f := range found {
		if f.Candidates > 0 {
			shown = append(shown, f)
		}
	}
	if len(shown) == 0 {
		return ""
	}
	height := forestTop + 2*forestRow*float64(len(shown)) + forestUnderneath
	px := func(v float64) float64 { return forestLeft + v*(forestW-forestLeft-forestRight) }
	var b, words strings.Builder
	for _, f := range shown {
		fmt.Fprintf(&words, "%s: %s. ", f.Name, f.Line())
	}
	fmt.Fprintf(&b, `<svg class="forest" viewBox="0 0 %g %g" role="img"><title>Recall@10 with 95 %% intervals, by modality and direction</title><desc>%s</desc>`, forestW, height, html.EscapeString(words.String()))
	for k := 0; k <= 5; k++ {
		v := float64(k) / 5
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%.1f"/><text x="%.1f" y="%.1f" text-anchor="middle">%g</text>`, px(v), px(v), forestTop, height-forestUnderneath, px(v), height-forestUnderneath+16, v)
	}
	fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle">recall@10 (upright tick: chance)</text>`, px(0.5), height-4)
	for i, f := range shown {
		for k, way := range directions(f.Retrieval) {
			y := forestTop + forestRow*(float64(2*i+k)+0.5)
			fmt.Fprintf(&b, `<g class="%s"><text x="%g" y="%.1f" text-anchor="end">%s</text>`, hue(f.colour(i)), forestLeft-8, y+4, clipped(f.Name, 16)+", "+way.name)
			if r := way.d.R10Interval; r.High > 0 {
				fmt.Fprintf(&b, `<line class="span" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, px(r.Low), px(r.High), y, y)
			}
			fmt.Fprintf(&b, `<line class="chance" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, px(f.chance10()), px(f.chance10()), y-7, y+7)
			mark := fmt.Sprintf(`<circle cx="%.1f" cy="%.1f" r="4.5">`, px(way.d.R10), y)
			end := "</circle>"
			if k == 1 {
				mark, end = fmt.Sprintf(`<rect x="%.1f" y="%.1f" width="8" height="8">`, px(way.d.R10)-4, y-4), "</rect>"
			}
			fmt.Fprintf(&b, `%s<title>%s, %s: recall@10 %s</title>%s</g>`, mark, html.EscapeString(f.Name), way.name, withInterval(way.d.R10, way.d.R10Interval), end)
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// colour returns the number of the finding's colour when it is the i-th; all together has none.
func (f Finding) colour(i int) int {
	if f.Name == allName {
		return -1
	}
	return i
}
