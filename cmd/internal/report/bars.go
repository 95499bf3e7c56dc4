package report

import (
	"fmt"
	"math"
	"strings"
)

// Size of bars and swarms, in pixels.
const (
	barsW, barH            = 480.0, 20.0
	barsLeft, barsRight    = 165.0, 18.0
	barsTop, barsUnder     = 6.0, 34.0
	labelLength            = 22 // characters
	swarmH                 = 26.0
	dotSize                = 2.3
	histogramW, histogramH = 460.0, 200.0
	histogramBins          = 30
)

// bars draws mean |A| with its interval, a row each, coloured by the sign of the mean; discoveries are marked.
func bars(rows []Ranked, fdr float64) string {
	top := 0.0
	for _, r := range rows {
		for _, v := range []float64{r.MeanAbs, r.High} {
			if finite(v) {
				top = max(top, v)
			}
		}
	}
	if top == 0 {
		top = 1
	}
	px := func(v float64) float64 { return barsLeft + v/top*(barsW-barsLeft-barsRight) }
	h := barsTop + barH*float64(len(rows)) + barsUnder
	var b strings.Builder
	fmt.Fprintf(&b, `<div class="wide"><svg class="half" viewBox="0 0 %g %g" width="%g" height="%g" role="img" aria-label="mean absolute attribution with intervals">`, barsW, h, barsW, h)
	for _, v := range ticks(0, top) {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/><text x="%.1f" y="%g" text-anchor="middle">%s</text>`, px(v), px(v), barsTop, h-barsUnder, px(v), h-barsUnder+15, short(v))
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">mean |A|</text>`, (barsLeft+barsW-barsRight)/2, h-4)
	for i, r := range rows {
		y := barsTop + barH*float64(i)
		class, mark, length := "up", "", 0.0
		if finite(r.MeanAbs) {
			length = px(r.MeanAbs) - barsLeft
		}
		if r.Mean < 0 {
			class = "down"
		}
		if r.Q <= fdr {
			mark = "● "
		}
		fmt.Fprintf(&b, `<text x="%g" y="%.1f" text-anchor="end"><tspan class="mark">%s</tspan>%s</text><rect class="%s" x="%g" y="%.1f" width="%.1f" height="%g"/>`,
			barsLeft-8, y+barH/2+4, mark, clipped(r.label(), labelLength), class, barsLeft, y+3, length, barH-6)
		if finite(r.Low) && finite(r.High) {
			fmt.Fprintf(&b, `<path class="whisker" d="M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8"/>`, px(r.Low), y+barH/2, px(r.High), px(r.Low), y+barH/2-4, px(r.High), y+barH/2-4)
		}
	}
	b.WriteString(`</svg></div>`)
	return b.String()
}

