package report

import (
	"fmt"
	"html/template"
	"strings"
)

// colours is how many colours modalities have in turn, marks how many marks: together they tell twenty apart.
const (
	colours = 5
	marks   = 4
)

// hue returns the class of a modality's colour: the same everywhere in a page.
func hue(modality int) string {
	if modality < 0 {
		return "m"
	}
	return fmt.Sprintf("m m%d", modality%colours)
}

// mark returns the outline of a modality's mark around (5, 5): circle, square, triangle, diamond.
func mark(modality int) string {
	return [marks]string{"M5 1.5a3.5 3.5 0 1 0 .01 0z", "M2 2h6v6H2z", "M5 1.2L8.8 8.2H1.2z", "M5 .8L9.2 5 5 9.2.8 5z"}[max(0, modality)%marks]
}

// markers are the marks of lines, of n modalities or runs and of all together, which is the last: for all charts of a page. They are of
// the colour of their number, hollow where a line is broken.
func markers(n int) template.HTML {
	var b strings.Builder
	b.WriteString(`<svg class="defs" width="0" height="0" aria-hidden="true"><defs>`)
	for i := range n + 1 {
		class := hue(i)
		if i == n {
			class = hue(-1)
		}
		for _, kind := range []string{"k", "h"} {
			fmt.Fprintf(&b, `<marker id="%s%d" class="%s %s" viewBox="0 0 10 10" refX="5" refY="5" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse"><path d="%s"/></marker>`, kind, i, class, kind, mark(i))
		}
	}
	b.WriteString("</defs></svg><style>")
	for i := range n + 1 {
		fmt.Fprintf(&b, ".k%d{marker:url(#k%d)}.dash.k%d{marker:url(#h%d)}", i, i, i, i)
	}
	b.WriteString("</style>")
	return template.HTML(b.String())
}

// A key is a modality or run with its colour and mark.
type key struct {
	Hue, Name string
	Path      template.HTMLAttr
}

func keyOf(i int, name string) key {
	return key{hue(i), name, template.HTMLAttr(fmt.Sprintf(`class="k" d="%s"`, mark(i)))}
}
