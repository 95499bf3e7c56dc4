package plink

import (
	"context"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
)

// A filesetFile is a PLINK 1 fileset as a genotype.File: A2 is REF and A1 is ALT, as plink2 reads them.
type filesetFile struct {
	set      *Set
	prefix   string
	persons  []genotype.Person
	variants []genotype.Variant
}

// Genotypes opens PREFIX.bed, .bim and .fam (".bed" at its end is cut off), as Check does. Where faults took something of use to nobody, it is nil.
func Genotypes(prefix string, faults *data.Faults) (genotype.File, error) {
	set, err := Check([]string{prefix}, faults)
	if err != nil {
		return nil, err
	}
	f := &filesetFile{set: set, prefix: strings.TrimSuffix(prefix, ".bed"), persons: set.Samples, variants: set.Variants}
	set.Variants = nil
	return f, nil
}

func (f *filesetFile) About() genotype.About {
	return genotype.About{Format: "PLINK 1 .bed", Path: f.prefix + ".bed", PersonsPath: f.prefix + ".fam", VariantsPath: f.prefix + ".bim", Notes: f.set.Notes}
}

func (f *filesetFile) Persons() []genotype.Person { return f.persons }

func (f *filesetFile) Variants() []genotype.Variant { return f.variants }

func (f *filesetFile) Dosed(int) bool { return false }

func (f *filesetFile) Each(ctx context.Context, variants []int, visit genotype.Visit) error {
	quads := genotype.Quads([4]byte{HomA1: 2, Missing: genotype.Missing, Het: 1, HomA2: 0})
	hard := make([]byte, len(f.persons))
	return f.set.Each(variants, func(k int, row []byte) error {
		genotype.Unpack(hard, row, quads)
		if err := context.Cause(ctx); err != nil {
			return err
		}
		return visit(k, hard, nil)
	})
}
