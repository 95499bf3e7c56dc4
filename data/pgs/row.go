package pgs

import (
	"math"
	"strings"
)

// A Model says how the effect allele's dosage becomes a contribution.
type Model uint8

// Models of a row.
const (
	Additive  Model = iota // weight x dosage
	Dominant               // weight x min(dosage, 1)
	Recessive              // weight x max(dosage - 1, 0)
	ByDosage               // a weight for 0, 1 and 2 copies each, linear between them
)

// A Row is one line of a scoring file.
type Row struct {
	Line          int
	ID            string // rsID, or whatever the file names variants by; "" where it does not
	Chrom         string // as genome.Chromosome writes it; "" where the row has no place
	Pos           int    // base pairs from 1; 0 where the row has no place
	Effect, Other string // alleles in upper case; Other is "" where the file does not say it, or leaves it open
	Model         Model
	Weight        float64    // of ByDosage not used
	Weights       [3]float64 // of ByDosage
	Skip          string     // why the row cannot be used, "" where it can
}

// Why rows are not used.
const (
	skipInteraction = "an interaction of variants"
	skipHaplotype   = "a haplotype or diplotype"
	skipHLA         = "an HLA allele"
	skipAllele      = "an effect allele that is no sequence"
)

// weights returns what 0, 1 and 2 copies of the effect allele contribute.
func (r *Row) weights() [3]float64 {
	switch r.Model {
	case Dominant:
		return [3]float64{0, r.Weight, r.Weight}
	case Recessive:
		return [3]float64{0, 0, r.Weight}
	case ByDosage:
		return r.Weights
	}
	return [3]float64{0, r.Weight, 2 * r.Weight}
}

// isSequence says whether an allele is written in bases.
func isSequence(allele string) bool {
	return allele != "" && strings.Trim(allele, "ACGTN") == ""
}

// complement returns an allele as the other strand has it, and whether it is made of A, C, G and T alone.
func complement(allele string) (string, bool) {
	if len(allele) == 1 {
		switch allele[0] {
		case 'A':
			return "T", true
		case 'C':
			return "G", true
		case 'G':
			return "C", true
		case 'T':
			return "A", true
		}
		return "", false
	}
	var b strings.Builder
	b.Grow(len(allele))
	for i := range len(allele) { // as pgsc_calc has it: base by base, in place
		c, ok := complement(allele[i : i+1])
		if !ok {
			return "", false
		}
		b.WriteString(c)
	}
	return b.String(), allele != ""
}

// ambiguous says whether two alleles are each other's complement, so that strands cannot be told apart.
func ambiguous(a, b string) bool {
	c, ok := complement(a)
	return ok && c == b
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
