package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"contig-gpu/model/measure"
)

// A plane is a plot of two axes with lines and dots.
type plane struct {
	b              strings.Builder
	x0, x1, y0, y1 float64
}

// planeName is how much lies above a plot for what its upright axis is: there it is on no line, of the grid or of values.
const planeName = 16.0

// newPlane begins a plot: bounds of both axes, what they are, and the content in words.
func newPlane(x0, x1, y0, y1 float64, xName, yName, title, words string) *plane {
	p := &plane{x0: x0, x1: x1, y0: y0, y1: y1}
	fmt.Fprintf(&p.b, `<svg class="m m0" viewBox="0 %g %g %g" role="img"><title>%s</title><desc>%s</desc>`, -planeName, chartW, chartH+planeName, html.EscapeString(title), html.EscapeString(words))
	for _, y := range ticks(y0, y1) {
		fmt.Fprintf(&p.b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end">%.4g</text>`, chartLeft, chartW-chartRight, p.py(y), p.py(y), chartLeft-6, p.py(y)+4, y)
	}
	for _, x := range ticks(x0, x1) {
		fmt.Fprintf(&p.b, `<text x="%.1f" y="%g" text-anchor="middle">%.4g</text>`, p.px(x), chartH-chartUnderneath+15, x)
	}
	fmt.Fprintf(&p.b, `<text x="%g" y="%g" text-anchor="middle">%s</text><text x="0" y="%g">%s</text>`, (chartLeft+chartW-chartRight)/2, chartH-4, html.EscapeString(xName), chartTop-planeName/2-2, html.EscapeString(yName))
	return p
}

func (p *plane) px(x float64) float64 {
	return chartLeft + (x-p.x0)/(p.x1-p.x0)*(chartW-chartLeft-chartRight)
}

func (p *plane) py(y float64) float64 {
	return chartH - chartUnderneath - (min(p.y1, max(p.y0, y))-p.y0)/(p.y1-p.y0)*(chartH-chartTop-chartUnderneath)
}

func (p *plane) line(class string, c Curve) {
	fmt.Fprintf(&p.b, `<polyline class="%s" points="%s"/>`, class, points(c, p.px, p.py))
}

func (p *plane) dot(x, y float64, words string) {
	fmt.Fprintf(&p.b, `<circle class="k" cx="%.1f" cy="%.1f" r="3"><title>%s</title></circle>`, p.px(x), p.py(y), html.EscapeString(words))
}

func (p *plane) level(y float64, words string) {
	fmt.Fprintf(&p.b, `<line class="level" x1="%g" x2="%g" y1="%.1f" y2="%.1f"><title>%s</title></line>`, chartLeft, chartW-chartRight, p.py(y), p.py(y), html.EscapeString(words))
}

func (p *plane) done() template.HTML {
	p.b.WriteString("</svg>")
	return template.HTML(p.b.String())
}

// rocOf draws the true against the false positive rate.
func rocOf(r Ranks) template.HTML {
	p := newPlane(0, 1, 0, 1, "false positive rate", "true positive rate", "ROC curve of "+r.Name, fmt.Sprintf("%d thresholds", len(r.Curve)))
	c := Curve{X: []float64{0}, Y: []float64{0}}
	for _, q := range r.Curve {
		c.X, c.Y = append(c.X, q.FalsePositive), append(c.Y, q.TruePositive)
	}
	p.line("line thin dash", Curve{X: []float64{0, 1}, Y: []float64{0, 1}})
	p.line("line", c)
	return p.done()
}

// precisionOf draws precision against recall, in steps as average precision sums them.
func precisionOf(r Ranks) template.HTML {
	p := newPlane(0, 1, 0, 1, "recall", "precision", "Precision and recall of "+r.Name, fmt.Sprintf("%d thresholds; by chance %.3g", len(r.Curve), r.Share))
	c, before := Curve{}, 0.0
	for _, q := range r.Curve {
		c.X, c.Y = append(c.X, before, q.TruePositive), append(c.Y, q.Precision, q.Precision)
		before = q.TruePositive
	}
	p.level(r.Share, fmt.Sprintf("chance: %.3g", r.Share))
	p.line("line", c)
	return p.done()
}

// calibrationOf draws accuracy against confidence, by bin.
func calibrationOf(bins []measure.Bin) template.HTML {
	p := newPlane(0, 1, 0, 1, "confidence", "accuracy", "Calibration", "accuracy of rows by the probability of the class that is predicted")
	p.line("line thin dash", Curve{X: []float64{0, 1}, Y: []float64{0, 1}})
	c := Curve{}
	for _, b := range bins {
		if b.Rows > 0 {
			c.X, c.Y = append(c.X, b.Confidence), append(c.Y, b.Accuracy)
		}
	}
	p.line("line", c)
	for _, b := range bins {
		if b.Rows > 0 {
			p.dot(b.Confidence, b.Accuracy, fmt.Sprintf("%g rows, confidence %.3g, accuracy %.3g", b.Rows, b.Confidence, b.Accuracy))
		}
	}
	return p.done()
}

// blandAltman draws prediction less truth against their mean, with the mean difference and 1.96 standard deviations about it (Bland and Altman 1986). Dots are means of
// persons next to each other; mean and limits are of single persons.
func blandAltman(t Trait) template.HTML {
	mean, diff := make([]float64, len(t.Truth)), make([]float64, len(t.Truth))
	m, s := 0.0, 0.0
	for i, y := range t.Truth {
		mean[i], diff[i] = (y+t.Prediction[i])/2, t.Prediction[i]-y
		m += diff[i] / float64(len(diff))
	}
	for _, d := range diff {
		s += (d - m) * (d - m) / float64(max(1, len(diff)-1))
	}
	s = 1.96 * math.Sqrt(s)
	x, y := dots(mean, diff)
	x0, x1, y0, y1 := bounds([]Curve{{X: x, Y: y}, {X: x[:min(1, len(x))], Y: []float64{m - s}}, {X: x[:min(1, len(x))], Y: []float64{m + s}}})
	p := newPlane(x0, x1, y0, y1, "mean of truth and prediction", "prediction less truth", "Bland-Altman plot of "+t.Name, fmt.Sprintf("mean difference %.3g, limits of agreement %.3g to %.3g", m, m-s, m+s))
	for _, l := range []float64{m - s, m, m + s} {
		p.level(l, fmt.Sprintf("%.3g", l))
	}
	for i := range x {
		p.dot(x[i], y[i], fmt.Sprintf("mean %.4g, difference %.3g", x[i], y[i]))
	}
	return p.done()
}
