package fundus

// jpegBits reads the bits of an entropy-coded segment and stops at the marker that ends it.
type jpegBits struct {
	b   []byte
	pos int    // of the next byte not in acc
	acc uint64 // the next bit is the highest of the low n
	n   int
	pad int // how many of the bits are not in the file
}

// fill makes at least 32 bits ready, zeros beyond the end.
func (r *jpegBits) fill() {
	for r.n <= 48 {
		v := byte(0)
		switch {
		case r.pos >= len(r.b) || r.b[r.pos] == 0xFF && (r.pos+1 == len(r.b) || r.b[r.pos+1] != 0):
			r.pad += 8
		case r.b[r.pos] == 0xFF:
			v = 0xFF
			r.pos += 2
		default:
			v = r.b[r.pos]
			r.pos++
		}
		r.acc, r.n = r.acc<<8|uint64(v), r.n+8
	}
}

func (r *jpegBits) skip(n int) {
	if r.n < n {
		r.fill()
	}
	r.n -= n
}

func (r *jpegBits) bits(n int) int {
	if r.n < n {
		r.fill()
	}
	r.n -= n
	return int(r.acc >> r.n & (1<<n - 1))
}

// symbol returns the next symbol of a code, -1 where the bits are none.
func (r *jpegBits) symbol(c *jpegCode) int {
	if r.n < 16 {
		r.fill()
	}
	e := c[r.acc>>(r.n-16)&0xFFFF]
	if e == 0 {
		return -1
	}
	r.n -= int(e >> 8)
	return int(e & 0xFF)
}

// short reports whether bits beyond the end were used.
func (r *jpegBits) short() bool { return r.n < r.pad }

// finish ends a segment and reports whether its bits were used up: all but the last byte's padding, and one
// byte more, which some encoders write.
func (r *jpegBits) finish() bool {
	r.fill()
	ok := r.pad > 0 && r.n >= r.pad && r.n-r.pad < 16
	r.acc, r.n, r.pad = 0, 0, 0
	return ok
}

// jpegCode maps the next 16 bits to length << 8 | symbol of a Huffman code, 0 where no code begins so.
type jpegCode [1 << 16]uint16

// newJPEGCode reads a table as in DHT: the number of codes of each length, then the symbols; nil if invalid.
func newJPEGCode(b []byte) (c *jpegCode, used int) {
	if len(b) < 16 {
		return nil, 0
	}
	c, used = new(jpegCode), 16
	at := 0
	for length := 1; length <= 16; length++ {
		for range b[length-1] {
			end := at + 1<<(16-length)
			if used >= len(b) || end > len(c) {
				return nil, 0
			}
			for ; at < end; at++ {
				c[at] = uint16(length)<<8 | uint16(b[used])
			}
			used++
		}
	}
	return c, used
}
