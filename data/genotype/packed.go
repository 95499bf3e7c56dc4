package genotype

import (
	"context"
	"math"
	"runtime"
	"sync"
)

// block is how many variants are read before they are turned to person order.
const block = 64

// A missing dosage, in units.
const missingDosage = math.MaxUint16

// Packed holds genotypes person by person: hard calls of 2 bits, low bits first, and dosages of 16 bits of those variants that have some.
type Packed struct {
	Persons, Variants int
	stride            int // bytes of a person
	bits              []byte
	dosed             []place // of each variant
	pages             []page
}

// A place says where the dosages of a variant are: nowhere where page is -1.
type place struct{ page, column int32 }

// A page holds dosages, in units, of some variants: [Persons, columns].
type page struct {
	columns int
	units   []uint16
}

// Steps is how many steps of a copy dosages may be rounded to, so that those from 0 to 2 and missing are 256 values.
const Steps = 127

// Read reads the given variants, which ascend, for the given persons (indices into those of the set). round: dosages are rounded to 1/Steps of a copy. Memory: what is
// kept, and one block of rows. step, where it is not nil, is called as variants are done.
func Read(ctx context.Context, f *Set, variants, persons []int, round bool, step func(done, total int)) (*Packed, error) {
	p := &Packed{Persons: len(persons), Variants: len(variants), stride: (len(variants) + 3) / 4, dosed: make([]place, len(variants))}
	p.bits = make([]byte, p.Persons*p.stride)
	b := &blockReader{p: p, persons: persons, round: round, all: len(persons) == len(f.People)}
	for i, person := range persons {
		b.all = b.all && i == person
	}
	err := f.EachRow(ctx, variants, func(k int, bits, hard []byte, dosage []float32) error {
		b.take(k, bits, hard, dosage)
		if b.n == block || k == len(variants)-1 {
			b.turn()
			if step != nil {
				step(k+1, len(variants))
			}
		}
		return nil
	})
	return p, err
}

// A blockReader holds rows until there is a block of them.
type blockReader struct {
	p       *Packed
	persons []int
	all     bool // they are those of the set, in its order
	round   bool
	first   int // variant of the first row
	n       int
	bits    [block][]byte   // two bits each
	dosage  [block][]uint16 // nil where the row has none
	spare   [][]uint16
}

func (b *blockReader) take(k int, bits, hard []byte, dosage []float32) {
	if b.n == 0 {
		b.first = k
	}
	at := b.n
	b.n++
	if dosage == nil {
		if n := max(len(bits), (len(hard)+3)/4); b.bits[at] == nil {
			b.bits[at] = make([]byte, n)
		}
		if bits != nil {
			copy(b.bits[at], bits)
		} else {
			Pack(b.bits[at], hard)
		}
		return
	}
	var row []uint16
	if n := len(b.spare); n > 0 {
		row, b.spare = b.spare[n-1], b.spare[:n-1]
	} else {
		row = make([]uint16, len(dosage))
	}
	for i, d := range dosage {
		row[i] = missingDosage
		switch {
		case d != d:
		case b.round:
			row[i] = uint16(math.Round(math.Round(float64(d)*Steps) * Unit / Steps))
		default:
			row[i] = uint16(d * Unit)
		}
	}
	b.dosage[at] = row
}

// turn writes the rows of the block person by person.
func (b *blockReader) turn() {
	var dosed []int
	for k := range b.n {
		b.p.dosed[b.first+k] = place{page: -1}
		if b.dosage[k] != nil {
			b.p.dosed[b.first+k] = place{int32(len(b.p.pages)), int32(len(dosed))}
			dosed = append(dosed, k)
		}
	}
	g := page{columns: len(dosed), units: make([]uint16, len(dosed)*b.p.Persons)}
	inParts((b.p.Persons+3)/4, func(lo, hi int) { // in whole bytes of a row
		b.turnPersons(4*lo, min(4*hi, b.p.Persons), dosed, g.units)
	})
	for _, k := range dosed {
		b.spare = append(b.spare, b.dosage[k])
		b.dosage[k] = nil
	}
	if len(dosed) > 0 {
		b.p.pages = append(b.p.pages, g)
	}
	b.n = 0
}

// tile is how many persons are turned at a time: what is written of them stays in the nearest cache.
const tile = 512

