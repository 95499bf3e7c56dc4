package pgs

import (
	"fmt"
	"slices"

	"contig-gpu/data/genotype"
)

// A matchKind is how a row's alleles are those of a variant, the best first: the effect allele is REF or ALT, as it is written or on the other strand, with the
// other allele known or not. In even ones it is REF.
type matchKind int

const (
	refAlt matchKind = iota
	altRef
	refAltFlip
	altRefFlip
	noOtherRef
	noOtherAlt
	noOtherRefFlip
	noOtherAltFlip
	noMatch
)

func (k matchKind) flipped() bool {
	return k == refAltFlip || k == altRefFlip || k == noOtherRefFlip || k == noOtherAltFlip
}

func (k matchKind) effectIsAlt() bool { return k&1 == 1 }

// matchAlleles compares a row's alleles with those of a variant.
func matchAlleles(effect, other string, v *genotype.Variant) matchKind {
	if other == "" {
		switch effect {
		case v.Ref:
			return noOtherRef
		case v.Alt:
			return noOtherAlt
		}
	} else {
		switch {
		case effect == v.Ref && other == v.Alt:
			return refAlt
		case effect == v.Alt && other == v.Ref:
			return altRef
		}
	}
	e, ok := complement(effect)
	if !ok {
		return noMatch
	}
	if other == "" {
		switch e {
		case v.Ref:
			return noOtherRefFlip
		case v.Alt:
			return noOtherAltFlip
		}
		return noMatch
	}
	o, ok := complement(other)
	switch {
	case ok && e == v.Ref && o == v.Alt:
		return refAltFlip
	case ok && e == v.Alt && o == v.Ref:
		return altRefFlip
	}
	return noMatch
}

// Counts say what became of a score's rows. Rows is the sum of Used and of all others but Matched, Flipped and ByID.
type Counts struct {
	Rows         int
	Matched      int // a variant at the place, or of the id, with the alleles
	Flipped      int // of those: on the other strand
	ByID         int // of those: found by the id, since the row has no place
	Ambiguous    int // of those, not used: A/T or C/G, so that the strand cannot be told
	Duplicate    int // of those, not used: two rows of one variant
	Absent       int // nothing at the place, or of the id
	Mismatched   int // other alleles there
	Multiallelic int // the variant there has several alternative alleles
	Unsupported  int // interactions, haplotypes, HLA alleles, and rows without allele or place
	Used         int
}

// Overlap is the share of the rows that are used.
func (c Counts) Overlap() float64 { return float64(c.Used) / float64(max(1, c.Rows)) }

// A Cause is why rows are not used.
type Cause string

// Causes, as reports name them.
const (
	CauseAmbiguous    Cause = "ambiguous"
	CauseDuplicate    Cause = "duplicate"
	CauseAbsent       Cause = "absent"
	CauseMismatched   Cause = "mismatched"
	CauseMultiallelic Cause = "multiallelic"
	CauseUnsupported  Cause = "unsupported"
)

// Causes returns all causes in the order of reports.
func Causes() []Cause {
	return []Cause{CauseAbsent, CauseMismatched, CauseAmbiguous, CauseMultiallelic, CauseDuplicate, CauseUnsupported}
}

// Of returns how many rows a cause has.
func (c Counts) Of(cause Cause) int {
	switch cause {
	case CauseAmbiguous:
		return c.Ambiguous
	case CauseDuplicate:
		return c.Duplicate
	case CauseAbsent:
		return c.Absent
	case CauseMismatched:
		return c.Mismatched
	case CauseMultiallelic:
		return c.Multiallelic
	}
	return c.Unsupported
}

// A term is a row that has a variant.
type term struct {
	variant int32
	line    int32
	alt     bool // the effect allele is ALT
	whole   bool // it is REF of a record with several alternative alleles, of which variant is the last: all of them count as not REF
	model   Model
}

// A matcher finds the variants of one file's rows.
type matcher struct {
	x             *genotype.Index
	keepAmbiguous bool
	counts        Counts
	examples      map[Cause][]string
	found         []int32
}

// find returns the variant of a row, and false where it has none that is used.
func (m *matcher) find(r *Row) (term, bool) {
	m.counts.Rows++
	if r.Skip != "" {
		m.counts.Unsupported++
		m.example(CauseUnsupported, r, r.Skip)
		return term{}, false
	}
	other := r.Other
	byID := r.Pos == 0
	m.found = m.found[:0]
	if !byID {
		m.found = m.x.At(m.found, r.Chrom, r.Pos)
	} else if m.found = m.x.ByID(m.found, r.ID); len(m.found) == 0 {
		if chrom, pos, alleles, ok := genotype.PlaceOf(r.ID); ok {
			m.found = m.x.At(m.found, chrom, pos)
			other = otherOf(r, alleles)
		}
	}
	if len(m.found) == 0 {
		m.counts.Absent++
		m.example(CauseAbsent, r, "")
		return term{}, false
	}
	return m.choose(r, other, byID)
}

// otherOf returns the other allele, where an id with two alleles says it and the row does not.
func otherOf(r *Row, alleles []string) string {
	if r.Other != "" || len(alleles) != 2 {
		return r.Other
	}
	a, b := allele(alleles[0]), allele(alleles[1])
	switch r.Effect {
	case a:
		return b
	case b:
		return a
	}
	return ""
}

// choose takes the best match among the variants found, the first of equals.
func (m *matcher) choose(r *Row, other string, byID bool) (term, bool) {
	best, at, several := noMatch, 0, false
	for _, i := range m.found {
		v := &m.x.Variants[i]
		if manyAlleles(v.Alt) {
			several = true
			continue
		}
		several = several || v.Split()
		if k := matchAlleles(r.Effect, other, v); k < best {
			best, at = k, int(i)
		}
	}
	if best == noMatch {
		v := &m.x.Variants[m.found[0]]
		there := fmt.Sprintf("there %s and %s", v.Ref, v.Alt)
		if several {
			m.counts.Multiallelic++
			m.example(CauseMultiallelic, r, there)
		} else {
			m.counts.Mismatched++
			m.example(CauseMismatched, r, there)
		}
		return term{}, false
	}
	m.counts.Matched++
	if byID {
		m.counts.ByID++
	}
	v := &m.x.Variants[at]
	if ambiguous(v.Ref, v.Alt) && !m.keepAmbiguous {
		m.counts.Ambiguous++
		m.example(CauseAmbiguous, r, "")
		return term{}, false
	}
	if best.flipped() {
		m.counts.Flipped++
	}
	t := term{variant: int32(at), line: int32(r.Line), alt: best.effectIsAlt(), model: r.Model}
	if t.whole = v.Split() && !t.alt; t.whole {
		_, last := v.Record(at)
		t.variant = int32(last)
	}
	return t, true
}

func manyAlleles(alt string) bool { return slices.Contains([]byte(alt), ',') }

// mostExamples is how many rows of a cause are shown.
const mostExamples = 5

func (m *matcher) example(c Cause, r *Row, more string) {
	if len(m.examples[c]) >= mostExamples {
		return
	}
	if m.examples == nil {
		m.examples = map[Cause][]string{}
	}
	text := fmt.Sprintf("line %d:", r.Line)
	if r.ID != "" {
		text += " " + r.ID
	}
	if r.Pos > 0 {
		text += fmt.Sprintf(" %s:%d", r.Chrom, r.Pos)
	}
	text += " effect " + r.Effect
	if r.Other != "" {
		text += ", other " + r.Other
	}
	if more != "" {
		text += " (" + more + ")"
	}
	m.examples[c] = append(m.examples[c], text)
}
