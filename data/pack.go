package data

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
)

// Packed is a Table in the fewest bits that hold its rows exactly, to be kept on a device: the features that Row gives,
// with their standardisation and imputation. Persons without the modality have no row.
//
// Which form a table takes follows from its values alone. Genotypes have four values each (0, 1 or 2 copies, or missing)
// and carriers two, whatever they are scaled to; dosages that are told apart by steps of 1/127 of a copy have 255, and missing.
type Packed struct {
	Bits     int       // of a feature: 1 or 2, a code of LUT; 8, a whole number that is the feature, or a code where there is a LUT; 32, the feature
	Features int       // of a row
	LUT      []float32 // [Features, 2^Bits] where features are codes: what each means
	Row      []int32   // of each person, -1 where absent

	table   Table
	persons []int      // of each row
	sorted  [][]uint32 // the values of each feature whose codes are bytes
}

// mostValues is how many values a feature of two bits may have.
const mostValues = 4

// Pack finds the form of a table of so many persons, by reading all of it once. It keeps none of it.
func Pack(t Table, persons int) *Packed {
	p := &Packed{Features: t.Stats().Width(), Row: make([]int32, persons), table: t}
	for i := range p.Row {
		p.Row[i] = -1
		if t.Has(i) {
			p.Row[i] = int32(len(p.persons))
			p.persons = append(p.persons, i)
		}
	}
	c := p.census()
	switch {
	case c.coded:
		p.Bits = 1
		if slices.ContainsFunc(c.values, func(v []uint32) bool { return len(v) > 2 }) {
			p.Bits = 2
		}
		p.LUT = c.lut(p.Bits)
	case c.whole:
		p.Bits = 8
	default:
		p.Bits = 32
		if values := p.byteValues(); values != nil {
			p.Bits, p.sorted, p.LUT = 8, values, (&census{values: values}).lut(8)
		}
	}
	return p
}

// Rows returns the number of persons who have the modality.
func (p *Packed) Rows() int { return len(p.persons) }

// Stride returns the length of a row: in bytes, or in elements where Bits is 32.
func (p *Packed) Stride() int {
	if p.Bits == 32 {
		return p.Features
	}
	return (p.Features*p.Bits + 7) / 8
}

// Values writes rows [lo, hi) as they are. dst is [hi-lo, Stride]; it is how a table of 32 bits is read.
func (p *Packed) Values(dst []float32, lo, hi int) {
	parallel(hi-lo, func(from, to int) {
		for i := from; i < to; i++ {
			p.table.Row(p.persons[lo+i], dst[i*p.Features:(i+1)*p.Features])
		}
	})
}

// Codes writes rows [lo, hi) of a table of less than 32 bits: dst is [hi-lo, Stride]. Codes lie low bits first, those of
// a row in whole bytes.
func (p *Packed) Codes(dst []uint8, lo, hi int) {
	stride := p.Stride()
	parallel(hi-lo, func(from, to int) {
		row := make([]float32, p.Features)
		for i := from; i < to; i++ {
			p.table.Row(p.persons[lo+i], row)
			p.encode(dst[i*stride:(i+1)*stride], row)
		}
	})
}

func (p *Packed) encode(dst []uint8, row []float32) {
	if p.LUT == nil {
		for f, v := range row {
			dst[f] = uint8(v)
		}
		return
	}
	clear(dst)
	for f, v := range row {
		at := f * p.Bits
		dst[at>>3] |= p.code(f, v) << (at & 7)
	}
}

// code returns which value of feature f is v, bit by bit.
func (p *Packed) code(f int, v float32) uint8 {
	want, known := math.Float32bits(v), p.LUT[f<<p.Bits:(f+1)<<p.Bits]
	if p.sorted != nil {
		if code, ok := slices.BinarySearch(p.sorted[f], want); ok {
			return uint8(code)
		}
		known = nil
	}
	for code, is := range known {
		if math.Float32bits(is) == want {
			return uint8(code)
		}
	}
	panic(fmt.Sprintf("data: table %s changed between two reads: feature %d is %g now, and was never among %d persons", p.table.Name(), f, v, len(p.persons)))
}

// A census counts the values of features. Values are told apart by their bits: NaN is one, and the two zeros are two.
type census struct {
	values [][]uint32 // of each feature; not all of them where coded is false
	coded  bool       // no feature has more than mostValues
	whole  bool       // all are whole numbers from 0 to 255
}

func newCensus(features int) *census {
	c := &census{values: make([][]uint32, features), coded: true, whole: true}
	room := make([]uint32, mostValues*features)
	for f := range c.values {
		c.values[f] = room[f*mostValues : f*mostValues : (f+1)*mostValues]
	}
	return c
}

// census reads the rows, a part on each processor.
func (p *Packed) census() *census {
	all := newCensus(p.Features)
	var join sync.Mutex
	parallel(len(p.persons), func(lo, hi int) {
		c, row := newCensus(p.Features), make([]float32, p.Features)
		for i := lo; i < hi && (c.coded || c.whole); i++ {
			p.table.Row(p.persons[i], row)
			for f, v := range row {
				c.add(f, math.Float32bits(v))
			}
		}
		join.Lock()
		defer join.Unlock()
		all.join(c)
	})
	return all
}

func (c *census) add(f int, bits uint32) {
	if c.coded && slices.Contains(c.values[f], bits) {
		return
	}
	if c.whole {
		v := math.Float32frombits(bits)
		c.whole = v >= 0 && v <= math.MaxUint8 && math.Float32bits(float32(uint8(v))) == bits
	}
	if len(c.values[f]) < mostValues {
		c.values[f] = append(c.values[f], bits)
		return
	}
	c.coded = false
}

func (c *census) join(o *census) {
	for f, values := range o.values {
		for _, v := range values {
			c.add(f, v)
		}
	}
	c.coded, c.whole = c.coded && o.coded, c.whole && o.whole
}

// lut returns the values of each feature in an order of their own, not that of the rows. Codes that nobody has mean 0.
func (c *census) lut(bits int) []float32 {
	lut := make([]float32, len(c.values)<<bits)
	for f, values := range c.values {
		slices.Sort(values)
		for code, v := range values {
			lut[f<<bits+code] = math.Float32frombits(v)
		}
	}
	return lut
}

// parallel cuts [0, n) into a part for each processor that Go may use and runs them at once.
func parallel(n int, part func(lo, hi int)) {
	var wait sync.WaitGroup
	all := runtime.GOMAXPROCS(0)
	for k := range all {
		if lo, hi := k*n/all, (k+1)*n/all; lo < hi {
			wait.Go(func() { part(lo, hi) })
		}
	}
	wait.Wait()
}
