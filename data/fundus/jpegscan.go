package fundus

import (
	"encoding/binary"
	"errors"
)

// What image/jpeg lets pass: it fills what is missing with grey and skips what is too much.
var (
	errScanCode  = errors.New("the compressed data has a code that does not exist")
	errScanShort = errors.New("the compressed data ends before the image does")
	errScanLong  = errors.New("the image ends before the compressed data does")
	errScanMark  = errors.New("a restart marker is missing")
	errScanPart  = errors.New("a colour component or the last bits of one are missing")
)

// jpegPart is one component of a frame.
type jpegPart struct {
	id     byte
	h, v   int      // sampling factors
	w      int      // blocks in a row, whole MCUs
	dc, ac byte     // tables of the scan
	seen   bool     // in a scan that begins at coefficient 0
	rough  uint64   // progressive: the coefficients whose last bits are still to come
	mask   []uint64 // progressive: the coefficients of each block that are not 0
}

// A jpegCheck walks the entropy-coded data of a JPEG and compares where it ends with where it should.
type jpegCheck struct {
	width, height int
	progressive   bool
	parts         []jpegPart
	hmax, vmax    int
	interval      int // MCUs between restarts, 0: none
	dc, ac        [4]*jpegCode
	bits          jpegBits
	eobRun        int
	ss, se        int // coefficients of the scan
	refine        bool
}

// verifyJPEG finds data that was overwritten, cut out or lost inside a JPEG: each scan must decode to
// exactly its number of blocks. It knows the Huffman-coded baseline, extended and progressive processes;
// other files it leaves to the decoder.
func verifyJPEG(b []byte) error {
	c := &jpegCheck{}
	for i := 2; i+4 <= len(b); {
		if b[i] != 0xFF || b[i+1] == 0xFF || b[i+1] == 0 {
			i++ // fill, or bytes between segments, which decoders pass over
			continue
		}
		marker, n := b[i+1], int(binary.BigEndian.Uint16(b[i+2:]))
		if marker == 0xD9 || n < 2 || i+2+n > len(b) {
			break
		}
		seg := b[i+4 : i+2+n]
		i += 2 + n
		if marker != 0xDA {
			c.segment(marker, seg)
			continue
		}
		end, err := c.scan(seg, b, i)
		if err != nil || end == 0 {
			return err
		}
		i = end
	}
	for _, p := range c.parts {
		if !p.seen || p.rough != 0 {
			return errScanPart
		}
	}
	return nil
}

// segment takes what the scans need; what is malformed is left for the decoder to refuse.
func (c *jpegCheck) segment(marker byte, seg []byte) {
	switch {
	case marker == 0xC4:
		c.tables(seg)
	case marker == 0xDD && len(seg) >= 2:
		c.interval = int(binary.BigEndian.Uint16(seg))
	case marker >= 0xC0 && marker <= 0xC2 && len(seg) >= 6 && len(seg) >= 6+3*int(seg[5]):
		c.progressive = marker == 0xC2
		c.frame(seg)
	}
}

func (c *jpegCheck) tables(seg []byte) {
	for len(seg) > 17 {
		code, used := newJPEGCode(seg[1:])
		if code == nil {
			return
		}
		if to := seg[0] & 3; seg[0]>>4 == 0 {
			c.dc[to] = code
		} else {
			c.ac[to] = code
		}
		seg = seg[1+used:]
	}
}

