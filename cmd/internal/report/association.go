package report

import (
	"fmt"
	"html"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
)

// Association is the page of an association study. It holds nothing of persons.
type Association struct {
	Title, Caveat string
	Summary       []string
	Threshold     float64 // -log10 of P that counts as found
	Traits        int
	Axis          []Chromosome
	Points        []GenomePoint
	Loci          []Locus // by P
	QQs           []QQ
}

// A GenomePoint is a variant: Y is -log10 P.
type GenomePoint struct {
	Chromosome string
	Position   int // base pairs
	Y          float64
}

// A Locus is an index variant and what it stands for.
type Locus struct {
	Chromosome, Name, Gene, Trait string
	Position, Variants            int
	Y                             float64
	Input                         bool // the encoder was trained with the variant
}

// A QQ is a trait's P against what is expected, all as -log10.
type QQ struct {
	Name                          string
	Lambda                        float64
	Observed, Expected, Low, High []float64
}

// WriteAssociation writes the page as one HTML document without scripts or references to anything outside.
func WriteAssociation(w io.Writer, p Association) error {
	t, err := template.New("association").Parse(associationPage)
	if err != nil {
		return err
	}
	var qq []template.HTML
	for _, q := range p.QQs {
		qq = append(qq, template.HTML(q.draw()))
	}
	genes := slices.ContainsFunc(p.Loci, func(l Locus) bool { return l.Gene != "" })
	return t.Execute(w, struct {
		Association
		Genes bool // a locus has one
		Plot  template.HTML
		Plots []template.HTML
	}{p, genes, template.HTML(p.draw()), qq})
}

// squeezed is where the axis of -log10 P begins to be compressed: above, a unit takes a tenth of the room or less, so that the largest still fits.
const squeezed = 50.0

// heightOf maps -log10 P to [0, 1] for an axis up to top.
func heightOf(y, top float64) float64 {
	if top <= squeezed {
		return y / top
	}
	const below = 0.7 // share of the axis that is not compressed
	if y <= squeezed {
		return below * y / squeezed
	}
	return below + (1-below)*(math.Log(y/squeezed)/math.Log(top/squeezed))
}

// axisTicks are values to write at the axis, none above top, and where it is compressed as many as have room.
func axisTicks(top float64) []float64 {
	if top <= squeezed {
		return ticks(0, top)
	}
	const room = 0.06 // of the axis
	out := []float64{0, 10, 20, 30, 40, 50}
	for ten := 10.0; ten <= top; ten *= 10 {
		for _, k := range []float64{1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9} {
			if v := k * ten; v > squeezed && v <= top && heightOf(v, top)-heightOf(out[len(out)-1], top) >= room {
				out = append(out, v)
			}
		}
	}
	return out
}

// draw returns the Manhattan plot: of points in the same place one is drawn.
func (p Association) draw() string {
	start, total, parity := map[string]float64{}, 0.0, map[string]int{}
	for i, c := range p.Axis {
		start[c.Name], parity[c.Name] = total, i%2
		total += float64(c.Length)
	}
	top := p.Threshold * 1.1
	for _, x := range p.Points {
		if finite(x.Y) {
			top = max(top, x.Y*1.03)
		}
	}
	px := func(x float64) float64 { return genomeLeft + x/max(total, 1)*(genomeW-genomeLeft-genomeRight) }
	py := func(y float64) float64 {
		return genomeH - genomeUnder - heightOf(min(y, top), top)*(genomeH-genomeTop-genomeUnder)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<div class="wide"><svg id="manhattan" viewBox="0 0 %g %g" width="%g" height="%g" role="img" aria-label="minus log10 P along the genome">`, genomeW, genomeH, genomeW, genomeH)
	for _, y := range axisTicks(top) {
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end">%g</text>`, genomeLeft, genomeW-genomeRight, py(y), py(y), genomeLeft-6, py(y)+4, y)
	}
	fmt.Fprintf(&b, `<line class="limit" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/>`, genomeLeft, genomeW-genomeRight, py(p.Threshold), py(p.Threshold))
	drawAxis(&b, p.Axis, start, px)
	drawn := map[[2]int]bool{}
	for _, x := range p.Points {
		at, ok := start[x.Chromosome]
		if !ok || math.IsNaN(x.Y) {
			continue
		}
		h, v := px(at+float64(x.Position)), py(x.Y)
		if cell := [2]int{int(2 * h), int(2 * v)}; !drawn[cell] {
			drawn[cell] = true
			class, size := fmt.Sprintf("p%d", parity[x.Chromosome]), ordinaryPoint
			if x.Y >= p.Threshold {
				class, size = "hit", bigEnough
			}
			fmt.Fprintf(&b, `<circle class="%s" cx="%.1f" cy="%.1f" r="%g"/>`, class, h, v, size)
		}
	}
	p.nameLoci(&b, start, px, py)
	b.WriteString(`</svg></div>`)
	return b.String()
}

