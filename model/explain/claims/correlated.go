package claims

import (
	"math"
	"slices"
)

// Units whose features correlate by more than correlated exchange residuals.
const correlated = 0.1

// normalise centres x and scales it to length 1, in place; a constant becomes 0.
func normalise(x []float32) {
	mean, length := 0.0, 0.0
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(max(1, len(x)))
	for _, v := range x {
		length += (float64(v) - mean) * (float64(v) - mean)
	}
	scale := 0.0
	if length > 1e-12*float64(len(x)) {
		scale = 1 / math.Sqrt(length)
	}
	for i, v := range x {
		x[i] = float32((float64(v) - mean) * scale)
	}
}

// inner returns the product of two rows of one length.
func inner(a, b []float32) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return float64(s0) + float64(s1) + float64(s2) + float64(s3)
}

// clearly is how many times the strongest |r| of chance a correlation must be that flags two units by itself.
const clearly = 1.5

// A Product calls visit with the products of each row of a with every row of b, in any order; visit does not keep them.
type Product func(a, b [][]float32, visit func(i int, products []float32)) error

// Plain is the Product by definition.
func Plain(a, b [][]float32, visit func(i int, products []float32)) error {
	out := make([]float32, len(b))
	for i, x := range a {
		for j, y := range b {
			out[j] = float32(inner(x, y))
		}
		visit(i, out)
	}
	return nil
}

// Correlated returns the sets of units that must exchange residuals, each of units connected by correlations |r| > .1 of their
// features, ascending; units that correlate with no other are in none. x are the columns of all features over the same persons,
// a row for each; they are changed.
//
// With few persons, or rare variants, many |r| are above .1 by chance. So |r| must also exceed three standard errors of none,
// 3 / sqrt(persons), and chance is measured: by correlations with the others when these have changed persons. That needs no law of the
// values. A unit is taken to be correlated if clearly more features of others have such an r with it (2 k + 2) than with any
// unit by chance (k), or if one r is clearly stronger (1.5 times) than any by chance.
func Correlated(x [][]float32, units []Unit, product Product) ([][]int, error) {
	for _, row := range x {
		normalise(row)
	}
	c := &correlations{of: make([][]int, len(x)), units: len(units), least: correlated, product: product}
	if len(x) > 0 {
		c.least = max(c.least, 3/math.Sqrt(float64(len(x[0]))))
	}
	for u, unit := range units {
		for _, f := range unit.Features {
			c.of[f] = append(c.of[f], u)
		}
	}
	flagged, err := c.flag(x)
	if err != nil {
		return nil, err
	}
	set := newSets(len(units))
	err = c.each(x, x, func(u, v int, _ float64) {
		if flagged[u] && flagged[v] {
			set.join(u, v)
		}
	})
	return set.groups(flagged), err
}

// correlations are those of units.
type correlations struct {
	of      [][]int // per feature: the units that it is in
	units   int
	least   float64
	product Product
}

// each calls f for every feature of a unit u and feature of another unit v, not in u, with |r| > least.
func (c *correlations) each(x, other [][]float32, f func(u, v int, r float64)) error {
	return c.product(x, other, func(i int, products []float32) {
		for j, p := range products {
			r := math.Abs(float64(p))
			if r <= c.least {
				continue
			}
			for _, u := range c.of[i] {
				if slices.Contains(c.of[j], u) {
					continue
				}
				for _, v := range c.of[j] {
					f(u, v, r)
				}
			}
		}
	})
}

// A strength is how many features of other units correlate with a unit, and the strongest correlation of all.
type strength struct {
	features  []int
	strongest []float64
}

func (c *correlations) strength(x, other [][]float32) (strength, error) {
	s := strength{make([]int, c.units), make([]float64, c.units)}
	err := c.each(x, other, func(u, _ int, r float64) {
		s.features[u]++
		s.strongest[u] = max(s.strongest[u], r)
	})
	return s, err
}

// flag says which units are correlated with others.
func (c *correlations) flag(x [][]float32) ([]bool, error) {
	flagged := make([]bool, c.units)
	real, err := c.strength(x, x)
	if err != nil {
		return nil, err
	}
	most, strongest := 0, c.least
	for by := range shifts {
		chance, err := c.strength(x, shifted(x, by+1))
		if err != nil {
			return nil, err
		}
		most, strongest = max(most, slices.Max(append(chance.features, 0))), max(strongest, slices.Max(append(chance.strongest, 0)))
	}
	for u := range flagged {
		flagged[u] = real.features[u] > 2*most+2 || real.strongest[u] > clearly*strongest
	}
	return flagged, nil
}

// shifts is how often chance is measured, each time with other pairs of persons.
const shifts = 3

// shifted gives every person the values of the one so many quarters of all persons further: a permutation that leaves nobody in
// place, where there are four.
func shifted(x [][]float32, quarters int) [][]float32 {
	out := make([][]float32, len(x))
	for f, row := range x {
		k := (len(row)*quarters + 3) / (shifts + 1)
		out[f] = slices.Concat(row[min(k, len(row)):], row[:min(k, len(row))])
	}
	return out
}

// sets are disjoint sets of numbers.
type sets struct{ parent []int }

func newSets(n int) *sets {
	s := &sets{make([]int, n)}
	for i := range s.parent {
		s.parent[i] = i
	}
	return s
}

func (s *sets) find(i int) int {
	for s.parent[i] != i {
		s.parent[i] = s.parent[s.parent[i]]
		i = s.parent[i]
	}
	return i
}

func (s *sets) join(a, b int) { s.parent[max(s.find(a), s.find(b))] = min(s.find(a), s.find(b)) }

// groups returns the sets of the members in question, those of one member too.
func (s *sets) groups(in []bool) [][]int {
	var out [][]int
	index := map[int]int{}
	for i := range s.parent {
		if !in[i] {
			continue
		}
		root := s.find(i)
		g, ok := index[root]
		if !ok {
			g = len(out)
			index[root], out = g, append(out, nil)
		}
		out[g] = append(out[g], i)
	}
	return out
}
