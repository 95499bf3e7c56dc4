// Package calls reads PLINK 1 filesets as rows of genotypes.
package calls

import (
	"context"

	"contig-gpu/data/genotype"
	"contig-gpu/data/plink"
)

// filesets are PLINK 1 filesets as Rows.
type filesets struct{ set *plink.Set }

// Filesets returns the genotypes of PLINK 1 filesets: A2 is REF and A1 is ALT, as plink2 reads them.
func Filesets(set *plink.Set) genotype.Rows { return filesets{set} }

func (f filesets) Persons() []genotype.Person {
	out := make([]genotype.Person, len(f.set.Samples))
	for i, s := range f.set.Samples {
		out[i] = genotype.Person{FID: s.FID, IID: s.IID, Sex: s.Sex, Founder: s.Founder}
	}
	return out
}

func (f filesets) Variants() []genotype.Variant {
	out := make([]genotype.Variant, len(f.set.Variants))
	for i, v := range f.set.Variants {
		out[i] = genotype.Variant{Chrom: v.Chrom, ID: v.ID, Pos: v.Pos, Ref: v.A2, Alt: v.A1}
	}
	return out
}

// Each unpacks the codes of .bed, four a byte.
func (f filesets) Each(ctx context.Context, variants []int, visit genotype.Visit) error {
	var quad [256][4]byte
	copies := [4]byte{plink.HomA1: 2, plink.Missing: genotype.Missing, plink.Het: 1, plink.HomA2: 0}
	for b := range quad {
		for k := range quad[b] {
			quad[b][k] = copies[b>>(2*k)&3]
		}
	}
	n := len(f.set.Samples)
	hard := make([]byte, (n+3)/4*4)
	return f.set.Each(variants, func(k int, row []byte) error {
		for i, b := range row {
			*(*[4]byte)(hard[4*i:]) = quad[b]
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		return visit(k, hard[:n], nil)
	})
}
