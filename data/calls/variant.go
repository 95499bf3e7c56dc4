// Package calls is what polygenic scores and burdens need of genotypes, whatever file they are in: who the persons are, which variants there are, and their
// hard calls or dosages, one variant after the other.
package calls

import "context"

// A Variant is a place of the genome at which persons differ.
type Variant struct {
	Chrom, ID string
	Pos       int
	Ref, Alt  string // Alt has a comma where there are several alternative alleles
}

// A Person is one of those whose genotypes there are.
type Person struct {
	FID, IID string // FID is "" where there are no families
	Sex      int    // 1 male, 2 female, 0 unknown
	Founder  bool   // no parents are named
}

// Missing is a hard call that is missing; others are the copies of ALT.
const Missing = 3

// A Source has genotypes.
type Source interface {
	Persons() []Person
	Variants() []Variant
	// Each visits some of the variants, in their order. Exactly one of hard and dosage is not nil: hard has for each person the copies of ALT, or Missing,
	// dosage the dosage of ALT, NaN where missing. Both are overwritten afterwards.
	Each(ctx context.Context, variants []int, visit func(k int, hard []byte, dosage []float32) error) error
}
