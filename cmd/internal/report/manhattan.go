package report

import (
	"fmt"
	"math"
	"strings"
)

// Size and margins of the plot along the genome, in pixels.
const (
	genomeW, genomeH         = 960.0, 320.0
	genomeLeft, genomeRight  = 64.0, 12.0
	genomeTop, genomeUnder   = 26.0, 40.0
	labelled                 = 6    // features with a name in the plot
	labelRoom                = 90.0 // pixels between two names
	narrowest                = 22.0 // of a chromosome whose name is written
	bigEnough, ordinaryPoint = 3.2, 1.9
)

// manhattan draws mean |A| of features by their place, chromosome after chromosome, discoveries in another colour.
func manhattan(all []Ranked, axis []Chromosome, fdr float64) string {
	start, total := map[string]float64{}, 0.0
	for _, c := range axis {
		start[c.Name] = total
		total += float64(c.Length)
	}
	top := 0.0
	for _, r := range all {
		if finite(r.MeanAbs) {
			top = max(top, r.MeanAbs)
		}
	}
	if top == 0 {
		top = 1
	}
	px := func(x float64) float64 { return genomeLeft + x/total*(genomeW-genomeLeft-genomeRight) }
	py := func(y float64) float64 { return genomeH - genomeUnder - y/top*(genomeH-genomeTop-genomeUnder) }
	var b strings.Builder
	fmt.Fprintf(&b, `<div class="wide"><svg viewBox="0 0 %g %g" width="%g" height="%g" role="img" aria-label="mean absolute attribution along the genome">`, genomeW, genomeH, genomeW, genomeH)
	for _, y := range ticks(0, top) {
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end">%s</text>`, genomeLeft, genomeW-genomeRight, py(y), py(y), genomeLeft-6, py(y)+4, short(y))
	}
	drawAxis(&b, axis, start, px)
	points, names := &strings.Builder{}, &strings.Builder{}
	drawn, taken := map[[2]int]bool{}, []float64{}
	parity := map[string]int{}
	for i, c := range axis {
		parity[c.Name] = i % 2
	}
	for _, r := range all {
		at, ok := start[r.Chromosome]
		if !ok || !finite(r.MeanAbs) {
			continue
		}
		x, y := px(at+float64(r.Position)), py(r.MeanAbs)
		if cell := [2]int{int(2 * x), int(2 * y)}; !drawn[cell] { // of points in the same place one is seen
			drawn[cell] = true
			class, size := fmt.Sprintf("p%d", parity[r.Chromosome]), ordinaryPoint
			if r.Q <= fdr {
				class, size = "hit", bigEnough
			}
			fmt.Fprintf(points, `<circle class="%s" cx="%.1f" cy="%.1f" r="%g"/>`, class, x, y, size)
		}
		if len(taken) < labelled && apart(taken, x) {
			taken = append(taken, x)
			anchor := "middle"
			if x > genomeW-90 {
				anchor = "end"
			} else if x < genomeLeft+60 {
				anchor = "start"
			}
			fmt.Fprintf(names, `<text class="name" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, max(y-7, 11), anchor, clipped(r.Name, 18))
		}
	}
	b.WriteString(points.String() + names.String() + `</svg></div>`)
	return b.String()
}

// drawAxis writes the chromosomes' names where there is room, and a line at each end.
func drawAxis(b *strings.Builder, axis []Chromosome, start map[string]float64, px func(float64) float64) {
	last := math.Inf(-1)
	if len(axis) == 1 {
		drawPlaces(b, axis[0], px)
		return
	}
	for _, c := range axis {
		lo, hi := px(start[c.Name]), px(start[c.Name]+float64(c.Length))
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/>`, hi, hi, genomeTop, genomeH-genomeUnder)
		if mid := (lo + hi) / 2; mid-last >= narrowest {
			fmt.Fprintf(b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, mid, genomeH-genomeUnder+16, clipped(c.Name, 6))
			last = mid
		}
	}
	fmt.Fprintf(b, `<text x="%g" y="%g" text-anchor="middle">chromosome</text>`, (genomeLeft+genomeW-genomeRight)/2, genomeH-6)
}

// drawPlaces draws the axis of one chromosome, in megabases.
func drawPlaces(b *strings.Builder, c Chromosome, px func(float64) float64) {
	const mega = 1e6
	for _, v := range ticks(0, math.Max(float64(c.Length), 1)/mega) {
		x := px(v * mega)
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/><text x="%.1f" y="%g" text-anchor="middle">%.4g</text>`, x, x, genomeTop, genomeH-genomeUnder, x, genomeH-genomeUnder+16, v)
	}
	fmt.Fprintf(b, `<text x="%g" y="%g" text-anchor="middle">chromosome %s, megabases</text>`, (genomeLeft+genomeW-genomeRight)/2, genomeH-6, clipped(c.Name, 6))
}

// apart reports whether x has room beside those taken.
func apart(taken []float64, x float64) bool {
	for _, t := range taken {
		if math.Abs(t-x) < labelRoom {
			return false
		}
	}
	return true
}
