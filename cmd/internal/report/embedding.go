package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"

	"contig-gpu/model/eval"
)

// The side of a map of embeddings, in pixels, with room for the axes' names.
const mapSide, mapEdge = 320.0, 26.0

// A Coloring colours the dots of a map by a column of a table.
type Coloring struct {
	Name    string
	Classes []string // that dots may have, in order
	Ordered bool     // they are parts of a range, from low to high
	Class   []int    // by dot: index into Classes; -1: no value
}

// A colouredMap is a map coloured one way.
type colouredMap struct {
	figure
	Keys []key
}

// maps draws the dots of an evaluation: by split where there are several, by the modalities that participants have, and by a column.
func mapsOf(m eval.Map, by *Coloring) []colouredMap {
	n := len(m.X)
	if n < 3 || len(m.Y) != n || len(m.Split) != n {
		return nil
	}
	var out []colouredMap
	if len(m.Splits) > 1 {
		out = append(out, drawMap(m, Coloring{Name: "split", Classes: m.Splits, Class: m.Split}))
	}
	if len(m.Combination) == n && len(m.Combinations) > 0 {
		out = append(out, drawMap(m, byPresence(m)))
	}
	if by != nil && len(by.Class) == n {
		out = append(out, drawMap(m, *by))
	}
	if len(out) == 0 {
		out = append(out, drawMap(m, Coloring{Name: "all participants", Classes: m.Splits, Class: m.Split}))
	}
	return out
}

// shownClasses is how many combinations have a colour of their own: the others are one.
const shownClasses = 4

// byPresence colours by the most frequent combinations of modalities.
func byPresence(m eval.Map) Coloring {
	c := Coloring{Name: "modalities present", Class: slices.Clone(m.Combination)}
	for _, names := range m.Combinations[:min(shownClasses, len(m.Combinations))] {
		text := strings.Join(names, " + ")
		if text == "" {
			text = "images alone"
		}
		c.Classes = append(c.Classes, text)
	}
	for i, k := range c.Class {
		if k < 0 || k >= len(c.Classes) {
			c.Class[i] = len(c.Classes)
		}
	}
	if slices.Contains(c.Class, len(c.Classes)) {
		c.Classes = append(c.Classes, "other combinations")
	}
	return c
}

// dotOf is the outline of a dot of a class around its place: as marks tell modalities apart, without colours. The first two are points,
// which the ends of lines make round and square.
func dotOf(class int) string {
	return [...]string{"h0", "h0", "m0-3l2.8 4.8h-5.6z", "m0-3.2l3.2 3.2-3.2 3.2-3.2-3.2z", "m-2.6-.8h1.8v-1.8h1.6v1.8h1.8v1.6h-1.8v1.8h-1.6v-1.8h-1.8z"}[class%5]
}

// drawMap draws the dots of each class as one path.
func drawMap(m eval.Map, by Coloring) colouredMap {
	out := colouredMap{figure: figure{Title: "By " + by.Name}}
	if len(by.Classes) < 2 {
		out.Title = "Participants"
	}
	px, py := mapScale(m)
	var b, words strings.Builder
	for class, name := range append(slices.Clone(by.Classes), "no value") {
		var d strings.Builder
		n := 0
		for i, k := range by.Class {
			if k == class || k < 0 && class == len(by.Classes) {
				fmt.Fprintf(&d, "M%.1f %.1f%s", px(m.X[i]), py(m.Y[i]), dotOf(class))
				n++
			}
		}
		if n == 0 {
			continue
		}
		shade := fmt.Sprintf("m m%d", class%colours)
		if by.Ordered {
			shade = fmt.Sprintf("o o%d", class)
		}
		if class == len(by.Classes) {
			shade = "m"
		}
		fmt.Fprintf(&b, `<path class="%s k d%d" d="%s"/>`, shade, class%5, d.String())
		fmt.Fprintf(&words, "; %s: %d", name, n)
		out.Keys = append(out.Keys, key{shade, fmt.Sprintf("%s (%d)", name, n), template.HTMLAttr(fmt.Sprintf(`d="M5 5%s" class="k d%d"`, dotOf(class), class%5))})
	}
	head := fmt.Sprintf(`<svg class="map" viewBox="0 0 %g %g" role="img"><title>Embedding map, by %s</title><desc>%d participants%s</desc>`, mapSide, mapSide, html.EscapeString(by.Name), len(m.X), html.EscapeString(words.String()))
	axes := fmt.Sprintf(`<path class="grid" d="M%g 0V%gH%g"/><text class="c" x="%g" y="%g">first direction: %.0f %% of the variance</text><text class="c" transform="translate(14 %g) rotate(-90)">second: %.0f %%</text>`,
		mapEdge, mapSide-mapEdge, mapSide, (mapSide+mapEdge)/2, mapSide-8, 100*m.Share[0], (mapSide-mapEdge)/2, 100*m.Share[1])
	out.SVG = template.HTML(head + axes + b.String() + "</svg>")
	return out
}

