package vcf

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"

	"contig-gpu/data/genotype"
)

// column cuts a line at its first tab.
func column(line []byte) (field, rest []byte) {
	field, rest, _ = bytes.Cut(line, []byte("\t"))
	return field, rest
}

// textSite reads the columns of a line before its genotypes.
func (f *file) textSite(line []byte, number int) (v genotype.Variant, alleles int, err error) {
	v.Line = int32(number)
	var c [altColumn + 1][]byte
	for i := range c {
		c[i], line = column(line)
	}
	if len(c[altColumn]) == 0 {
		return v, 0, f.bad(number, "the line has too few columns", "CHROM POS ID REF ALT and more, with tabs between", fmt.Sprintf("%.60q", bytes.Join(c[:], []byte("\t"))))
	}
	v.Chrom, v.ID, v.Ref, v.Alt = f.words.Chrom(string(c[chromColumn])), string(c[idColumn]), f.words.Allele(string(c[refColumn])), f.words.Allele(string(c[altColumn]))
	if v.Pos, err = strconv.Atoi(string(c[posColumn])); err != nil {
		return v, 0, f.bad(number, "the position is no whole number", "base pairs", fmt.Sprintf("%.40q", c[posColumn]))
	}
	return v, 2 + bytes.Count(c[altColumn], []byte(",")), nil
}

var errColumns = errors.New("the line has other columns than there are persons")

// read reads the next line or record.
func (r *row) read(t *text, binary bool) (err error) {
	if binary {
		r.record, err = ownPart(t)
	} else {
		r.record, err = t.line()
	}
	return err
}

// takeText takes the genotypes of the line.
func (r *row) takeText() error {
	line := r.record
	var format []byte
	for i := range firstPerson {
		var c []byte
		if c, line = column(line); i == formatColumn {
			format = c
		}
	}
	at := layout(format)
	for i := range r.hard {
		if line == nil {
			return errColumns
		}
		var field []byte
		field, line = column(line)
		if err := r.take(i, field, at); err != nil {
			return err
		}
	}
	if line != nil {
		return errColumns
	}
	return nil
}

// Fields of a person that are read.
const (
	callField   = iota // GT
	dosageField        // DS: copies of each alternative allele
	halvesField        // HDS: of each haplotype
	chanceField        // GP: the probabilities of the calls
	fieldsRead
)

// layout returns where the fields are in a format, -1 where they are not.
func layout(format []byte) [fieldsRead]int {
	at := [fieldsRead]int{-1, -1, -1, -1}
	for i := 0; len(format) > 0; i++ {
		var name []byte
		name, format, _ = bytes.Cut(format, []byte(":"))
		switch string(name) {
		case "GT":
			at[callField] = i
		case "DS":
			at[dosageField] = i
		case "HDS":
			at[halvesField] = i
		case "GP":
			at[chanceField] = i
		}
	}
	return at
}

// A row takes the genotypes of a variant, person by person.
type row struct {
	hard   []byte
	dosage []float32
	dosed  bool // somebody has a dosage that is no hard call
	allele genotype.Allele
	record []byte    // that was read last
	values []float64 // of a person's field
}

func newRow(persons int) *row { return &row{hard: make([]byte, persons)} }

// reset begins a variant, of which one alternative allele is counted.
func (r *row) reset(a genotype.Allele) { r.dosed, r.allele = false, a }

// setCall takes a hard call.
func (r *row) setCall(i int, call byte) {
	r.hard[i] = call
	if r.dosed {
		r.dosage[i] = [4]float32{0, 1, 2, float32(math.NaN())}[call]
	}
}

// setDosage takes a dosage.
func (r *row) setDosage(i int, d float64) {
	v := genotype.Round(d)
	if !r.dosed {
		switch v {
		case 0, 1, 2:
			r.hard[i] = byte(v)
			return
		}
		r.dosed = true
		if r.dosage == nil {
			r.dosage = make([]float32, len(r.hard))
		}
		for k, c := range r.hard[:i] {
			r.dosage[k] = [4]float32{0, 1, 2, float32(math.NaN())}[c]
		}
	}
	r.dosage[i] = v
}

// genotypes returns hard calls, or dosages where some are none.
func (r *row) genotypes() ([]byte, []float32) {
	if r.dosed {
		return nil, r.dosage
	}
	return r.hard, nil
}

