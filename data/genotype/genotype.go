package genotype

import (
	"context"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"contig-gpu/data/genome"
)

// Missing is the hard call of a genotype that is not known; others are the copies of ALT: 0, 1 or 2.
const Missing = 3

// Unseen is the allele of which a file does not know the name, for everybody has the other one.
const Unseen = "0"

// Unit is how many parts of one copy dosages are told apart by, as in a .pgen. Dosages of all formats are rounded to it.
const Unit = 16384

// A Person is one of those whose genotypes a file holds.
type Person struct {
	FID, IID string // FID is "" where there are no families
	Sex      int    // 1 male, 2 female, 0 unknown
	Founder  bool   // no parents are named
}

// A Variant is a place of the genome with two alleles.
type Variant struct {
	Chrom, ID string
	Pos       int    // base pairs, from 1
	Ref, Alt  string // of a .bim its A2 and A1
	Line      int32  // in the file that lists variants, 0 where it has no lines
	Of        Allele // which of the alternative alleles of its record ALT is, where there are several: the others count as REF here
}

// Split says whether the record has further alternative alleles.
func (v Variant) Split() bool { return v.Of.Of > 1 }

// Record returns the variants of the record that the i-th is of, a variant for each alternative allele: from first to last, which are neighbours.
func (v Variant) Record(i int) (first, last int) {
	if !v.Split() {
		return i, i
	}
	first = i + 1 - int(v.Of.Alt)
	return first, first + int(v.Of.Of) - 1
}

// A Visit gets the k-th of the variants that were asked for: either hard, the copies of ALT of each person or Missing, or dosage, from 0 to 2, NaN where it is
// missing. The other one is nil. Both are overwritten by the next call.
type Visit = func(k int, hard []byte, dosage []float32) error

// A File is one file of genotypes. Its slices must not be changed.
type File interface {
	About() About
	Persons() []Person
	Variants() []Variant
	// Dosed says whether a variant may have dosages that are no hard calls.
	Dosed(variant int) bool
	// Each reads the given variants, which ascend, and no others. It may be called again, and from one goroutine at a time.
	Each(ctx context.Context, variants []int, visit Visit) error
}

// About says what a file is, for messages.
type About struct {
	Format       string // such as "PLINK 1 .bed"
	Path         string // of the genotypes
	PersonsPath  string // of the file that lists persons, and of that which lists variants
	VariantsPath string
	Notes        []string
}

// where is a chromosome and position.
func (v Variant) where() string { return genome.Chromosome(v.Chrom) + ":" + strconv.Itoa(v.Pos) }

// FullName returns id:chromosome:position:alleles, the alleles in alphabetical order, whichever is ALT. Chromosomes are named as genome.Chromosome
// names them, so that a .bim's 23 and a VCF's chrX are one.
func (v Variant) FullName() string { return v.ID + ":" + v.where() + ":" + v.alleles() }

// WrittenName is FullName with the chromosome as the file writes it.
func (v Variant) WrittenName() string {
	return v.ID + ":" + v.Chrom + ":" + strconv.Itoa(v.Pos) + ":" + v.alleles()
}

func (v Variant) alleles() string { return min(v.Ref, v.Alt) + ":" + max(v.Ref, v.Alt) }

// MostAlts is the most alternative alleles of a variant that is read.
const MostAlts = 254

// An Allele says which of the alternative alleles of a variant is ALT, from 1, and how many there are: all others count as REF.
type Allele struct{ Alt, Of uint8 }

// Alternative returns one of the alternative alleles of a list with commas, from 1.
func Alternative(list string, k int) string {
	for range k - 1 {
		_, list, _ = strings.Cut(list, ",")
	}
	one, _, _ := strings.Cut(list, ",")
	return one
}

// Round returns the dosage nearest to v of those that are told apart, missing where v is NaN.
func Round(v float64) float32 { return float32(math.Round(v*Unit) / Unit) }

// Hard writes dosages as hard calls and reports whether all of them are such.
func Hard(dst []byte, dosage []float32) bool {
	for i, d := range dosage {
		switch d {
		case 0:
			dst[i] = 0
		case 1:
			dst[i] = 1
		case 2:
			dst[i] = 2
		default:
			if d == d {
				return false
			}
			dst[i] = Missing
		}
	}
	return true
}

// Unpack writes two bits of each person, low bits first, through a table of what the four codes mean. dst has one element a person.
func Unpack(dst, bits []byte, quads *[256][4]byte) {
	n := len(dst) / 4
	for i, b := range bits[:n] {
		*(*[4]byte)(dst[4*i:]) = quads[b]
	}
	for i := 4 * n; i < len(dst); i++ {
		dst[i] = quads[bits[n]][i&3]
	}
}

// Pack writes hard calls as two bits each, low bits first. dst has a byte for four.
func Pack(dst, hard []byte) {
	for ; len(hard) >= 8; hard = hard[8:] {
		x := binary.LittleEndian.Uint64(hard)
		x = (x | x>>6) & 0x000f000f000f000f
		x |= x >> 12
		dst[0], dst[1] = byte(x), byte(x>>32)
		dst = dst[2:]
	}
	clear(dst[:(len(hard)+3)/4])
	for i, c := range hard {
		dst[i/4] |= c << (2 * (i & 3))
	}
}

// A BitsFile is a File whose variants are all hard calls of two bits, which it hands out as they are: of each person, low bits first, copies of ALT or Missing. Bits
// behind the last person may be anything.
type BitsFile interface {
	EachBits(ctx context.Context, variants []int, visit func(k int, bits []byte) error) error
}

// Quads returns the table of Unpack.
func Quads(code [4]byte) *[256][4]byte {
	var t [256][4]byte
	for b := range t {
		for k := range t[b] {
			t[b][k] = code[b>>(2*k)&3]
		}
	}
	return &t
}
