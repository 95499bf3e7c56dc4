package pgen

import (
	"fmt"
	"path/filepath"
	"strings"

	"contig-gpu/data/genotype"
)

// A source says where the genotypes of a variant are.
type source struct {
	row int32 // of the .pgen
	genotype.Allele
}

// split makes a variant of each alternative allele of each row. What is not is left out: rows of too many alleles, or those that fits refuses. from is nil where
// every row has two alleles, and notes say what was done.
func split(path string, rows []genotype.Variant, fits func(row int) bool) (list []genotype.Variant, from []source, notes []string) {
	more, out := 0, 0
	for _, v := range rows {
		more += strings.Count(v.Alt, ",")
	}
	if more == 0 {
		return rows, nil, nil
	}
	divided := 0
	for k, v := range rows {
		alts := 1 + strings.Count(v.Alt, ",")
		switch {
		case alts > 1 && (alts > genotype.MostAlts || !fits(k)):
			out++
			continue
		case alts > 1:
			divided++
		}
		for alt := 1; alt <= alts; alt++ {
			one, of := v, genotype.Allele{Alt: uint8(alt), Of: uint8(alts)}
			if alts > 1 {
				one.Alt, one.Of = genotype.Alternative(v.Alt, alt), of
			}
			list, from = append(list, one), append(from, source{int32(k), of})
		}
	}
	name := filepath.Base(path)
	if divided > 0 {
		notes = append(notes, fmt.Sprintf("%s: %d variants with more than two alleles are read as one for each alternative allele.", name, divided))
	}
	if out > 0 {
		notes = append(notes, fmt.Sprintf("W217: %s: %d variants with more than two alleles are left out: they have dosages, which do not say of which allele.", name, out))
	}
	return list, from, notes
}

// How the persons of a patch are listed.
const (
	patchBits = 0  // a bit of each of those who have the call
	patchList = 1  // a list of differences
	noPatch   = 15 // none
)

// copiesOf turns the calls of a record, which tell REF from all other alleles, into copies of one of these. What it finds after the main track is a list of those of one copy
// that is not of the first alternative allele, and one of those of two that are not both of it, each followed by the alleles. Source: pgenlib_internal.h of plink-ng, on vrtypes.
func (r *record) copiesOf(s source, kind byte, hard []byte) error {
	format := byte(noPatch<<4 | noPatch)
	if kind&manyAlleles != 0 {
		b, err := r.take(1)
		if err != nil {
			return err
		}
		format = b[0]
	}
	one, err := r.patched(format&15, hard, 1)
	if err != nil {
		return err
	}
	oneWidth, pairWidth := widths(int(s.Of))
	ones, err := r.take((len(one)*oneWidth + 7) / 8)
	if err != nil {
		return err
	}
	two, err := r.patched(format>>4, hard, 2)
	if err != nil {
		return err
	}
	pairs, err := r.take((len(two)*pairWidth + 7) / 8)
	if err != nil {
		return err
	}
	if s.Alt > 1 { // who is in no list has the first
		for i, c := range hard {
			hard[i] = [4]byte{0, 0, 0, genotype.Missing}[c&3]
		}
	}
	for k, person := range one {
		hard[person] = same(2+field(ones, k, oneWidth), s.Alt)
	}
	for k, person := range two {
		x, y := pairOf(field(pairs, k, pairWidth), pairWidth)
		hard[person] = same(x, s.Alt) + same(y, s.Alt)
	}
	return nil
}

func same(a int, b uint8) byte {
	if a == int(b) {
		return 1
	}
	return 0
}

// widths returns how many bits say which allele one copy is of, and which two copies are of.
func widths(alts int) (one, pair int) {
	one, pair = 8, 16
	switch {
	case alts == 2:
		one = 0
	case alts == 3:
		one = 1
	case alts <= 5:
		one = 2
	case alts <= 17:
		one = 4
	}
	switch {
	case alts == 2:
		pair = 1
	case alts <= 4:
		pair = 4
	case alts <= 16:
		pair = 8
	}
	return one, pair
}

// field returns the k-th of values of so many bits, low bits first.
func field(b []byte, k, width int) int {
	switch width {
	case 0:
		return 0
	case 16:
		return int(b[2*k]) | int(b[2*k+1])<<8
	}
	at := k * width
	return int(b[at>>3]>>(at&7)) & (1<<width - 1)
}

// pairOf returns the alternative alleles of two copies, from 1.
func pairOf(v, width int) (x, y int) {
	if width == 1 {
		return 1 + v, 2
	}
	half := width / 2
	return 1 + v&(1<<half-1), 1 + v>>half
}

// patched returns the persons of a patch to those who have a call.
func (r *record) patched(how byte, hard []byte, call byte) (who []int, err error) {
	switch how {
	case noPatch:
		return nil, nil
	case patchList:
		err = r.differences(false, func(person int, _ byte) { who = append(who, person) })
		return who, err
	case patchBits:
	default:
		return nil, errTrack
	}
	n := 0
	for _, c := range hard {
		if c == call {
			n++
		}
	}
	b, err := r.take((n + 7) / 8)
	if err != nil {
		return nil, err
	}
	n = 0
	for i, c := range hard {
		if c != call {
			continue
		}
		if b[n>>3]>>(n&7)&1 == 1 {
			who = append(who, i)
		}
		n++
	}
	return who, nil
}