// nameLoci writes names at the loci of the smallest P, as far as there is room.
func (p Association) nameLoci(b *strings.Builder, start map[string]float64, px, py func(float64) float64) {
	var taken []float64
	for _, l := range p.Loci {
		at, ok := start[l.Chromosome]
		x := px(at + float64(l.Position))
		if !ok || !apart(taken, x) {
			continue
		}
		taken = append(taken, x)
		name := l.Gene
		if name == "" {
			name = l.Name
		}
		anchor := "middle"
		if x > genomeW-labelRoom {
			anchor = "end"
		}
		fmt.Fprintf(b, `<text class="name" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, max(py(l.Y)-7, 11), anchor, clipped(name, 18))
	}
}

// The size of a QQ plot, and its margin, in pixels.
const qqSize, qqMargin = 260.0, 36.0

// draw returns the QQ plot with the band of 95 % of samples.
func (q QQ) draw() string {
	top, wide := 1.0, 1.0
	for i := range q.Observed {
		if finite(q.Observed[i]) {
			top = max(top, q.Observed[i])
		}
		wide = max(wide, q.Expected[i])
	}
	top = max(top, wide)
	px := func(x float64) float64 { return qqMargin + x/wide*(qqSize-qqMargin-8) }
	py := func(y float64) float64 {
		return qqSize - qqMargin - heightOf(min(y, top), top)*(qqSize-qqMargin-8)
	}
	lambda := "not defined"
	if finite(q.Lambda) {
		lambda = fmt.Sprintf("%.3f", q.Lambda)
	}
	var b, band strings.Builder
	name := html.EscapeString(q.Name)
	fmt.Fprintf(&b, `<figure><figcaption>%s: lambda %s</figcaption><svg class="qq" viewBox="0 0 %g %g" width="%g" role="img" aria-label="observed against expected minus log10 P of %s">`, name, lambda, qqSize, qqSize, qqSize, name)
	for i := range q.Low {
		fmt.Fprintf(&band, "%.1f,%.1f ", px(q.Expected[i]), py(q.Low[i]))
	}
	for i := len(q.High) - 1; i >= 0; i-- {
		fmt.Fprintf(&band, "%.1f,%.1f ", px(q.Expected[i]), py(q.High[i]))
	}
	fmt.Fprintf(&b, `<polygon class="band" points="%s"/>`, band.String())
	for _, y := range axisTicks(top) {
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end">%g</text>`, qqMargin, qqSize-8, py(y), py(y), qqMargin-4, py(y)+4, y)
	}
	for _, x := range ticks(0, wide) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%g</text>`, px(x), qqSize-qqMargin+15, x)
	}
	fmt.Fprintf(&b, `<line class="zero" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, px(0), py(0), px(wide), py(wide))
	for i, y := range q.Observed {
		fmt.Fprintf(&b, `<circle class="p0" cx="%.1f" cy="%.1f" r="1.9"/>`, px(q.Expected[i]), py(y))
	}
	b.WriteString(`</svg></figure>`)
	return b.String()
}

const associationPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}}</title>
<style>
:root{color-scheme:light dark;--ink:#1c1c1c;--soft:#555;--line:#e2e2e2;--paper:#fff;--box:#f5f5f5;--a:#0072b2;--b:#56b4e9;--hit:#d55e00}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--soft:#b0b0b0;--line:#3a3a3a;--paper:#161616;--box:#222;--a:#56b4e9;--b:#9ad4f5;--hit:#ff9d5c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1000px;margin:2em auto;padding:0 1em;overflow-wrap:break-word}
h1{font-size:1.6em}h2{font-size:1.3em;margin-top:2em}.note,figcaption{color:var(--soft);font-size:13px}.caveat{border-left:4px solid var(--hit);padding:.5em 1em;background:var(--box)}
.wide{overflow-x:auto}svg{max-width:100%;height:auto}.wide svg{min-width:640px}svg text{font-size:11px;fill:var(--soft)}svg .name{fill:var(--ink)}
.grid{stroke:var(--line)}.zero{stroke:var(--soft)}.limit{stroke:var(--hit);stroke-dasharray:4 3}.band{fill:var(--line)}.p0{fill:var(--a)}.p1{fill:var(--b)}.hit{fill:var(--hit)}
.plots{display:flex;flex-wrap:wrap;gap:1em}figure{margin:0}table{border-collapse:collapse;font-size:13.5px}td,th{padding:.2em .7em;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
</style></head><body>
<h1>{{.Title}}</h1>
{{range .Summary}}<p>{{.}}</p>
{{end}}{{with .Caveat}}<p class="caveat">{{.}}</p>{{end}}
<h2>Along the genome</h2>
<p class="note">-log10 P of each variant: of its smallest P over {{.Traits}} traits, times {{.Traits}}. Broken line: 5e-8. Above 50 the axis is compressed.</p>
{{.Plot}}
<h2>Loci</h2>
{{if .Loci}}<div class="wide"><table><tr><th>variant</th><th>place</th>{{if .Genes}}<th>gene</th>{{end}}<th>trait</th><th>-log10 P</th><th>variants</th><th></th></tr>
{{range .Loci}}<tr><td>{{.Name}}</td><td>{{.Chromosome}}:{{.Position}}</td>{{if $.Genes}}<td>{{.Gene}}</td>{{end}}<td>{{.Trait}}</td><td>{{printf "%.2f" .Y}}</td><td>{{.Variants}}</td><td>{{if .Input}}the encoder was trained with it{{end}}</td></tr>
{{end}}</table></div>{{else}}<p>None.</p>{{end}}
<h2>Observed against expected</h2>
<p class="note">P of each trait, not corrected for their number; grey: 95 % of samples where nothing is associated. Lambda: the median chi-square by that of the null. Above 50 the axis is compressed.</p>
<div class="plots">{{range .Plots}}{{.}}
{{end}}</div>
</body></html>
`
