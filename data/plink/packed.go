package plink

import (
	"os"

	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

// Codes of a genotype, as in the file.
const (
	HomA1   = 0
	Missing = 1
	Het     = 2
	HomA2   = 3
)

// variantBlock is how many variants are read before they are turned to person order.
const variantBlock = 256

// Packed holds genotypes person by person, 2 bits each, low bits first.
type Packed struct {
	Persons, Variants int
	stride            int // bytes of a person
	bits              []byte
}

// Read reads the given variants (indices into Variants, in the order of the columns wanted) for the given persons
// (indices into Samples). Memory: 2 bits a genotype and one block of rows.
func (s *Set) Read(variants, persons []int) (*Packed, error) {
	p := &Packed{Persons: len(persons), Variants: len(variants), stride: (len(variants) + 3) / 4}
	p.bits = make([]byte, p.Persons*p.stride)
	rows := &rowReader{set: s}
	defer rows.close()
	b := rowBytes(len(s.Samples))
	buf := make([]byte, min(variantBlock, len(variants))*b)
	for at := 0; at < len(variants); at += variantBlock {
		n := min(variantBlock, len(variants)-at)
		for k := range n {
			if err := rows.read(variants[at+k], b, buf[k*b:(k+1)*b]); err != nil {
				return nil, err
			}
		}
		p.transpose(at, n, b, buf, persons)
	}
	return p, nil
}

func (p *Packed) transpose(at, n, b int, buf []byte, persons []int) {
	for i, person := range persons {
		out := p.bits[i*p.stride : (i+1)*p.stride]
		shift := 2 * uint(person&3)
		from := person >> 2
		for k := range n {
			j := at + k
			out[j>>2] |= buf[k*b+from] >> shift & 3 << (2 * uint(j&3))
		}
	}
}

// A rowReader keeps the .bed open that was read last.
type rowReader struct {
	set  *Set
	file *os.File
	part part
}

// read reads the rows, of so many bytes, of the variant and of those behind it in its file.
func (r *rowReader) read(variant, row int, dst []byte) error {
	if r.file == nil || variant < r.part.first || variant >= r.part.first+r.part.n {
		if err := r.open(variant); err != nil {
			return err
		}
	}
	at := headerBytes + int64(variant-r.part.first)*int64(row)
	if _, err := r.file.ReadAt(dst, at); err != nil {
		return table.Unreadable(r.part.bed, err)
	}
	return nil
}

func (r *rowReader) open(variant int) error {
	r.close()
	p := r.set.part(variant)
	f, err := input.Open(p.bed, input.NoLimit)
	if err != nil {
		return table.Unreadable(p.bed, err)
	}
	r.file, r.part = f, p
	return nil
}

func (r *rowReader) close() {
	if r.file != nil {
		r.file.Close()
	}
	r.file = nil
}

// Code returns the code of person i at variant j.
func (p *Packed) Code(i, j int) uint8 { return p.bits[i*p.stride+j>>2] >> (2 * uint(j&3)) & 3 }

// Counts returns for each variant how many of the given persons have each code.
func (p *Packed) Counts(persons []int) [][4]int {
	out := make([][4]int, p.Variants)
	for _, i := range persons {
		for j := range out {
			out[j][p.Code(i, j)]++
		}
	}
	return out
}

// Decode writes lut[j][code] for the variants columns[j] of person i. dst, columns and lut are of one length.
func (p *Packed) Decode(dst []float32, i int, columns []int32, lut [][4]float32) {
	row := p.bits[i*p.stride : (i+1)*p.stride]
	for k, j := range columns {
		dst[k] = lut[k][row[j>>2]>>(2*uint(j&3))&3]
	}
}

// Typed returns how many genotypes of person i are not missing.
func (p *Packed) Typed(i int) int {
	n := 0
	for j := range p.Variants {
		if p.Code(i, j) != Missing {
			n++
		}
	}
	return n
}
