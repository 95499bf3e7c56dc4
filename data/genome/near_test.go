package genome

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNear: stretches and places find the genes that a search of all of them finds.
func TestNear(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	var genes []Gene
	for i := range 400 {
		start := 1 + g.IntN(100000)
		genes = append(genes, Gene{Name: string(rune('a'+i%26)) + string(rune('a'+i/26)), Chromosome: []string{"1", "X"}[i%2], Start: start, End: start + g.IntN(1+g.IntN(9000))})
	}
	n := NewNeighbourhood(genes)
	for range 2000 {
		c, from := []string{"1", "X"}[g.IntN(2)], g.IntN(110000)
		to := from + g.IntN(3000)
		count, least := 0, 1<<30
		for _, x := range genes {
			if x.Chromosome == c {
				least = min(least, max(0, x.Start-from, from-x.End))
				if x.Start <= to && x.End >= from {
					count++
				}
			}
		}
		if got := n.Overlapping(c, from, to); len(got) != count || !slices.IsSortedFunc(got, func(a, b Gene) int { return a.Start - b.Start }) {
			t.Fatalf("%s:%d-%d: %d genes, want %d", c, from, to, len(got), count)
		}
		if _, d, ok := n.Nearest(c, from); !ok || d != least {
			t.Fatalf("%s:%d: %d, want %d", c, from, d, least)
		}
	}
	if _, _, ok := n.Nearest("7", 5); ok {
		t.Error("a gene of a chromosome without genes")
	}
}

// TestBuiltin: the table in the program is whole, within its build's chromosomes, and has genes that are known.
func TestBuiltin(t *testing.T) {
	genes := Builtin()
	if len(genes) != 32057 {
		t.Errorf("%d genes", len(genes))
	}
	for _, g := range genes {
		if g.Name == "" || g.Start < 1 || g.End < g.Start || g.End > GRCh38.Length(g.Chromosome) {
			t.Fatalf("%+v", g)
		}
	}
	n := NewNeighbourhood(genes)
	for name, at := range map[string]struct {
		chromosome string
		position   int
	}{"TP53": {"17", 7670000}, "APOE": {"19", 44908684}, "HERC2": {"15", 28120472}} {
		if g, d, _ := n.Nearest(at.chromosome, at.position); g.Name != name || d != 0 {
			t.Errorf("%s: %+v, %d", name, g, d)
		}
	}
}