// mapScale returns where coordinates lie: in the middle of the map, both in the same units.
func mapScale(m eval.Map) (px, py func(v float64) float64) {
	x0, x1, y0, y1 := slices.Min(m.X), slices.Max(m.X), slices.Min(m.Y), slices.Max(m.Y)
	unit := (mapSide - mapEdge - 12) / math.Max(1e-9, math.Max(x1-x0, y1-y0))
	middle := (mapSide - mapEdge) / 2
	return func(v float64) float64 { return mapEdge + middle + (v-(x0+x1)/2)*unit }, func(v float64) float64 { return middle - (v-(y0+y1)/2)*unit }
}

// A geometryRow is a line of the table of how embeddings lie.
type geometryRow struct {
	Name string
	eval.Geometry
	Own, Others string // squared distances, of pairs of image and genetics
}

// geometryRows lists the encoder's features and each modality's projections.
func geometryRows(h eval.Heldout) []geometryRow {
	out := []geometryRow{{Name: "image encoder", Geometry: h.Encoder}}
	for _, f := range Findings(emptyOf(h.Recall)) {
		images, ok := h.Images[f.Name]
		if !ok {
			continue
		}
		pair := h.Match[f.Name]
		out = append(out, geometryRow{f.Name + ": images", images, fmt.Sprintf("%.2f", pair.Own), fmt.Sprintf("%.2f", pair.Others)}, geometryRow{Name: f.Name + ": genetics", Geometry: h.Genetics[f.Name]})
	}
	return slices.DeleteFunc(out, func(g geometryRow) bool { return g.Persons < 2 })
}

// collapsed are the rows of less spread than this: everybody has nearly the same embedding.
const collapsed = 0.01

// collapseWarnings names what has collapsed.
func collapseWarnings(h eval.Heldout) []string {
	var out []string
	for _, g := range geometryRows(h) {
		if g.Spread < collapsed {
			out = append(out, fmt.Sprintf("%s: everybody has nearly the same embedding (spread %.4f): it has collapsed.", g.Name, g.Spread))
		}
	}
	return out
}

// A rankBar is one of the persons looked for.
type rankBar struct {
	Number            int
	There, Back       float64 // ranks
	ThereW, BackW     float64 // of bars, in percent of the candidates
	Candidates        int
	ThereHit, BackHit bool
}

// rankBars shows where the own partner of each query stands.
func rankBars(queries []eval.Query) []rankBar {
	var out []rankBar
	for i, q := range queries {
		width := func(rank float64) float64 { return math.Min(100, 100*rank/math.Max(1, float64(q.Candidates))) }
		out = append(out, rankBar{i + 1, q.ToGenetics, q.ToImage, width(q.ToGenetics), width(q.ToImage), q.Candidates, q.ToGenetics <= 5, q.ToImage <= 5})
	}
	return out
}
