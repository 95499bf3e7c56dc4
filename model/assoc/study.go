package assoc

import (
	"math"
)

// missingCall is the hard call of a genotype that is not known, as data/genotype has it.
const missingCall = 3

// A Study is who is analysed and what is tested.
type Study struct {
	Persons    []int       // the place of each person among those of the genotypes
	Traits     [][]float64 // by trait and person; NaN: not known, and the person is not of that trait
	Covariates [][]float64 // by covariate and person; NaN: the person is in no model. A constant is always there beside them
}

// A group is traits that are known of the same persons: they share a basis and products.
type group struct {
	traits     []int
	rows       []int // places among those of the genotypes
	covariates [][]float64
	y          [][]float64 // by trait and person, as given
	span       *Span
	width      int       // of both: Rank + traits
	both       []float64 // [persons, width]: the basis, and residuals of the traits
	yy         []float64 // by trait: sum of squares of the residuals
	dead       []bool    // by trait: it is constant, or the covariates explain it

	wide    bool     // a block has a column for every person of the genotypes, and weights are 0 where they are of no use here
	columns int      // of a block
	member  []uint64 // by person of the genotypes, two bits each: 1 who is of the group
	place   []int32  // by person of the genotypes: the row of rows
	exactly *tTable  // of the degrees of freedom that all persons leave
}

// index prepares for genotypes of the given number of persons. A block is wide where most of them are of the group: bytes of four calls are copied from a table then.
func (g *group) index(persons int) {
	g.columns = len(g.rows)
	if g.wide = 2*len(g.rows) >= persons; g.wide {
		g.columns = 4 * ((persons + 3) / 4)
	}
	g.member, g.place = make([]uint64, words(persons)), make([]int32, persons)
	for i, p := range g.rows {
		g.member[p/32] |= 1 << (2 * (p % 32))
		g.place[p] = int32(i)
	}
	g.exactly = newTTable(float64(len(g.rows) - g.span.Rank - 1))
}

// weights are both, at the columns of a block.
func (g *group) weights() []float64 {
	if !g.wide {
		return g.both
	}
	w := make([]float64, g.columns*g.width)
	for i, p := range g.rows {
		copy(w[p*g.width:(p+1)*g.width], g.both[i*g.width:])
	}
	return w
}

// groups sorts the traits by whom they are known of.
func groups(s Study) []*group {
	base := make([]bool, len(s.Persons))
	for i := range base {
		base[i] = true
		for _, c := range s.Covariates {
			base[i] = base[i] && !math.IsNaN(c[i])
		}
	}
	var list []*group
	seen := map[string]*group{}
	for t, y := range s.Traits {
		key := make([]byte, len(y))
		for i, v := range y {
			if base[i] && !math.IsNaN(v) {
				key[i] = 1
			}
		}
		g := seen[string(key)]
		if g == nil {
			g = newGroup(s, key)
			seen[string(key)], list = g, append(list, g)
		}
		g.traits, g.y = append(g.traits, t), append(g.y, chosen(y, key))
	}
	for _, g := range list {
		g.fit()
	}
	return list
}

func newGroup(s Study, key []byte) *group {
	g := &group{}
	for i, p := range s.Persons {
		if key[i] == 1 {
			g.rows = append(g.rows, p)
		}
	}
	for _, c := range s.Covariates {
		g.covariates = append(g.covariates, chosen(c, key))
	}
	g.span = NewSpan(len(g.rows), g.covariates)
	return g
}

func chosen(x []float64, key []byte) []float64 {
	var out []float64
	for i, k := range key {
		if k == 1 {
			out = append(out, x[i])
		}
	}
	return out
}

// rounding is the share of a sum of squares that residuals of nothing leave.
const rounding = 1e-24

// fit takes the covariates off the traits.
func (g *group) fit() {
	r := g.span.Rank
	g.width = r + len(g.traits)
	g.both = make([]float64, len(g.rows)*g.width)
	for i := range g.rows {
		copy(g.both[i*g.width:], g.span.Q[i*r:(i+1)*r])
	}
	for k, y := range g.y {
		rest := g.span.Residual(y)
		g.yy = append(g.yy, dot(rest, rest))
		g.dead = append(g.dead, dot(rest, rest) <= rounding*dot(y, y))
		for i, v := range rest {
			g.both[i*g.width+r+k] = v
		}
	}
}