func (c *jpegCheck) frame(seg []byte) {
	c.height, c.width = int(binary.BigEndian.Uint16(seg[1:])), int(binary.BigEndian.Uint16(seg[3:]))
	c.parts, c.hmax, c.vmax = nil, 1, 1
	for s := seg[6 : 6+3*int(seg[5])]; len(s) > 0; s = s[3:] {
		p := jpegPart{id: s[0], h: max(1, int(s[1]>>4)), v: max(1, int(s[1]&15))}
		c.hmax, c.vmax = max(c.hmax, p.h), max(c.vmax, p.v)
		c.parts = append(c.parts, p)
	}
	for i := range c.parts {
		p := &c.parts[i]
		p.w = p.h * ceil(c.width, 8*c.hmax)
		if c.progressive {
			p.mask = make([]uint64, p.w*p.v*ceil(c.height, 8*c.vmax))
		}
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }

// scan walks one scan from b[at:] and returns where it ends, 0 where it cannot be followed.
func (c *jpegCheck) scan(seg, b []byte, at int) (int, error) {
	parts := c.choose(seg)
	if parts == nil {
		return 0, nil
	}
	c.bits, c.eobRun = jpegBits{b: b, pos: at}, 0
	wide, high := ceil(c.width, 8*c.hmax), ceil(c.height, 8*c.vmax)
	if len(parts) == 1 { // not interleaved: the blocks that have pixels
		p := parts[0]
		wide, high = ceil(ceil(c.width*p.h, c.hmax), 8), ceil(ceil(c.height*p.v, c.vmax), 8)
	}
	for m := range wide * high {
		if c.interval > 0 && m > 0 && m%c.interval == 0 {
			if err := c.restart(byte(m/c.interval-1) & 7); err != nil {
				return 0, err
			}
		}
		if err := c.unit(parts, m%wide, m/wide); err != nil {
			return 0, err
		}
	}
	if c.eobRun > 0 || !c.bits.finish() {
		return 0, errScanLong
	}
	return c.bits.pos, nil
}

// choose sets the scan's components, tables and coefficients; nil where the header is not understood.
func (c *jpegCheck) choose(seg []byte) []*jpegPart {
	if len(seg) < 1 || len(seg) < 4+2*int(seg[0]) {
		return nil
	}
	var parts []*jpegPart
	for s := seg[1 : 1+2*int(seg[0])]; len(s) > 0; s = s[2:] {
		for i := range c.parts {
			if p := &c.parts[i]; p.id == s[0] {
				p.dc, p.ac = s[1]>>4&3, s[1]&3
				parts = append(parts, p)
			}
		}
	}
	tail := seg[1+2*int(seg[0]):]
	c.ss, c.se, c.refine = 0, 63, false
	low := byte(0)
	if c.progressive {
		c.ss, c.se, c.refine, low = int(tail[0]), min(63, int(tail[1])), tail[2]>>4 != 0, tail[2]&15
	}
	for _, p := range parts {
		p.seen = p.seen || c.ss == 0
		band := ^uint64(0) << c.ss & (^uint64(0) >> (63 - c.se))
		if p.rough &^= band; low > 0 {
			p.rough |= band
		}
		if c.ss == 0 && !c.refine && c.dc[p.dc] == nil || c.se > 0 && c.ac[p.ac] == nil {
			return nil
		}
	}
	return parts
}

// restart expects the marker RST<number> and begins the next interval.
func (c *jpegCheck) restart(number byte) error {
	if c.eobRun > 0 || !c.bits.finish() {
		return errScanLong
	}
	b, i := c.bits.b, c.bits.pos
	for i+1 < len(b) && b[i] == 0xFF && b[i+1] == 0xFF {
		i++
	}
	if i+1 >= len(b) || b[i+1] != 0xD0+number {
		return errScanMark
	}
	c.bits.pos = i + 2
	return nil
}

// unit walks the blocks of the MCU in column x and row y.
func (c *jpegCheck) unit(parts []*jpegPart, x, y int) error {
	if len(parts) == 1 {
		return c.block(parts[0], y*parts[0].w+x)
	}
	for _, p := range parts {
		for j := range p.h * p.v {
			if err := c.block(p, (y*p.v+j/p.h)*p.w+x*p.h+j%p.h); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *jpegCheck) block(p *jpegPart, at int) error {
	ok := true
	switch {
	case !c.progressive:
		ok = c.first(c.dc[p.dc]) && c.sequential(c.ac[p.ac])
	case c.ss == 0 && c.refine:
		c.bits.skip(1)
	case c.ss == 0:
		ok = c.first(c.dc[p.dc])
	case c.refine:
		ok = c.refined(c.ac[p.ac], &p.mask[at])
	default:
		ok = c.spectral(c.ac[p.ac], &p.mask[at])
	}
	if !ok {
		return errScanCode
	}
	if c.bits.short() {
		return errScanShort
	}
	return nil
}

// first walks the difference of coefficient 0.
func (c *jpegCheck) first(code *jpegCode) bool {
	s := c.bits.symbol(code)
	if s < 0 || s > 16 {
		return false
	}
	c.bits.skip(s)
	return true
}

// sequential walks coefficients 1 to 63 of a baseline block (ITU-T T.81, F.2.2.2).
func (c *jpegCheck) sequential(code *jpegCode) bool {
	for k := 1; k < 64; k++ {
		s := c.bits.symbol(code)
		switch {
		case s < 0:
			return false
		case s == 0:
			return true
		}
		k += s >> 4
		c.bits.skip(s & 15)
		if k > 63 && s != 0xF0 {
			return false
		}
	}
	return true
}
