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
	Class string // thin: a faint line; dash: a broken one; rN: of the colour of run N
	Mark  int    // which mark stands at each point; below 0: none
}

// A chart is one panel of small multiples.
type chart struct {
	Title     string
	XName     string // "": step
	Modality  int    // decides the colour; below 0: none of a modality's
	Series    []series
	Level     float64 // a dotted horizontal line: chance, or a limit; NaN: none
	LevelName string
	Diagonal  string  // what a dotted line from 0 to 1 is, "": there is none
	Best      int     // step of a vertical line; 0: none
	Resumed   []int   // steps after which another session went on
	Y0, Y1    float64 // of the axis; both 0: what the series need, from 0
	X1        float64 // last step of the axis; 0: what the series need
	Points    int     // of a line at most; 0: mostPoints
}

// The size and the margins of a chart, in pixels. The script of the page knows them.
const (
	chartW, chartH                                   = 320.0, 200.0
	chartLeft, chartRight, chartTop, chartUnderneath = 54.0, 12.0, 10.0, 34.0
	mostPoints                                       = 250 // of a line: more than there are pixels show nothing
	mostMarks                                        = 40  // more would make a line of them
)

// A frame is where values lie in a chart.
type frame struct{ x1, y0, y1 float64 }

func (f frame) x(v float64) float64 { return chartLeft + v/f.x1*(chartW-chartLeft-chartRight) }

func (f frame) y(v float64) float64 {
	return chartH - chartUnderneath - (min(f.y1, max(f.y0, v))-f.y0)/(f.y1-f.y0)*(chartH-chartTop-chartUnderneath)
}

// frame returns the axes of a chart.
func (c chart) frame() frame {
	var curves []Curve
	for _, s := range c.Series {
		curves = append(curves, s.Curve)
	}
	_, x1, _, y1 := bounds(curves)
	f := frame{max(x1, c.X1), 0, y1}
	if finite(c.Level) {
		f.y1 = max(f.y1, c.Level)
	}
	if c.Y0 != 0 || c.Y1 != 0 {
		f.y0, f.y1 = c.Y0, c.Y1
	}
	if f.y1 <= f.y0 {
		f.y1 = f.y0 + 1
	}
	return f
}

// draw returns the chart as an SVG element with its content in words. data-a has the ends of the axes, for the script.
func (c chart) draw() template.HTML {
	f := c.frame()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart %s" viewBox="0 0 %g %g" role="img" data-a="%.6g %.6g %.6g" data-x="%s"><title>%s</title><desc>%s</desc>`,
		hue(c.Modality), chartW, chartH, f.x1, f.y0, f.y1, c.xName(), html.EscapeString(c.Title), html.EscapeString(c.words()))
	c.axes(&b, f)
	c.levels(&b, f)
	for _, s := range c.Series {
		thin := thinned(s.Curve, c.limit())
		class := "line " + s.Class
		if s.Mark >= 0 && len(thin.X) <= mostMarks {
			class += fmt.Sprintf(" k%d", s.Mark)
		}
		fmt.Fprintf(&b, `<polyline class="%s" data-n="%s" points="%s"/>`, class, html.EscapeString(s.Name), points(thin, f.x, f.y))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// limit is how many points a line has at most.
func (c chart) limit() int {
	if c.Points == 0 {
		return mostPoints
	}
	return c.Points
}

func (c chart) xName() string {
	if c.XName == "" {
		return "step"
	}
	return c.XName
}

// axes draws the grid and the numbers at it.
func (c chart) axes(b *strings.Builder, f frame) {
	var grid, numbers strings.Builder
	for _, y := range ticks(f.y0, f.y1) {
		fmt.Fprintf(&grid, "M%g %.1fH%g", chartLeft, f.y(y), chartW-chartRight)
		fmt.Fprintf(&numbers, `<text class="e" x="%g" y="%.1f">%.4g</text>`, chartLeft-6, f.y(y)+4, y)
	}
	for _, x := range ticks(0, f.x1) {
		if x == math.Round(x) {
			fmt.Fprintf(&numbers, `<text class="c" x="%.1f" y="%g">%.6g</text>`, f.x(x), chartH-chartUnderneath+15, x)
		}
	}
	fmt.Fprintf(b, `<path class="grid" d="%s"/>%s<text class="c" x="%g" y="%g">%s</text>`, grid.String(), numbers.String(), (chartLeft+chartW-chartRight)/2, chartH-4, c.xName())
}

// levels draws chance, the best checkpoint and the resumptions.
func (c chart) levels(b *strings.Builder, f frame) {
	if finite(c.Level) {
		fmt.Fprintf(b, `<path class="level" d="M%g %.1fH%g"><title>%s: %.3g</title></path>`, chartLeft, f.y(c.Level), chartW-chartRight, html.EscapeString(c.LevelName), c.Level)
	}
	if c.Diagonal != "" {
		fmt.Fprintf(b, `<path class="level" d="M%.1f %.1fL%.1f %.1f"><title>%s</title></path>`, f.x(0), f.y(0), f.x(f.x1), f.y(1), html.EscapeString(c.Diagonal))
	}
	for _, step := range c.Resumed {
		fmt.Fprintf(b, `<path class="resumed" d="M%.1f %gv8"><title>resumed after step %d</title></path>`, f.x(float64(step)), chartTop, step)
	}
	if c.Best > 0 {
		fmt.Fprintf(b, `<path class="best" d="M%.1f %gV%g"><title>best checkpoint: step %d</title></path>`, f.x(float64(c.Best)), chartTop, chartH-chartUnderneath, c.Best)
	}
}

// words says where each line of a chart ends, for who cannot see it.
func (c chart) words() string {
	var parts []string
	for _, s := range c.Series {
		for i := len(s.Y) - 1; i >= 0; i-- {
			if finite(s.Y[i]) {
				parts = append(parts, fmt.Sprintf("%s is %.4g at %s %g", s.Name, s.Y[i], c.xName(), s.X[i]))
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
	if len(c.Resumed) > 0 {
		parts = append(parts, fmt.Sprintf("resumed %d times", len(c.Resumed)))
	}
	return strings.Join(parts, "; ")
}

// thinned returns at most so many points of a curve, evenly, the last among them.
func thinned(c Curve, most int) Curve {
	n := len(c.X)
	if n <= most {
		return c
	}
	out := Curve{Name: c.Name}
	for i := range most {
		at := i * (n - 1) / (most - 1)
		out.X, out.Y = append(out.X, c.X[at]), append(out.Y, c.Y[at])
	}
	return out
}
