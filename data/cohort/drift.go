package cohort

import (
	"fmt"
	"math"

	"contig-gpu/data"
)

// A frequency has drifted if it differs from that of training by more than drifted, and by more than the luck of drawing
// these persons explains: driftErrors standard errors of a binomial of two alleles a person.
const (
	drifted     = 0.2
	driftErrors = 4
)

// drift of numbers other than counts of alleles has no measure yet.
func (d *dense) drift(*data.Stats, []int) []string { return nil }

// drift warns where alleles are much more or less frequent among the given rows than in the training that st comes from: the
// names and alleles fit, but they may be another strand's or build's. Unscaled counts (centre 0) tell no frequency.
func (g *snps) drift(st *data.Stats, rows []int) []string {
	at := make(map[string]int, len(g.names))
	for j, n := range g.names {
		at[n] = j
	}
	counts := g.packed.Tallies(rows)
	n := 0
	for i, name := range st.Names {
		j, ok := at[name]
		if !ok || st.Center[i] == 0 {
			continue
		}
		alt, err := g.orient(st, i, j)
		if err != nil {
			continue // which table reports
		}
		typed := counts[j].Known()
		was := st.Center[i] / 2
		off := math.Abs(counts[j].Frequency(alt) - was)
		if typed > 0 && off > drifted && off > driftErrors*math.Sqrt(was*(1-was)/float64(2*typed)) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("W214: %d of %d variants have an allele frequency more than %g from that in training; alleles swapped, or another genome build?", n, len(st.Names), drifted)}
}
