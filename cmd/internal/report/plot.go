package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A Curve is one line of a plot.
type Curve struct {
	Name string
	X, Y []float64
}

// palette is Okabe and Ito's, which all readers can tell apart.
func palette(i int) string {
	colours := paletteColours()
	return colours[i%len(colours)]
}

func paletteColours() []string {
	return []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#444444"}
}

// dashes tells curves of one colour apart: solid the first time round the palette, then broken lines.
func dashes(i int) string {
	styles := [...]string{"none", "6 3", "2 2"}
	return styles[i/len(paletteColours())%len(styles)]
}

// The plot's size and margins, in pixels.
const (
	plotW, plotH                = 460.0, 260.0
	left, right, top, underPlot = 56.0, 12.0, 12.0, 36.0
)

// Plot draws curves over a common axis as a self-contained SVG element. Values that are not finite are left out.
func Plot(xLabel string, curves []Curve) string {
	x0, x1, y0, y1 := bounds(curves)
	px := func(x float64) float64 { return left + (x-x0)/(x1-x0)*(plotW-left-right) }
	py := func(y float64) float64 { return plotH - underPlot - (y-y0)/(y1-y0)*(plotH-top-underPlot) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" width="%g" height="%g" role="img">`, plotW, plotH, plotW, plotH)
	for _, y := range ticks(y0, y1) {
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end">%.4g</text>`, left, plotW-right, py(y), py(y), left-6, py(y)+4, y)
	}
	for _, x := range ticks(x0, x1) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%.6g</text>`, px(x), plotH-underPlot+16, x)
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">%s</text>`, (left+plotW-right)/2, plotH-4, html.EscapeString(xLabel))
	for i, c := range curves {
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.6" stroke-dasharray="%s" points="%s"/>`, palette(i), dashes(i), points(c, px, py))
	}
	b.WriteString("</svg>")
	return b.String() + legend(curves)
}

func points(c Curve, px, py func(float64) float64) string {
	var b strings.Builder
	stride := 1 + len(c.X)/2000 // more points than pixels show nothing
	for i := 0; i < len(c.X); i += stride {
		if finite(c.Y[i]) {
			fmt.Fprintf(&b, "%.1f,%.1f ", px(c.X[i]), py(c.Y[i]))
		}
	}
	return b.String()
}

func legend(curves []Curve) string {
	var b strings.Builder
	b.WriteString(`<div class="legend">`)
	for i, c := range curves {
		fmt.Fprintf(&b, `<span><svg width="24" height="8"><line x1="0" x2="24" y1="4" y2="4" stroke="%s" stroke-width="2.5" stroke-dasharray="%s"/></svg> %s</span>`,
			palette(i), dashes(i), html.EscapeString(c.Name))
	}
	return b.String() + "</div>"
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func bounds(curves []Curve) (x0, x1, y0, y1 float64) {
	x0, x1, y0, y1 = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for i := range c.X {
			if finite(c.Y[i]) {
				x0, x1, y0, y1 = min(x0, c.X[i]), max(x1, c.X[i]), min(y0, c.Y[i]), max(y1, c.Y[i])
			}
		}
	}
	if x0 > x1 {
		return 0, 1, 0, 1
	}
	if x0 == x1 {
		x1 = x0 + 1
	}
	if y0 == y1 {
		y0, y1 = y0-0.5, y1+0.5
	}
	return x0, x1, y0, y1
}

// ticks returns three to eight round numbers within [lo, hi].
func ticks(lo, hi float64) []float64 {
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/2)))
	for _, f := range []float64{1, 2, 5} {
		if (hi-lo)/(step*f) <= 6 {
			step *= f
			break
		}
	}
	var out []float64
	for k := math.Ceil(lo / step); k*step <= hi+step*1e-9; k++ {
		out = append(out, k*step)
	}
	return out
}

// Smooth returns the exponential mean of y with the given memory in points, without the bias of its start.
func Smooth(y []float64, memory float64) []float64 {
	out := make([]float64, len(y))
	keep := 1 - 1/max(1, memory)
	var sum, weight float64
	for i, v := range y {
		if finite(v) {
			sum, weight = keep*sum+v, keep*weight+1
		}
		out[i] = sum / weight
	}
	return out
}
