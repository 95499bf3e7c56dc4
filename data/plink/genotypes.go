package plink

import (
	"context"
	"encoding/binary"
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

// EachBits is Each, of bits: the codes of a .bed are turned into copies of A1, 32 at a time.
func (f *filesetFile) EachBits(ctx context.Context, variants []int, visit func(k int, bits []byte) error) error {
	return f.set.Each(variants, func(k int, row []byte) error {
		i := 0
		for ; i+8 <= len(row); i += 8 {
			binary.LittleEndian.PutUint64(row[i:], copiesOfA1(binary.LittleEndian.Uint64(row[i:])))
		}
		for ; i < len(row); i++ {
			row[i] = byte(copiesOfA1(uint64(row[i])))
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		return visit(k, row)
	})
}

// copiesOfA1 turns codes into copies: 00 into 2, 01 into missing, 10 into 1, 11 into 0.
func copiesOfA1(x uint64) uint64 {
	const low = 0x5555555555555555
	high := x >> 1 & low
	return (high^low)<<1 | high ^ x&low
}
