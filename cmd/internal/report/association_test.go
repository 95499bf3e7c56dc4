package report

import (
	"fmt"
	"strings"
	"testing"
)

// TestAxisTicks: none is above the axis' end, where it would be drawn at a wrong place; they ascend, do not lie on each other, and say something of what is compressed.
func TestAxisTicks(t *testing.T) {
	for _, top := range []float64{1, 7.9, 49, 50, 51, 58, 60, 74, 96, 99.9, 104, 331, 4284, 1e6} {
		list := axisTicks(top)
		above := 0
		for i, v := range list {
			if v > top*(1+1e-9) {
				t.Errorf("an axis up to %g has a tick at %g", top, v)
			}
			if i > 0 && heightOf(v, top)-heightOf(list[i-1], top) < 0.05 {
				t.Errorf("an axis up to %g: %g is on %g", top, v, list[i-1])
			}
			if v > squeezed {
				above++
			}
		}
		if (top >= 60) != (above > 0) || above > 6 || len(list) < 2 {
			t.Errorf("an axis up to %g: %v", top, list)
		}
	}
}

// TestAssociationAxis: one chromosome has places, several have names; a column of genes is there if a locus has one.
func TestAssociationAxis(t *testing.T) {
	page := func(gene string, chromosomes ...string) string {
		p := Association{Title: "t", Threshold: 7.3, Traits: 2}
		for i, c := range chromosomes {
			p.Axis = append(p.Axis, Chromosome{Name: c, Length: 50_000_000})
			p.Points = append(p.Points, GenomePoint{c, 1000 + i, 331})
			p.Loci = append(p.Loci, Locus{Chromosome: c, Name: fmt.Sprint("rs", i), Gene: gene, Position: 1000 + i, Y: 331, Variants: 1})
		}
		var b strings.Builder
		if err := WriteAssociation(&b, p); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	one, two := page("", "22"), page("ABC1", "21", "22")
	if !strings.Contains(one, ">chromosome 22, megabases<") || !strings.Contains(one, ">40<") || strings.Contains(one, "<th>gene</th>") {
		t.Errorf("one chromosome:\n%.3000s", one)
	}
	if strings.Contains(two, "megabases") || !strings.Contains(two, ">21<") || strings.Count(two, "<td>ABC1</td>") != 2 {
		t.Errorf("two chromosomes:\n%.3000s", two)
	}
}
