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

// Correlated returns the sets of units that must exchange residuals, each of units connected by correlations |r| > .1 of their
// features, ascending; units that correlate with no other are in none. x are the columns of all features over the same persons,
// a row for each; they are changed.
//
// With few persons, or rare variants, many |r| are above .1 by chance. So |r| must also exceed three standard errors of none,
// 3 / sqrt(persons), and a unit is taken to be correlated only if clearly more features of others have such an r with it
// (2 k + 2) than with any unit when the others have changed persons (k): a level that needs no law of the values.
func Correlated(x [][]float32, units []Unit) [][]int {
	for _, row := range x {
		normalise(row)
	}
	least := correlated
	if len(x) > 0 {
		least = max(least, 3/math.Sqrt(float64(len(x[0]))))
	}
	real, chance := strengths(x, units, least)
	level := 2*slices.Max(append([]int{0}, chance...)) + 2
	set := newSets(len(units))
	flagged := make([]bool, len(units))
	for u, n := range real {
		flagged[u] = n > level
	}
	each(x, units, flagged, func(u, v int, r float64) {
		if flagged[v] && math.Abs(r) > least {
			set.join(u, v)
		}
	})
	return set.groups(flagged)
}

// strengths counts, for each unit, the features of other units that have |r| > least with one of its own, and how many do by chance:
// when they have changed persons.
func strengths(x [][]float32, units []Unit, least float64) (real, chance []int) {
	all := make([]bool, len(units))
	for u := range all {
		all[u] = true
	}
	count := func(other [][]float32) []int {
		n := make([]int, len(units))
		eachOf(x, other, units, all, func(u, _ int, r float64) {
			if math.Abs(r) > least {
				n[u]++
			}
		})
		return n
	}
	real = count(x)
	shifted := make([][]float32, len(x))
	for f, row := range x {
		k := len(row) / 2 // by half the persons: a permutation that leaves nobody in place
		shifted[f] = append(append([]float32(nil), row[k:]...), row[:k]...)
	}
	return real, count(shifted)
}

func each(x [][]float32, units []Unit, of []bool, f func(u, v int, r float64)) {
	eachOf(x, x, units, of, f)
}

// eachOf calls f with the correlation of every feature of each unit u with every feature that is of another unit v and not of u.
func eachOf(x, other [][]float32, units []Unit, of []bool, f func(u, v int, r float64)) {
	for u, unit := range units {
		if !of[u] {
			continue
		}
		for v, with := range units {
			if v == u {
				continue
			}
			for _, a := range unit.Features {
				for _, b := range with.Features {
					if !slices.Contains(unit.Features, b) {
						f(u, v, inner(x[a], other[b]))
					}
				}
			}
		}
	}
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
