package decoys

import (
	"slices"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/explain/claims"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// A paired table has every column twice: a person's own values, then those of the donor.
type paired struct {
	data.Table
	donor []int // per person; claims.NoDonor where the person lacks the modality
	stats *data.Stats
}

// Pair returns a table of twice the width, whose columns from t's width on are the donors'. A person has it who has t.
func Pair(t data.Table, donor []int) data.Table {
	s := t.Stats()
	twice := &data.Stats{Names: slices.Clone(s.Names), Allele: slices.Concat(s.Allele, s.Allele), Other: slices.Concat(s.Other, s.Other),
		Center: slices.Concat(s.Center, s.Center), Scale: slices.Concat(s.Scale, s.Scale), Fill: slices.Concat(s.Fill, s.Fill)}
	for _, name := range s.Names {
		twice.Names = append(twice.Names, "decoy of "+name)
	}
	return paired{t, donor, twice}
}

// Stats returns those of the table, twice.
func (t paired) Stats() *data.Stats { return t.stats }

// Row writes a person's row, and behind it the donor's.
func (t paired) Row(person int, dst []float32) bool {
	f := len(dst) / 2
	if !t.Table.Row(person, dst[:f]) {
		clear(dst[f:])
		return false
	}
	return t.Table.Row(t.donor[person], dst[f:])
}

// Cohort returns c with a decoy of every column of its tables, drawn from seed inside of strata and splits; stratum may be nil.
// Its hashes say that it is another cohort.
func Cohort(c *data.Cohort, seed uint64, stratum func(person int) int) *data.Cohort {
	twin := *c
	twin.Tables = nil
	twin.Hash += "+decoys"
	twin.Content = ""
	within := strata(c, stratum)
	for _, t := range c.Tables {
		twin.Tables = append(twin.Tables, Pair(t, claims.Donors(seed, len(c.Persons), within, t.Has)))
	}
	return &twin
}

// strata returns a number for each stratum and split.
func strata(c *data.Cohort, stratum func(person int) int) func(person int) int {
	type key struct {
		split   data.Split
		stratum int
	}
	number, of := map[key]int{}, make([]int, len(c.Persons))
	for p, person := range c.Persons {
		k := key{split: person.Split}
		if stratum != nil {
			k.stratum = stratum(p)
		}
		if _, ok := number[k]; !ok {
			number[k] = len(number)
		}
		of[p] = number[k]
	}
	return func(person int) int { return of[person] }
}

// Equal gives every decoy's column of a first layer the weights of its original.
func Equal(first *nn.Linear) {
	h, f := first.Weight.Dims[0], first.Weight.Dims[1]/2
	w := make([]float64, h*2*f)
	gpu.Read(w, first.Weight.Value)
	for r := range h {
		copy(w[(2*r+1)*f:(2*r+2)*f], w[2*r*f:(2*r+1)*f])
	}
	gpu.Write(first.Weight.Value, w)
}

// begin is train.Options.Begin: equal weights in the first layers of all genetics.
func begin(o objective.Objective) {
	m := o.(*model.Model)
	for i := range m.Tables() {
		_, genetics := m.Towers(i)
		Equal(genetics[0].(*nn.Linear))
	}
}

// Statistics returns W for units from the mean |A| of all columns and their decoys, [2 features]: the unit's number less its
// decoy's, W_u = T_u - T_u'.
func Statistics(meanAbs []float64, units []claims.Unit) []float64 {
	f := len(meanAbs) / 2
	w := claims.Largest(meanAbs[:f], units)
	for u, v := range claims.Largest(meanAbs[f:], units) {
		w[u] -= v
	}
	return w
}