// swarm draws the dots of each feature by their attribution, spread where they crowd, coloured by the feature's value.
func swarm(rows []Swarm) string {
	reach := 0.0
	for _, s := range rows {
		for _, v := range s.Score {
			if finite(v) {
				reach = max(reach, math.Abs(v))
			}
		}
	}
	if reach == 0 {
		reach = 1
	}
	px := func(v float64) float64 { return barsLeft + (v+reach)/(2*reach)*(barsW-barsLeft-barsRight) }
	h := barsTop + swarmH*float64(len(rows)) + barsUnder
	var b strings.Builder
	fmt.Fprintf(&b, `<div class="wide"><svg class="half" viewBox="0 0 %g %g" width="%g" height="%g" role="img" aria-label="attribution against feature value">`, barsW, h, barsW, h)
	for _, v := range ticks(-reach, reach) {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/><text x="%.1f" y="%g" text-anchor="middle">%s</text>`, px(v), px(v), barsTop, h-barsUnder, px(v), h-barsUnder+15, short(v))
	}
	fmt.Fprintf(&b, `<line class="zero" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/><text x="%g" y="%g" text-anchor="middle">attribution A</text>`, px(0), px(0), barsTop, h-barsUnder, (barsLeft+barsW-barsRight)/2, h-4)
	for i, s := range rows {
		y := barsTop + swarmH*(float64(i)+0.5)
		fmt.Fprintf(&b, `<text x="%g" y="%.1f" text-anchor="end">%s</text>`, barsLeft-8, y+4, clipped(s.Name, labelLength))
		column := map[int]int{}
		for k, v := range s.Score {
			if !finite(v) || !finite(s.Value[k]) {
				continue
			}
			x := px(v)
			n := column[int(x/(2*dotSize))]
			column[int(x/(2*dotSize))]++
			up := float64((n+1)/2) * 2.2 // 0, 1, -1, 2, -2, ...
			if n%2 == 0 {
				up = -up
			}
			up = math.Mod(up, swarmH/2-dotSize)
			fmt.Fprintf(&b, `<circle class="v%d" cx="%.1f" cy="%.1f" r="%g"/>`, shade(s.Value[k]), x, y+up, dotSize)
		}
	}
	b.WriteString(`</svg></div>`)
	return b.String()
}

// shades are the colours of values, from low to high.
const shades = 7

// shade returns the colour of a standardised value: each is two thirds of a standard deviation wide, around 0.
func shade(v float64) int {
	return int(min(shades-1, max(0, math.Round(v*1.5)+shades/2)))
}

// histogram draws the distribution of completeness gaps on a logarithmic axis.
func histogram(g Gaps) string {
	logs := make([]float64, 0, len(g.Values))
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range g.Values {
		if !finite(v) {
			continue
		}
		l := math.Log10(max(v, 1e-16))
		logs, lo, hi = append(logs, l), min(lo, l), max(hi, l)
	}
	if g.Allowed > 0 {
		lo, hi = min(lo, math.Log10(g.Allowed)), max(hi, math.Log10(g.Allowed))
	}
	if len(logs) == 0 {
		return ""
	}
	lo, hi = math.Floor(lo), math.Ceil(hi+1e-9)
	var count [histogramBins]int
	most := 1
	for _, l := range logs {
		k := min(histogramBins-1, int((l-lo)/(hi-lo)*histogramBins))
		count[k]++
		most = max(most, count[k])
	}
	px := func(l float64) float64 { return left + (l-lo)/(hi-lo)*(histogramW-left-right) }
	py := func(n float64) float64 { return histogramH - underPlot - n/float64(most)*(histogramH-top-underPlot) }
	var b strings.Builder
	fmt.Fprintf(&b, `<figure><figcaption>%s: completeness gap</figcaption><svg viewBox="0 0 %g %g" width="%g" height="%g" role="img">`, clipped(g.Method, 40), histogramW, histogramH, histogramW, histogramH)
	for _, n := range ticks(0, float64(most)) {
		if n != math.Round(n) {
			continue
		}
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end">%g</text>`, left, histogramW-right, py(n), py(n), left-6, py(n)+4, n)
	}
	step := math.Ceil((hi - lo) / 6)
	for e := lo; e <= hi; e += step {
		anchor := "middle"
		if px(e) > histogramW-right-1 {
			anchor = "end" // half of it would lie beyond the picture
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="%s">10<tspan dy="-4" font-size="8">%g</tspan></text>`, px(e), histogramH-underPlot+16, anchor, e)
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle">|ΣA − (f(x) − f(b))| / |f(x) − f(b)|, persons</text>`, (left+histogramW-right)/2, histogramH-4)
	for k, n := range count {
		if n > 0 {
			x0, x1 := px(lo+(hi-lo)*float64(k)/histogramBins), px(lo+(hi-lo)*float64(k+1)/histogramBins)
			fmt.Fprintf(&b, `<rect class="up" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, x0, py(float64(n)), x1-x0-1, histogramH-underPlot-py(float64(n)))
		}
	}
	if g.Allowed > 0 {
		x := px(math.Log10(g.Allowed))
		fmt.Fprintf(&b, `<line class="limit" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/>`, x, x, top, histogramH-underPlot)
	}
	b.WriteString(`</svg></figure>`)
	return b.String()
}
