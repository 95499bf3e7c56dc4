package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"
)

// A Flow is a step from what there was to what a training has: participants, or features of a modality.
type Flow struct {
	Of      string `json:"of"`      // participants, or a modality
	Step    string `json:"step"`    // what happened: read from the manifest, split, ...
	Remain  int    `json:"remain"`  // after it
	Removed int    `json:"removed"` // by it
	Why     string `json:"why,omitempty"`
	Part    bool   `json:"part,omitempty"` // it is a part of those before, and not what is left of them
}

// Presence is a combination of modalities and how many participants have exactly these.
type Presence struct {
	Names   []string `json:"names"`
	Persons int      `json:"persons"` // few: at most that many
	Few     bool     `json:"few,omitempty"`
}

// Participants is the Of of a Flow of persons.
const Participants = "participants"

// flowOf returns the steps of participants, or those of modalities.
func flowOf(all []Flow, persons bool) []Flow {
	return slices.DeleteFunc(slices.Clone(all), func(f Flow) bool { return (f.Of == Participants) != persons })
}

// Text says how many remain, and how many are gone.
func (f Flow) Text() string {
	if f.Part {
		return grouped(f.Remain)
	}
	text := grouped(f.Remain) + " remain"
	if f.Removed > 0 {
		text += ", " + grouped(f.Removed) + " removed"
	}
	return text
}

// shownCombinations is how many combinations of modalities a page shows: of many modalities there are thousands.
const shownCombinations = 20

// A combination is a row of the matrix of presence.
type combination struct {
	Has   []bool // by modality
	Name  string
	Count string
	Width float64 // of its bar, in percent of the most frequent
}

// A matrix is who has what.
type matrix struct {
	Names []string
	Rows  []combination
	More  string // what is not shown
}

// presenceMatrix lays out combinations as an UpSet plot does: dots by modality, a bar for how many have exactly these.
func presenceMatrix(all []Presence) matrix {
	var m matrix
	top := 1
	for _, p := range all {
		top = max(top, p.Persons)
		m.Names = append(m.Names, p.Names...)
	}
	slices.Sort(m.Names)
	m.Names = slices.Compact(m.Names)
	for _, p := range all[:min(shownCombinations, len(all))] {
		c := combination{Name: strings.Join(p.Names, " + "), Count: grouped(p.Persons), Width: 100 * float64(p.Persons) / float64(top)}
		if c.Name == "" {
			c.Name = "images alone"
		}
		if p.Few {
			c.Count = "at most " + c.Count
		}
		for _, name := range m.Names {
			c.Has = append(c.Has, slices.Contains(p.Names, name))
		}
		m.Rows = append(m.Rows, c)
	}
	if n := len(all) - shownCombinations; n > 0 {
		m.More = fmt.Sprintf("%d more combinations are rarer.", n)
	}
	return m
}

// A Look is what some images of a cohort look like.
type Look struct {
	Images     int       `json:"images"` // looked at, evenly from all
	Of         int       `json:"of"`
	Sides      []int     `json:"sides"`      // the longer side of each, pixels, ascending
	Brightness []float64 `json:"brightness"` // the mean of all pixels and colours of each, 0 black to 1 white, ascending
	TrainedAt  int       `json:"trained_at"` // pixels
}

// figures are the histograms of a look.
func (l *Look) figures() []figure {
	if l == nil || len(l.Sides) == 0 {
		return nil
	}
	return []figure{{Title: "Images by longer side, pixels", SVG: distribution("Longer side of images, pixels", floats(l.Sides), float64(l.TrainedAt), "trained at")},
		{Title: "Images by brightness, 0 black to 1 white", SVG: distribution("Mean brightness of images, 0 black to 1 white", l.Brightness, math.NaN(), "")}}
}

// bins of a distribution.
const bins = 12

// distribution draws a histogram, with an upright line at a value unless that is NaN.
func distribution(title string, values []float64, at float64, what string) template.HTML {
	lo, hi := slices.Min(values), slices.Max(values)
	if finite(at) {
		lo, hi = min(lo, at), max(hi, at)
	}
	if lo == hi {
		lo, hi = lo-math.Max(1e-3, math.Abs(lo)/10), hi+math.Max(1e-3, math.Abs(hi)/10)
	}
	var count [bins]int
	top := 1
	for _, v := range values {
		k := min(bins-1, int((v-lo)/(hi-lo)*bins))
		count[k]++
		top = max(top, count[k])
	}
	px := func(v float64) float64 { return chartLeft + (v-lo)/(hi-lo)*(chartW-chartLeft-chartRight) }
	py := func(n float64) float64 {
		return chartH - chartUnderneath - n/float64(top)*(chartH-chartTop-chartUnderneath)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="m m0" viewBox="0 0 %g %g" role="img"><title>%s</title><desc>%d images from %.4g to %.4g, half of them below %.4g</desc>`, chartW, chartH, html.EscapeString(title), len(values), slices.Min(values), slices.Max(values), middle(values))
	for _, n := range ticks(0, float64(top)) {
		if n == math.Round(n) {
			fmt.Fprintf(&b, `<path class="grid" d="M%g %.1fH%g"/><text class="e" x="%g" y="%.1f">%g</text>`, chartLeft, py(n), chartW-chartRight, chartLeft-6, py(n)+4, n)
		}
	}
	for k, n := range count {
		if n > 0 {
			x0, x1 := px(lo+(hi-lo)*float64(k)/bins), px(lo+(hi-lo)*float64(k+1)/bins)
			fmt.Fprintf(&b, `<path class="k" d="M%.1f %.1fH%.1fV%.1fH%.1fz"/>`, x0+0.5, py(float64(n)), x1-0.5, py(0), x0+0.5)
		}
	}
	for _, x := range ticks(lo, hi) {
		fmt.Fprintf(&b, `<text class="c" x="%.1f" y="%g">%.5g</text>`, px(x), chartH-chartUnderneath+15, x)
	}
	if finite(at) && at > 0 {
		fmt.Fprintf(&b, `<path class="best" d="M%.1f %gV%g"><title>%s %g</title></path>`, px(at), chartTop, chartH-chartUnderneath, html.EscapeString(what), at)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// middle returns the median of what is ascending.
func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