func (b *blockReader) turnPersons(lo, hi int, dosed []int, units []uint16) {
	for from := lo; from < hi; from += tile {
		to := min(from+tile, hi)
		for k := 0; k < b.n; k += 4 {
			b.turnFour(k, from, to)
		}
	}
	for c, k := range dosed {
		for i, person := range b.persons[lo:hi] {
			units[(lo+i)*len(dosed)+c] = b.dosage[k][person]
		}
	}
}

// turnFour writes the hard calls of four rows from k on: a byte of each person. The first row of a block is that of a whole byte.
func (b *blockReader) turnFour(k, from, to int) {
	var rows [4][]byte
	none := 0
	for r := range rows {
		if k+r < b.n && b.dosage[k+r] == nil {
			rows[r] = b.bits[k+r]
		} else {
			none++
		}
	}
	at := from*b.p.stride + (b.first+k)>>2
	if b.all && none == 0 {
		for ; to-from >= 4; from += 4 {
			q := from / 4
			x := across(uint32(rows[0][q]) | uint32(rows[1][q])<<8 | uint32(rows[2][q])<<16 | uint32(rows[3][q])<<24)
			for range 4 {
				b.p.bits[at] = byte(x)
				x >>= 8
				at += b.p.stride
			}
		}
	}
	for _, person := range b.persons[from:to] {
		code, shift := byte(0), 2*(person&3)
		for r, row := range rows {
			if row != nil {
				code |= row[person>>2] >> shift & 3 << (2 * r)
			}
		}
		b.p.bits[at] = code
		at += b.p.stride
	}
}

// across turns four bytes of four codes each, those of persons, to those of rows: codes of one step apart change places, then those of two.
func across(x uint32) uint32 {
	t := (x ^ x>>6) & 0x00cc00cc
	x ^= t ^ t<<6
	t = (x ^ x>>12) & 0x0000f0f0
	return x ^ t ^ t<<12
}

// inParts cuts [0, n) into a part for each processor that Go may use.
func inParts(n int, part func(lo, hi int)) {
	var wait sync.WaitGroup
	all := runtime.GOMAXPROCS(0)
	for k := range all {
		if lo, hi := k*n/all, (k+1)*n/all; lo < hi {
			wait.Go(func() { part(lo, hi) })
		}
	}
	wait.Wait()
}

// Bytes returns the memory that persons of a set take for so many variants with hard calls and with dosages.
func Bytes(persons, hard, dosed int) int { return persons * ((hard+dosed+3)/4 + 2*dosed) }

// Dosed says whether variant j has dosages.
func (p *Packed) Dosed(j int) bool { return p.dosed[j].page >= 0 }

// Code returns the hard call of person i at variant j, which has no dosages.
func (p *Packed) Code(i, j int) uint8 { return p.bits[i*p.stride+j>>2] >> (2 * uint(j&3)) & 3 }

// Copies returns the copies of ALT of person i at variant j, NaN where they are missing.
func (p *Packed) Copies(i, j int) float64 {
	d := p.units(i, j)
	if d == missingDosage {
		return math.NaN()
	}
	return float64(d) / Unit
}

// units returns the same in units, missingDosage where it is missing.
func (p *Packed) units(i, j int) uint16 {
	if at := p.dosed[j]; at.page >= 0 {
		g := &p.pages[at.page]
		return g.units[i*g.columns+int(at.column)]
	}
	if c := p.Code(i, j); c != Missing {
		return uint16(c) * Unit
	}
	return missingDosage
}

// A Line turns a genotype into a feature: Code has what each hard call becomes, and of a dosage x it is (x - Center) * Scale.
type Line struct {
	Code          [4]float32
	Center, Scale float64
}

// Decode writes the features of person i: of the variants columns[j] by lines[j]. dst, columns and lines are of one length.
func (p *Packed) Decode(dst []float32, i int, columns []int32, lines []Line) {
	row := p.bits[i*p.stride : (i+1)*p.stride]
	if len(p.pages) == 0 {
		for k, j := range columns {
			dst[k] = lines[k].Code[row[j>>2]>>(2*uint(j&3))&3]
		}
		return
	}
	for k, j := range columns {
		l := &lines[k]
		d := p.units(i, int(j))
		switch {
		case d == missingDosage:
			dst[k] = l.Code[Missing]
		case p.dosed[j].page >= 0:
			dst[k] = float32((float64(d)/Unit - l.Center) * l.Scale)
		default:
			dst[k] = l.Code[d/Unit]
		}
	}
}

// Typed returns how many genotypes of person i are not missing.
func (p *Packed) Typed(i int) int {
	n := 0
	for j := range p.Variants {
		if p.units(i, j) != missingDosage {
			n++
		}
	}
	return n
}
