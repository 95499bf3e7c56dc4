package table

import (
	"encoding/binary"
	"math"
	"slices"
)

// rawBytes is what rows take, at most, before they are narrowed together: a hundred of 18,574 features.
const rawBytes = 8 << 20

// Rows holds rows of values, all of the same number of columns, exactly: as float32 would, in fewer bits where that can be. Rows
// are taken as they come and narrowed some thousand values at a time, so that the whole is never there in its wide form.
//
// A column takes, for rows that are narrowed together, 1 bit where all are 0 or 1 (carriers); 2 where they are 0, 1, 2 or
// missing (genotypes); 8 where they are whole numbers up to 254 or missing; else 32.
type Rows struct {
	width  int
	height int       // rows of a block; the last has fewer
	raw    []float32 // rows of the block to come
	blocks []block
	bytes  int
}

// NewRows returns no rows of so many columns.
func NewRows(width int) *Rows {
	return &Rows{width: width, height: max(1, rawBytes/4/max(1, width))}
}

// Add appends a row of the given values. It reports how many bytes Rows holds then, without those of rows that are yet to
// be narrowed.
func (r *Rows) Add(row []float32) int {
	r.raw = append(r.raw, row...)
	if len(r.raw) == r.height*r.width {
		r.narrow()
	}
	return r.bytes
}

// Close narrows what is left and reports the bytes of all. No row can be added after it.
func (r *Rows) Close() int {
	if len(r.raw) > 0 {
		r.narrow()
	}
	r.raw = nil
	return r.bytes
}

// Bytes returns the memory of what was narrowed.
func (r *Rows) Bytes() int { return r.bytes }

// Row writes the values of a row, after Close. It may be called from several goroutines.
func (r *Rows) Row(i int, dst []float32) { r.blocks[i/r.height].row(i%r.height, dst) }

func (r *Rows) narrow() {
	f := formOf(r.raw, r.width)
	if n := len(r.blocks); n > 0 && slices.Equal(r.blocks[n-1].bits, f.bits) {
		f = r.blocks[n-1].form
	} else {
		r.bytes += len(f.bits)
	}
	b := block{form: f, codes: make([]byte, len(r.raw)/r.width*f.stride)}
	for i := range len(r.raw) / r.width {
		f.encode(b.codes[i*f.stride:(i+1)*f.stride], r.raw[i*r.width:(i+1)*r.width])
	}
	r.blocks, r.bytes, r.raw = append(r.blocks, b), r.bytes+len(b.codes), r.raw[:0]
}

// A block is rows of one form.
type block struct {
	*form        // shared by blocks that follow each other, where it is the same
	codes []byte // row after row
}

// A form says how a row lies in bytes: first columns of 32 bits, then of 8, 2 and 1, each in the order of the columns, low bits
// first.
type form struct {
	bits   []uint8 // of each column
	start  [33]int // of the columns of so many bits: the bit at which they begin
	stride int     // bytes of a row
}

func formOf(raw []float32, width int) *form {
	f := &form{bits: slices.Repeat([]uint8{1}, width)}
	for at := 0; at < len(raw); at += width {
		for j, v := range raw[at : at+width] {
			if f.bits[j] < 32 {
				f.bits[j] = max(f.bits[j], bitsOf(v))
			}
		}
	}
	var columns [33]int
	for _, n := range f.bits {
		columns[n]++
	}
	end := 0
	for _, n := range []int{32, 8, 2, 1} {
		f.start[n] = end
		end += n * columns[n]
	}
	f.stride = (end + 7) / 8
	return f
}

// Values are compared by their bits, which tell -0 from 0 and one NaN from another.
const (
	oneBits     = 0x3f800000
	twoBits     = 0x40000000
	missingBits = 0x7fc00000 // of what Number returns

	missing2 = 3 // in 2 bits
	missing8 = 255
)

// bitsOf returns how many bits hold v.
func bitsOf(v float32) uint8 {
	switch b := math.Float32bits(v); {
	case b == 0 || b == oneBits:
		return 1
	case b == twoBits || b == missingBits:
		return 2
	case v >= 1 && v < missing8 && float32(uint8(v)) == v:
		return 8
	}
	return 32
}

func (f *form) encode(dst []byte, row []float32) {
	at32, at8, at2, at1 := f.start[32]/8, f.start[8]/8, f.start[2], f.start[1]
	for j, v := range row {
		switch f.bits[j] {
		case 1:
			dst[at1>>3] |= uint8(v) << (at1 & 7)
			at1++
		case 2:
			code := uint8(missing2)
			if !Missing(v) {
				code = uint8(v)
			}
			dst[at2>>3] |= code << (at2 & 7)
			at2 += 2
		case 8:
			dst[at8] = missing8
			if !Missing(v) {
				dst[at8] = uint8(v)
			}
			at8++
		default:
			binary.LittleEndian.PutUint32(dst[at32:], math.Float32bits(v))
			at32 += 4
		}
	}
}

func (b *block) row(i int, dst []float32) {
	row := b.codes[i*b.stride : (i+1)*b.stride]
	gone := math.Float32frombits(missingBits)
	few := [4]float32{0, 1, 2, gone}
	at32, at8, at2, at1 := b.start[32]/8, b.start[8]/8, b.start[2], b.start[1]
	for j, bits := range b.bits {
		switch bits {
		case 1:
			dst[j] = float32(row[at1>>3] >> (at1 & 7) & 1)
			at1++
		case 2:
			dst[j] = few[row[at2>>3]>>(at2&7)&3]
			at2 += 2
		case 8:
			dst[j] = float32(row[at8])
			if row[at8] == missing8 {
				dst[j] = gone
			}
			at8++
		default:
			dst[j] = math.Float32frombits(binary.LittleEndian.Uint32(row[at32:]))
			at32 += 4
		}
	}
}
