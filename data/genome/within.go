package genome

import (
	"cmp"
	"slices"

	"contig-gpu/data"
)

// Within returns the name of the gene that each place lies in, "" where it lies in none. Of several genes it is the one that
// begins last, the smaller of those that begin together.
func Within(genes []Gene, places []data.Place) []string {
	by := map[string][]Gene{}
	for _, g := range genes {
		by[g.Chromosome] = append(by[g.Chromosome], g)
	}
	longest := map[string]int{} // so far does the search go back
	for c, list := range by {
		slices.SortFunc(list, func(a, b Gene) int { return cmp.Or(a.Start-b.Start, b.End-a.End, cmp.Compare(b.Name, a.Name)) })
		for _, g := range list {
			longest[c] = max(longest[c], g.End-g.Start)
		}
	}
	out := make([]string, len(places))
	for i, p := range places {
		c := Chromosome(p.Chromosome)
		list := by[c]
		at, _ := slices.BinarySearchFunc(list, p.Position+1, func(g Gene, pos int) int { return g.Start - pos })
		for k := at - 1; k >= 0 && p.Position-list[k].Start <= longest[c]; k-- {
			if list[k].End >= p.Position {
				out[i] = list[k].Name
				break
			}
		}
	}
	return out
}
