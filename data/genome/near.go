package genome

import (
	"cmp"
	"slices"
)

// A Neighbourhood finds the genes near places.
type Neighbourhood struct {
	by      map[string][]Gene // by chromosome, in the order of their starts
	longest map[string]int    // base pairs
}

// NewNeighbourhood prepares the search among genes.
func NewNeighbourhood(genes []Gene) *Neighbourhood {
	n := &Neighbourhood{by: map[string][]Gene{}, longest: map[string]int{}}
	for _, g := range genes {
		n.by[g.Chromosome] = append(n.by[g.Chromosome], g)
		n.longest[g.Chromosome] = max(n.longest[g.Chromosome], g.End-g.Start)
	}
	for _, list := range n.by {
		slices.SortFunc(list, func(a, b Gene) int { return cmp.Or(a.Start-b.Start, a.End-b.End, cmp.Compare(a.Name, b.Name)) })
	}
	return n
}

// Overlapping returns the genes that overlap a stretch of a chromosome, both ends in it, in the order of their starts.
func (n *Neighbourhood) Overlapping(chromosome string, from, to int) []Gene {
	list := n.by[chromosome]
	lo, _ := slices.BinarySearchFunc(list, from-n.longest[chromosome], func(g Gene, pos int) int { return cmp.Compare(g.Start, pos) })
	var out []Gene
	for _, g := range list[lo:] {
		if g.Start > to {
			break
		}
		if g.End >= from {
			out = append(out, g)
		}
	}
	return out
}

// Nearest returns the gene nearest to a position and how many base pairs lie between, 0 within it; of equals the one that begins first. ok is false on a
// chromosome without genes.
func (n *Neighbourhood) Nearest(chromosome string, position int) (g Gene, distance int, ok bool) {
	for _, x := range n.by[chromosome] {
		d := max(0, x.Start-position, position-x.End)
		if !ok || d < distance {
			g, distance, ok = x, d, true
		}
		if x.Start-position > distance {
			break
		}
	}
	return g, distance, ok
}
