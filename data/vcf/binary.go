package vcf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
)

// bcfMagic is what a BCF begins with, before the number of its minor version.
const bcfMagic = "BCF\x02"

// Types of values in a BCF.
const (
	typeInt8   = 1
	typeInt16  = 2
	typeInt32  = 3
	typeFloat  = 5
	typeText   = 7
	longVector = 15 // the length follows
	floatGone  = 0x7f800001
	floatEnd   = 0x7f800002 // of a vector that is shorter than others
)

var errRecord = errors.New("the record has lengths or types that do not fit")

// A dictionary has the words of a header by their numbers.
type dictionary map[int]string

// readBinaryHeader reads the text within a BCF and its dictionaries.
func (f *file) readBinaryHeader(t *text, faults *data.Faults) error {
	b, err := t.bytes(5) // the minor version, and the length of the text
	if err != nil {
		return f.unreadable(0, err)
	}
	n := int(binary.LittleEndian.Uint32(b[1:]))
	head, err := t.bytes(n)
	if err != nil {
		return f.unreadable(0, fmt.Errorf("its header: %w", err))
	}
	f.head.words, f.head.contigs = dictionary{0: "PASS"}, dictionary{}
	seen := map[string]bool{"PASS": true}
	words := 1
	for _, line := range bytes.Split(bytes.TrimRight(head, "\x00\n"), []byte("\n")) {
		f.head.lines++
		line = bytes.TrimSuffix(line, []byte("\r"))
		kind, id, number := describe(string(line))
		switch kind {
		case "contig":
			if number < 0 {
				number = len(f.head.contigs)
			}
			f.head.contigs[number] = id
		case "FILTER", "INFO", "FORMAT":
			if !seen[id] {
				seen[id] = true
				if number < 0 {
					number = words
				}
				words++
				f.head.words[number] = id
			}
		}
		if done, err := f.headerLine(line, faults); done || err != nil {
			return err
		}
	}
	return f.noColumns(io.EOF)
}

// describe returns the kind, ID and IDX of a line such as ##contig=<ID=1,length=5,IDX=0>; number is -1 where it has none.
func describe(line string) (kind, id string, number int) {
	kind, rest, ok := strings.Cut(strings.TrimPrefix(line, "##"), "=<")
	if !ok {
		return "", "", -1
	}
	number = -1
	if _, after, ok := strings.Cut(rest, "ID="); ok {
		id, _, _ = strings.Cut(strings.TrimSuffix(after, ">"), ",")
	}
	if i := strings.LastIndex(rest, "IDX="); i >= 0 {
		if n, err := strconv.Atoi(strings.TrimRight(rest[i+len("IDX="):], ">")); err == nil && n >= 0 {
			number = n
		}
	}
	return kind, id, number
}

// Parts of a record, in bytes.
const (
	lengthsBytes = 8
	sharedHead   = 24
)

// lengths reads those of the two parts of a record.
func lengths(t *text) (shared, own int64, err error) {
	b, err := t.bytes(lengthsBytes)
	if err != nil {
		return 0, 0, err
	}
	return int64(binary.LittleEndian.Uint32(b)), int64(binary.LittleEndian.Uint32(b[4:])), nil
}

// binarySite reads the shared part of a record and passes over the rest.
func (f *file) binarySite(t *text, n int) (v genotype.Variant, alleles int, err error) {
	shared, own, err := lengths(t)
	if err != nil {
		return v, 0, err
	}
	if shared < sharedHead || shared > mostBytes {
		return v, 0, errRecord
	}
	b, err := t.bytes(int(shared))
	if err != nil {
		return v, 0, notEOF(err)
	}
	le := binary.LittleEndian
	chrom, ok := f.head.contigs[int(int32(le.Uint32(b)))]
	if !ok {
		return v, 0, fmt.Errorf("record %d: %w: its chromosome is not in the header", n, errRecord)
	}
	alleles = int(le.Uint32(b[16:]) >> 16)
	if persons := int(le.Uint32(b[20:]) & 0xffffff); persons != len(f.persons) {
		return v, 0, fmt.Errorf("record %d has genotypes of %d persons, the header names %d", n, persons, len(f.persons))
	}
	v.Chrom, v.Pos = chrom, int(int32(le.Uint32(b[4:])))+1
	r := &values{b: b[sharedHead:]}
	v.ID, v.Ref = r.text(), f.words.Allele(r.text())
	v.Alt = genotype.Unseen
	if alleles > 1 {
		alts := make([]string, min(alleles-1, genotype.MostAlts+1))
		for i := range alts {
			alts[i] = r.text()
		}
		v.Alt = f.words.Allele(strings.Join(alts, ","))
	}
	if r.bad {
		return v, 0, fmt.Errorf("record %d: %w", n, errRecord)
	}
	if v.ID == "" {
		v.ID = "."
	}
	return v, max(alleles, 2), notEOF(t.skip(own))
}

