package report

import (
	"fmt"
	"math"
	"strings"
)

// A Curve is one line of a plot.
type Curve struct {
	Name string
	X, Y []float64
}

// The plot's size and margins, in pixels.
const (
	left, right, top, underPlot = 56.0, 12.0, 12.0, 36.0
)

// points writes a curve's finite points, so fine that the script can tell values to a ten-thousandth of an axis.
func points(c Curve, px, py func(float64) float64) string {
	var b strings.Builder
	for i := range c.X {
		if finite(c.Y[i]) {
			fmt.Fprintf(&b, "%.1f,%.2f ", px(c.X[i]), py(c.Y[i]))
		}
	}
	return strings.TrimSuffix(b.String(), " ")
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
