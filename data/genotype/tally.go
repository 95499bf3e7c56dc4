package genotype

// A Tally counts the genotypes of one variant.
type Tally struct {
	N    [4]int // persons with 0, 1 and 2 copies of ALT, dosages rounded to the next, and Missing
	Copy int64  // copies of ALT of all, in units
}

// Total returns the number of persons.
func (t Tally) Total() int { return t.N[0] + t.N[1] + t.N[2] + t.N[Missing] }

// Known returns the number of those whose genotype is known.
func (t Tally) Known() int { return t.N[0] + t.N[1] + t.N[2] }

// Frequency returns that of ALT, or of REF where alt is false; 0 where no genotype is known.
func (t Tally) Frequency(alt bool) float64 {
	known := int64(t.Known())
	if known == 0 {
		return 0
	}
	copies := t.Copy
	if !alt {
		copies = 2*known*Unit - copies
	}
	return float64(copies) / Unit / float64(2*known)
}

// Tallies counts each variant among the given persons.
func (p *Packed) Tallies(persons []int) []Tally {
	out := make([]Tally, p.Variants)
	inParts(p.Variants, func(lo, hi int) {
		for _, i := range persons {
			for j := lo; j < hi; j++ {
				out[j].add(p.units(i, j))
			}
		}
	})
	return out
}

func (t *Tally) add(units uint16) {
	if units == missingDosage {
		t.N[Missing]++
		return
	}
	t.N[(int(units)+Unit/2)/Unit]++
	t.Copy += int64(units)
}
