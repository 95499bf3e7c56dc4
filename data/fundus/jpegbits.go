package fundus

import (
	"encoding/binary"
	"math/bits"
)

// jpegBits reads the bits of an entropy-coded segment and stops at the marker that ends it.
type jpegBits struct {
	b   []byte
	pos int    // of the next byte not in acc
	acc uint64 // the next bit is the highest of the low n
	n   int
	pad int // how many of the bits are not in the file
}

// fill makes at least 49 bits ready, zeros beyond the end.
func (r *jpegBits) fill() {
	if r.pos+8 <= len(r.b) {
		v := binary.BigEndian.Uint64(r.b[r.pos:])
		if (^v-0x0101010101010101)&v&0x8080808080808080 == 0 { // no byte is 0xFF
			take := (64 - r.n) &^ 7
			r.acc = r.acc<<take | v>>(64-take)
			r.pos, r.n = r.pos+take/8, r.n+take
			return
		}
	}
	r.fillSlowly()
}

func (r *jpegBits) fillSlowly() {
	for r.n <= 48 {
		v, next := r.peek()
		if next == r.pos {
			r.pad += 8
		}
		r.pos, r.acc, r.n = next, r.acc<<8|uint64(v), r.n+8
	}
}

// peek returns the next byte of data and where the one after it is, or 0 and r.pos before a marker and at the
// end: 0xFF is written FF 00, and any number of FF may stand before either (ITU-T T.81, B.1.1.2 and B.1.1.5).
func (r *jpegBits) peek() (v byte, next int) {
	at := r.pos
	if at < len(r.b) && r.b[at] != 0xFF {
		return r.b[at], at + 1
	}
	for at < len(r.b) && r.b[at] == 0xFF {
		at++
	}
	if at < len(r.b) && at > r.pos && r.b[at] == 0 {
		return 0xFF, at + 1
	}
	return 0, r.pos
}

// bits returns the next n of at most 16 bits.
func (r *jpegBits) bits(n int) int {
	if r.n < n {
		r.fill()
	}
	r.n -= n
	return int(r.acc >> r.n & (1<<n - 1))
}

// extended returns a value of n bits, those that begin with 0 being negative (ITU-T T.81, F.2.2.1).
func (r *jpegBits) extended(n int) int {
	v := r.bits(n)
	return v - (1<<n-1)&((v>>max(n-1, 0))-1)
}

// symbol returns the next symbol of a code, -1 where the bits are none. 16 bits of value are ready after it.
func (r *jpegBits) symbol(c *jpegCode) int {
	if r.n < 32 {
		r.fill()
	}
	if e := c.short[r.acc>>(r.n-shortCode)&(1<<shortCode-1)]; e != 0 {
		r.n -= int(e >> 8)
		return int(e & 0xFF)
	}
	return r.longSymbol(c)
}

func (r *jpegBits) longSymbol(c *jpegCode) int {
	v := int32(r.acc >> (r.n - 16) & 0xFFFF)
	for length := shortCode + 1; length <= 16; length++ {
		if v < c.end[length] {
			r.n -= length
			return int(c.symbols[v>>(16-length)-c.shift[length]])
		}
	}
	return -1
}

// beyond reports whether bits beyond the end were used.
func (r *jpegBits) beyond() bool { return r.n < r.pad }

// Bytes between the last block of a scan and the marker after it, which some encoders write: these may be
// anything, those only zeros behind a byte that the encoder filled with ones, as all do. More, or others, are
// blocks that were lost.
const (
	spareBytes = 16
	spareZeros = 4096
)

// finish ends a segment and passes over spare bytes, if that is all that was left before the next marker.
func (r *jpegBits) finish() error {
	r.fill()
	left := max(r.n-r.pad, 0)
	tail := r.acc >> r.pad & (1<<left - 1)
	spare, part := left/8, left%8
	filled := part > 0 && bits.OnesCount64(tail>>(8*spare)) == part
	zeros := tail&(1<<(8*spare)-1) == 0
	for v, next := r.peek(); next > r.pos; v, next = r.peek() {
		zeros = zeros && v == 0
		spare, r.pos = spare+1, next
		if spare > spareZeros {
			return errScanLong
		}
	}
	r.acc, r.n, r.pad = 0, 0, 0
	switch {
	case spare > spareBytes && !(zeros && filled):
		return errScanLong
	case r.pos+1 >= len(r.b):
		return errEnd
	}
	return nil
}

const shortCode = 10 // bits of the codes that are looked up at once

// A jpegCode is a Huffman code.
type jpegCode struct {
	short   [1 << shortCode]uint16 // length << 8 | symbol of what the next bits begin with, 0: a longer code or none
	end     [17]int32              // of each length: the first 16 bits that no code of up to this length begins
	shift   [17]int32              // of each length: its first code less the place of its symbol
	symbols []byte
}

// read takes a table as in DHT, in the place of what c was: the number of codes of each length, then the symbols. It returns how many
// bytes that is, 0 if they are invalid. A file may define a table any number of times, which takes no more memory than once.
func (c *jpegCode) read(b []byte) (used int) {
	if len(b) < 16 {
		return 0
	}
	*c, used = jpegCode{}, 16
	next, place := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		n := int32(b[length-1])
		if used += int(n); used > len(b) || next+n > 1<<length {
			return 0
		}
		c.shift[length] = next - place
		for i := range n {
			if length <= shortCode {
				from := int(next+i) << (shortCode - length)
				for at := range 1 << (shortCode - length) {
					c.short[from+at] = uint16(length)<<8 | uint16(b[16+place+i])
				}
			}
		}
		next, place = next+n, place+n
		c.end[length] = next << (16 - length)
		next <<= 1
	}
	c.symbols = b[16:used]
	return used
}