// notEOF makes the end of the file within a record what it is.
func notEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// values are read from the front of a record's part.
type values struct {
	b   []byte
	bad bool
}

func (v *values) take(n int) []byte {
	if n < 0 || n > len(v.b) {
		v.bad = true
		return nil
	}
	out := v.b[:n]
	v.b = v.b[n:]
	return out
}

// kind reads a type and how many values of it there are.
func (v *values) kind() (kind, n int) {
	b := v.take(1)
	if b == nil {
		return 0, 0
	}
	kind, n = int(b[0]&15), int(b[0]>>4)
	if n == longVector {
		n = v.number()
	}
	return kind, n
}

// number reads one whole number.
func (v *values) number() int {
	kind, n := 0, 0
	if b := v.take(1); b != nil {
		kind, n = int(b[0]&15), int(b[0]>>4)
	}
	b := v.take(sizeOf(kind))
	if n != 1 || len(b) == 0 || kind > typeInt32 {
		v.bad = true
		return 0
	}
	return max(0, whole(kind, b))
}

// sizeOf returns the bytes of a value.
func sizeOf(kind int) int {
	switch kind {
	case typeInt8, typeText:
		return 1
	case typeInt16:
		return 2
	case typeInt32, typeFloat:
		return 4
	}
	return 0
}

func whole(kind int, b []byte) int {
	switch kind {
	case typeInt8:
		return int(int8(b[0]))
	case typeInt16:
		return int(int16(binary.LittleEndian.Uint16(b)))
	}
	return int(int32(binary.LittleEndian.Uint32(b)))
}

func (v *values) text() string {
	kind, n := v.kind()
	if kind != typeText && n > 0 {
		v.bad = true
		return ""
	}
	return string(v.take(n))
}

// A vector is a field of all persons: n values of each.
type vector struct {
	kind, n int
	b       []byte
}

// ownPart reads the genotypes of the next record.
func ownPart(t *text) ([]byte, error) {
	shared, own, err := lengths(t)
	if err != nil {
		return nil, err
	}
	if err := t.skip(shared); err != nil {
		return nil, err
	}
	return t.bytes(int(own))
}

// takeBinary takes the genotypes of the record.
func (r *row) takeBinary(words dictionary) error {
	var fields [fieldsRead]vector
	v := &values{b: r.record}
	for len(v.b) > 0 && !v.bad {
		name := words[v.number()]
		kind, n := v.kind()
		one := vector{kind, n, v.take(sizeOf(kind) * n * len(r.hard))}
		if at := layout([]byte(name)); sizeOf(kind) > 0 && n > 0 {
			for which, place := range at {
				if place == 0 {
					fields[which] = one
				}
			}
		}
	}
	if v.bad {
		return errRecord
	}
	return r.takeVectors(fields)
}

// takeVectors reads each person's dosage, if there is one that is known, else the call.
func (r *row) takeVectors(fields [fieldsRead]vector) error {
persons:
	for i := range r.hard {
		for which := dosageField; which <= chanceField; which++ {
			if r.values = fields[which].floats(i, r.values[:0]); len(r.values) == 0 {
				continue
			}
			d, known, err := combine(which, r.values, r.allele)
			if err != nil {
				return &personError{i, "a dosage is no number from 0 to 2", fmt.Sprint(r.values)}
			}
			if known {
				r.setDosage(i, d)
				continue persons
			}
		}
		call, what := fields[callField].call(i, r.allele)
		if what != "" {
			return &personError{i, what, "a call"}
		}
		r.setCall(i, call)
	}
	return nil
}

// floats appends the values of a person, none where one is missing.
func (c vector) floats(i int, v []float64) []float64 {
	if c.kind != typeFloat {
		return v
	}
	for k := range c.n {
		bits := binary.LittleEndian.Uint32(c.b[4*(i*c.n+k):])
		switch bits {
		case floatGone:
			return v[:0]
		case floatEnd:
			return v
		}
		v = append(v, float64(math.Float32frombits(bits)))
	}
	return v
}

// call returns a person's call: of each allele its number plus one, doubled, with a bit for phase.
func (c vector) call(i int, of genotype.Allele) (call byte, what string) {
	copies, alleles, missing := 0, 0, 0
	size := sizeOf(c.kind)
	if c.kind == 0 || c.kind > typeInt32 {
		return genotype.Missing, ""
	}
	for k := range c.n {
		a := whole(c.kind, c.b[size*(i*c.n+k):])
		if a < 0 { // the vector ends, or is missing
			break
		}
		alleles++
		switch n := a>>1 - 1; {
		case n < 0:
			missing++
		case n > int(of.Of):
			return 0, noAllele
		case n == int(of.Alt):
			copies++
		}
	}
	return callFrom(copies, alleles, missing)
}
