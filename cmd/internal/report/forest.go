package report

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// The size of a forest plot, in pixels.
const (
	forestW, forestRow                                   = 720.0, 22.0
	forestLeft, forestRight, forestTop, forestUnderneath = 250.0, 20.0, 8.0, 40.0
)

// A twig is a row of a forest plot.
type twig struct {
	label, title string
	hue          string
	chance       float64
	way          way
	back         bool // hollow
	mark         int
}

func forestX(v float64) float64 { return forestLeft + v*(forestW-forestLeft-forestRight) }

// forest draws recall@10 of each finding and direction with its interval, and chance as a tick; all together last.
func forest(found []Finding) template.HTML {
	var twigs []twig
	var words strings.Builder
	for i, f := range found {
		if f.Candidates == 0 {
			continue
		}
		fmt.Fprintf(&words, "%s: %s. ", f.Name, f.Line())
		for k, w := range directions(f.Retrieval) {
			twigs = append(twigs, twig{short16(f.Name) + ", " + w.name, f.Name + ", " + w.name, hue(f.colour(i)), f.chance10(), w, k == 1, f.colour(i)})
		}
	}
	return drawForest("Recall@10 with 95 % intervals, by modality and direction", words.String(), twigs)
}

// short16 is a name as a label.
func short16(name string) string { return clipped(name, 16) }

func drawForest(title, words string, twigs []twig) template.HTML {
	if len(twigs) == 0 {
		return ""
	}
	height := forestTop + forestRow*float64(len(twigs)) + forestUnderneath
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="forest" viewBox="0 0 %g %g" role="img"><title>%s</title><desc>%s</desc>`, forestW, height, html.EscapeString(title), html.EscapeString(words))
	for k := 0; k <= 5; k++ {
		x := forestX(float64(k) / 5)
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %gV%.1f"/><text class="c" x="%.1f" y="%.1f">%g</text>`, x, forestTop, height-forestUnderneath, x, height-forestUnderneath+16, float64(k)/5)
	}
	fmt.Fprintf(&b, `<text class="c" x="%.1f" y="%.1f">recall@10 (upright tick: chance)</text>`, forestX(0.5), height-4)
	for i, t := range twigs {
		t.draw(&b, forestTop+forestRow*(float64(i)+0.5))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

func (t twig) draw(b *strings.Builder, y float64) {
	fmt.Fprintf(b, `<g class="%s"><text class="e" x="%g" y="%.1f">%s</text>`, t.hue, forestLeft-8, y+4, t.label)
	if r := t.way.d.R10Interval; r.High > 0 {
		fmt.Fprintf(b, `<path class="span" d="M%.1f %.1fH%.1f"/>`, forestX(r.Low), y, forestX(r.High))
	}
	fmt.Fprintf(b, `<path class="chance" d="M%.1f %.1fv14"/>`, forestX(t.chance), y-7)
	class := "k"
	if t.back {
		class = "h"
	}
	fmt.Fprintf(b, `<path class="%s" transform="translate(%.1f %.1f)" d="%s"><title>%s: recall@10 %s</title></path></g>`,
		class, forestX(t.way.d.R10)-5, y-5, mark(t.mark), html.EscapeString(t.title), withInterval(t.way.d.R10, t.way.d.R10Interval))
}

// colour returns the number of the finding's colour when it is the i-th; all together has none.
func (f Finding) colour(i int) int {
	if f.Name == All {
		return -1
	}
	return i
}
