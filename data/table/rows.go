package table

import (
	"encoding/binary"
	"math"
	"slices"
)

// rawBytes is what rows take, at most, before they are narrowed together: fifty-six of 18,574 features.
const rawBytes = 8 << 20

// Rows holds rows of values, all of the same number of columns: as float32 would, in fewer bits where that can be, and in more where float32 would
// not tell the values of a column apart. Rows are taken as they come and narrowed some thousand values at a time, so that the whole is never
// there in its wide form.
//
// A column takes, for rows that are narrowed together, 1 bit where all are 0 or 1 (carriers); 2 where they are 0, 1, 2 or
// missing (genotypes); 8 where they are whole numbers up to 254 or missing; 64 where values lie far from 0 and close to each other (dates, times since
// 1970) and some are not float32s; else 32.
type Rows struct {
	width  int
	height int       // rows of a block; the last has fewer
	raw    []float64 // rows of the block to come
	blocks []block
	bytes  int
	lo, hi []float64 // of each column, of all rows that were narrowed while it took more than 8 bits
}

// NewRows returns no rows of so many columns.
func NewRows(width int) *Rows {
	return &Rows{width: width, height: max(1, rawBytes/8/max(1, width))}
}

// Add appends a row of the given values. It reports how many bytes Rows holds then, without those of rows that are yet to
// be narrowed.
func (r *Rows) Add(row []float64) int {
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
func (r *Rows) Row(i int, dst []float64) { r.blocks[i/r.height].row(i%r.height, dst) }

func (r *Rows) narrow() {
	f := r.form()
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

// A form says how a row lies in bytes: first columns of 64 bits, then of 32, 8, 2 and 1, each in the order of the columns, low bits
// first.
type form struct {
	bits   []uint8 // of each column
	start  [65]int // of the columns of so many bits: the bit at which they begin
	stride int     // bytes of a row
}

func (r *Rows) form() *form {
	f := &form{bits: slices.Repeat([]uint8{1}, r.width)}
	for at := 0; at < len(r.raw); at += r.width {
		for j, v := range r.raw[at : at+r.width] {
			if f.bits[j] < 32 {
				f.bits[j] = max(f.bits[j], bitsOf(v))
			}
		}
	}
	if slices.Contains(f.bits, 32) {
		r.widen(f)
	}
	var columns [65]int
	for _, n := range f.bits {
		columns[n]++
	}
	end := 0
	for _, n := range []int{64, 32, 8, 2, 1} {
		f.start[n] = end
		end += n * columns[n]
	}
	f.stride = (end + 7) / 8
	return f
}

// farRatio is how many times farther from 0 than from each other values may lie in single precision: 17 of its 24 bits are left to tell them apart.
const farRatio = 128

// unknownRange is how far apart values are thought to lie while there is but one: days and seconds are far off then, and measures are not.
const unknownRange = 64

// widen gives 64 bits to the columns of which single precision would take too much: their values' differences are small against themselves, and some are
// not float32s.
func (r *Rows) widen(f *form) {
	if r.lo == nil {
		r.lo, r.hi = slices.Repeat([]float64{math.Inf(1)}, r.width), slices.Repeat([]float64{math.Inf(-1)}, r.width)
	}
	rounded := make([]bool, r.width)
	for at := 0; at < len(r.raw); at += r.width {
		for j, v := range r.raw[at : at+r.width] {
			if f.bits[j] == 32 && !Missing(v) {
				r.lo[j], r.hi[j] = min(r.lo[j], v), max(r.hi[j], v)
				rounded[j] = rounded[j] || float64(float32(v)) != v
			}
		}
	}
	for j, is := range rounded {
		between := r.hi[j] - r.lo[j]
		if between == 0 {
			between = unknownRange
		}
		if is && max(r.hi[j], -r.lo[j]) > farRatio*between {
			f.bits[j] = 64
		}
	}
}

// Values are compared by their bits, which tell -0 from 0.
const (
	oneBits = 0x3ff0000000000000
	twoBits = 0x4000000000000000

	missing2 = 3 // in 2 bits
	missing8 = 255
)

// bitsOf returns how many bits hold v, if not more than 32 do.
func bitsOf(v float64) uint8 {
	switch b := math.Float64bits(v); {
	case b == 0 || b == oneBits:
		return 1
	case b == twoBits || Missing(v):
		return 2
	case v >= 1 && v < missing8 && float64(uint8(v)) == v:
		return 8
	}
	return 32
}

func (f *form) encode(dst []byte, row []float64) {
	at64, at32, at8, at2, at1 := 0, f.start[32]/8, f.start[8]/8, f.start[2], f.start[1]
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
		case 32:
			binary.LittleEndian.PutUint32(dst[at32:], math.Float32bits(float32(v)))
			at32 += 4
		default:
			binary.LittleEndian.PutUint64(dst[at64:], math.Float64bits(v))
			at64 += 8
		}
	}
}

func (b *block) row(i int, dst []float64) {
	row := b.codes[i*b.stride : (i+1)*b.stride]
	gone := math.NaN()
	few := [4]float64{0, 1, 2, gone}
	at64, at32, at8, at2, at1 := 0, b.start[32]/8, b.start[8]/8, b.start[2], b.start[1]
	for j, bits := range b.bits {
		switch bits {
		case 1:
			dst[j] = float64(row[at1>>3] >> (at1 & 7) & 1)
			at1++
		case 2:
			dst[j] = few[row[at2>>3]>>(at2&7)&3]
			at2 += 2
		case 8:
			dst[j] = float64(row[at8])
			if row[at8] == missing8 {
				dst[j] = gone
			}
			at8++
		case 32:
			dst[j] = float64(math.Float32frombits(binary.LittleEndian.Uint32(row[at32:])))
			at32 += 4
		default:
			dst[j] = math.Float64frombits(binary.LittleEndian.Uint64(row[at64:]))
			at64 += 8
		}
	}
}
