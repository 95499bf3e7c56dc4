package claims

import (
	"cmp"
	"fmt"
	"slices"
)

// Blocks of linkage disequilibrium: two variants within reach of each other with r2 at least leastR2 are one unit.
const (
	leastR2 = 0.1
	reach   = 1_000_000 // base pairs
)

// A Place is where a feature lies; the zero Place: it is not known.
type Place struct {
	Chromosome string
	Position   int // base pairs, from 1
}

func (p Place) known() bool { return p.Chromosome != "" && p.Position > 0 }

// ByPosition returns the features of each chromosome with known places, by position, and the features without, ascending.
// Chromosomes are in the order of their first features.
func ByPosition(places []Place) (chromosomes [][]int, nowhere []int) {
	index := map[string]int{}
	for f, p := range places {
		if !p.known() {
			nowhere = append(nowhere, f)
			continue
		}
		c, ok := index[p.Chromosome]
		if !ok {
			c = len(chromosomes)
			index[p.Chromosome], chromosomes = c, append(chromosomes, nil)
		}
		chromosomes[c] = append(chromosomes[c], f)
	}
	for _, c := range chromosomes {
		slices.SortFunc(c, func(a, b int) int { return cmp.Or(places[a].Position-places[b].Position, a-b) })
	}
	return chromosomes, nowhere
}

// LDBlocks returns units of linkage disequilibrium, greedily by position: a variant joins the block of the nearest earlier
// one within 1 Mb with which it has r2 >= .1, else it begins a block. columns gives the standardised values of features over the
// persons whom r2 is measured in, a row for each feature; it is called for one chromosome at a time. Features without a
// place are units of their own. Units are in the order of their first features.
func LDBlocks(names []string, places []Place, columns func(features []int) ([][]float32, error)) ([]Unit, error) {
	chromosomes, nowhere := ByPosition(places)
	var units []Unit
	for _, c := range chromosomes {
		x, err := columns(c)
		if err != nil {
			return nil, err
		}
		units = append(units, ldBlocks(names, places, c, x)...)
	}
	return finish(append(units, pick(names, nowhere)...)), nil
}

// ldBlocks returns the blocks of one chromosome, whose features c are by position.
func ldBlocks(names []string, places []Place, c []int, x [][]float32) []Unit {
	for _, row := range x {
		normalise(row)
	}
	var units []Unit
	of := make([]int, len(c))
	for i, f := range c {
		of[i] = -1
		for k := i - 1; k >= 0 && places[f].Position-places[c[k]].Position <= reach; k-- {
			if r := inner(x[i], x[k]); r*r >= leastR2 {
				of[i] = of[k]
				break
			}
		}
		if of[i] < 0 {
			of[i] = len(units)
			units = append(units, Unit{Name: blockName(names[f], places[f])})
		}
		u := &units[of[i]]
		u.Features = append(u.Features, f)
	}
	return units
}

// Windows returns units of base pairs: features of one chromosome in the same window [k base, (k+1) base) are one. Features
// without a place are units of their own.
func Windows(names []string, places []Place, base int) []Unit {
	if base < 1 {
		panic(fmt.Sprintf("claims: Windows: a window of %d base pairs", base))
	}
	chromosomes, nowhere := ByPosition(places)
	var units []Unit
	for _, c := range chromosomes {
		last := -1
		for _, f := range c {
			if w := places[f].Position / base; w != last {
				last = w
				units = append(units, Unit{Name: fmt.Sprintf("%s:%d-%d", places[f].Chromosome, max(1, w*base), (w+1)*base-1)})
			}
			u := &units[len(units)-1]
			u.Features = append(u.Features, f)
		}
	}
	return finish(append(units, pick(names, nowhere)...))
}

// blockName names a block after its first variant.
func blockName(name string, p Place) string {
	return fmt.Sprintf("%s:%d:%s", p.Chromosome, p.Position, name)
}

// pick returns features as units of their own.
func pick(names []string, features []int) []Unit {
	var units []Unit
	for _, f := range features {
		units = append(units, Unit{names[f], []int{f}})
	}
	return units
}

// finish sorts units by their first features, and the features of each.
func finish(units []Unit) []Unit {
	for _, u := range units {
		slices.Sort(u.Features)
	}
	slices.SortFunc(units, func(a, b Unit) int { return a.Features[0] - b.Features[0] })
	return units
}