// take reads the field of a person: its dosage, if it has one that is known, else its call.
func (r *row) take(i int, field []byte, at [fieldsRead]int) error {
	var part [fieldsRead][]byte
	for k := 0; len(field) > 0; k++ {
		var p []byte
		p, field, _ = bytes.Cut(field, []byte(":"))
		for which, place := range at {
			if place == k {
				part[which] = p
			}
		}
	}
	for which := dosageField; which <= chanceField; which++ {
		d, known, err := r.dosageOf(which, part[which])
		if err != nil {
			return &personError{i, "a dosage is no number from 0 to 2", string(part[which])}
		}
		if known {
			r.setDosage(i, d)
			return nil
		}
	}
	call, what := callOf(part[callField], r.allele)
	if what != "" {
		return &personError{i, what, string(part[callField])}
	}
	r.setCall(i, call)
	return nil
}

var errDosage = errors.New("no dosage")

// dosageOf returns the copies of the allele that a field says; known is false where it is empty or missing.
func (r *row) dosageOf(which int, field []byte) (d float64, known bool, err error) {
	if len(field) == 0 || field[0] == '.' && (len(field) == 1 || field[1] == ',') {
		return 0, false, nil
	}
	r.values = r.values[:0]
	for len(field) > 0 {
		var word []byte
		word, field, _ = bytes.Cut(field, []byte(","))
		if string(word) == "." {
			return 0, false, nil
		}
		v, err := strconv.ParseFloat(string(word), 64)
		if err != nil {
			return 0, false, err
		}
		r.values = append(r.values, v)
	}
	return combine(which, r.values, r.allele)
}

// combine makes a dosage of the values of a field: those of an allele.
func combine(which int, v []float64, a genotype.Allele) (d float64, known bool, err error) {
	alts := int(a.Of)
	switch n := len(v); {
	case which == dosageField && n == alts:
		d = v[a.Alt-1]
	case which == halvesField && n == 2 && alts == 1:
		d = v[0] + v[1]
	case which == halvesField && n == 1 && alts == 1: // one copy, which counts twice
		d = 2 * v[0]
	case which == chanceField && (n == alts+1 || n == (alts+1)*(alts+2)/2):
		if d, known = expected(v, int(a.Alt), n == alts+1); !known {
			return 0, false, nil
		}
	default:
		return 0, false, errDosage
	}
	const slack = 0.01 // of sums of rounded numbers
	if !(d >= -slack && d <= 2+slack) {
		return 0, false, errDosage
	}
	return min(max(d, 0), 2), true, nil
}

// expected returns the copies of an allele by the probabilities of the calls j/k, of k = 0 first, then of k = 1, and so on; or of single alleles, which count twice. known is false where all are 0.
func expected(v []float64, allele int, single bool) (d float64, known bool) {
	sum, at := 0.0, 0
	for k := 0; at < len(v); k++ {
		for j := 0; j <= k && at < len(v); j++ {
			if single {
				j = k
			}
			p := v[at]
			at++
			sum += p
			if j == allele {
				d += p
			}
			if k == allele {
				d += p
			}
		}
	}
	return d / sum, sum != 0
}

// halfCall is what is wrong with ./1.
const halfCall = "a half call: one allele is known and the other is not"

// callOf reads a GT: two alleles, or one, which counts twice. what says what is wrong.
func callOf(gt []byte, a genotype.Allele) (call byte, what string) {
	copies, alleles, missing := 0, 0, 0
	for len(gt) > 0 {
		n := bytes.IndexAny(gt, "/|")
		word := gt
		if n >= 0 {
			word, gt = gt[:n], gt[n+1:]
		} else {
			gt = nil
		}
		alleles++
		switch n := numberOf(word); {
		case string(word) == ".":
			missing++
		case n < 0 || n > int(a.Of):
			return 0, noAllele
		case n == int(a.Alt):
			copies++
		}
	}
	return callFrom(copies, alleles, missing)
}

// noAllele is what is wrong with 0/2 where there is one alternative allele.
const noAllele = "a call names an allele that the variant does not have"

// numberOf returns the number of an allele, -1 where it is none.
func numberOf(word []byte) int {
	const digits = 3
	if len(word) == 0 || len(word) > digits {
		return -1
	}
	n := 0
	for _, c := range word {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}

func callFrom(copies, alleles, missing int) (call byte, what string) {
	switch {
	case missing == alleles:
		return genotype.Missing, ""
	case alleles > 2:
		return 0, "a call of more than two alleles"
	case missing > 0:
		return 0, halfCall
	case alleles == 1:
		return byte(2 * copies), ""
	}
	return byte(copies), ""
}
