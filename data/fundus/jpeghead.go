package fundus

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	errSegment = errors.New("a segment is malformed")
	errMarker  = errors.New("it has a marker that does not exist")
	errEnd     = errors.New("its end is missing")
	errQuant   = errors.New("the quantization table of a colour component is missing")
	errHuffman = errors.New("a Huffman table is missing")
	errBlocks  = errors.New("it states more pixels than its data can hold")
)

// An unsupported error says what a file has that is not supported.
type unsupported string

func (u unsupported) Error() string { return string(u) }

// The processes of ITU-T T.81, table B.1, that are not decoded, by their marker.
func otherProcess(marker byte) unsupported {
	switch marker {
	case 0xC3:
		return "lossless coding"
	case 0xC9, 0xCA:
		return "arithmetic coding"
	case 0xCB:
		return "lossless arithmetic coding"
	}
	return "hierarchical coding"
}

// A jpegPart is one colour component of a frame.
type jpegPart struct {
	id, table  byte
	h, v       int         // sampling factors
	cols, rows int         // samples
	w, high    int         // blocks in whole MCUs
	dc, ac     byte        // tables of the scan
	quant      *[64]uint16 // in zigzag order, as it was when the first scan began
	pred       int         // coefficient 0 of the last block
	missing    uint64      // the coefficients that no scan has had
	rough      uint64      // progressive: the coefficients whose last bits are still to come
	coef       []jpegBlock // progressive
	plane      []uint8     // [8 high, 8 w]
	scaled     *[64]int32  // quant in natural order
}

// A jpegBlock has the coefficients of 8 x 8 samples, row by row.
type jpegBlock [64]int16

// A jpegDecoder decodes the Huffman-coded baseline, extended and progressive processes and compares where the
// data of each scan ends with where it should.
type jpegDecoder struct {
	width, height int
	progressive   bool
	parts         []jpegPart
	hmax, vmax    int
	interval      int // MCUs between restarts, 0: none
	quant         [4]*[64]uint16
	dc, ac        [4]*jpegCode
	jfif, adobe   bool
	transform     byte // of colours, in the Adobe marker
	bits          jpegBits
	eobRun        int
	ss, se        int // coefficients of the scan
	low           int // progressive: bits still to come
	refine        bool
}

// jpegSize returns what the frame header states.
func jpegSize(b []byte) (w, h int, err error) {
	d := &jpegDecoder{}
	for at := 2; d.parts == nil; {
		marker, seg, next, err := nextSegment(b, at)
		if err != nil {
			return 0, 0, err
		}
		if marker == markEOI || marker == markSOS {
			return 0, 0, errSegment
		}
		if marker >= 0xC0 && marker <= 0xCF {
			if err := d.segment(marker, seg); err != nil {
				return 0, 0, err
			}
		}
		at = next
	}
	return d.width, d.height, nil
}

const (
	markDHT, markJPG, markDAC = 0xC4, 0xC8, 0xCC
	markSOI, markEOI, markSOS = 0xD8, 0xD9, 0xDA
	markDQT, markDNL, markDRI = 0xDB, 0xDC, 0xDD
	markAPP0, markAPP14       = 0xE0, 0xEE
	markAPP15, markCOM        = 0xEF, 0xFE
)

// nextSegment finds the next marker that has parameters, or the end of the image, and where what follows
// begins. Bytes between segments are passed over, as all decoders do.
func nextSegment(b []byte, at int) (marker byte, seg []byte, next int, err error) {
	for ; at+2 <= len(b); at++ {
		if marker = b[at+1]; b[at] != 0xFF || marker == 0xFF || marker == 0 {
			continue
		}
		if marker == 1 || marker >= 0xD0 && marker <= 0xD7 { // TEM, RST: no parameters
			at++
			continue
		}
		if marker == markEOI {
			return marker, nil, at + 2, nil
		}
		if marker < 0xC0 || marker == markSOI || marker > markDRI && marker < markAPP0 || marker > markAPP15 && marker != markCOM {
			return 0, nil, 0, errMarker
		}
		if at+4 > len(b) {
			break
		}
		n := int(binary.BigEndian.Uint16(b[at+2:]))
		if n < 2 {
			return 0, nil, 0, errSegment
		}
		if at+2+n > len(b) {
			break
		}
		return marker, b[at+4 : at+2+n], at + 2 + n, nil
	}
	return 0, nil, 0, errEnd
}

// segment takes what a marker segment other than a scan's says.
func (d *jpegDecoder) segment(marker byte, seg []byte) error {
	switch {
	case marker == markDHT:
		return d.codes(seg)
	case marker == markDQT:
		return d.quants(seg)
	case marker == markDRI:
		if len(seg) < 2 {
			return errSegment
		}
		d.interval = int(binary.BigEndian.Uint16(seg))
	case marker == markAPP0:
		d.jfif = d.jfif || len(seg) >= 14 && string(seg[:5]) == "JFIF\x00"
	case marker == markAPP14 && len(seg) >= 12 && string(seg[:5]) == "Adobe":
		d.adobe, d.transform = true, seg[11]
	case marker >= 0xC0 && marker <= 0xC2:
		return d.frame(marker, seg)
	case marker >= 0xC3 && marker <= 0xCF && marker != markJPG && marker != markDAC:
		return otherProcess(marker)
	}
	return nil
}

func (d *jpegDecoder) codes(seg []byte) error {
	for len(seg) >= 17 {
		code, used := newJPEGCode(seg[1:])
		if code == nil || seg[0]&15 > 3 || seg[0]>>4 > 1 {
			return errSegment
		}
		if seg[0]>>4 == 0 {
			d.dc[seg[0]&3] = code
		} else {
			d.ac[seg[0]&3] = code
		}
		seg = seg[1+used:]
	}
	return nil
}

func (d *jpegDecoder) quants(seg []byte) error {
	for len(seg) > 0 {
		wide := int(seg[0] >> 4)
		if wide > 1 || seg[0]&15 > 3 || len(seg) < 1+64<<wide {
			return errSegment
		}
		q := new([64]uint16)
		for i := range q {
			if q[i] = uint16(seg[1+i]); wide == 1 {
				q[i] = binary.BigEndian.Uint16(seg[1+2*i:])
			}
		}
		d.quant[seg[0]&3] = q
		seg = seg[1+64<<wide:]
	}
	return nil
}

// frame takes the header of the frame, of which an image has one.
func (d *jpegDecoder) frame(marker byte, seg []byte) error {
	if len(seg) < 6 || len(seg) < 6+3*int(seg[5]) || d.parts != nil {
		return errSegment
	}
	if seg[0] != 8 {
		return unsupported(fmt.Sprintf("samples of %d bits", seg[0]))
	}
	n := int(seg[5])
	if n != 1 && n != 3 && n != 4 {
		return unsupported(fmt.Sprintf("%d colour components, which say nothing of colours", n))
	}
	d.progressive = marker == 0xC2
	d.height, d.width = int(binary.BigEndian.Uint16(seg[1:])), int(binary.BigEndian.Uint16(seg[3:]))
	d.parts, d.hmax, d.vmax = make([]jpegPart, n), 1, 1
	for i := range d.parts {
		s := seg[6+3*i:]
		p := jpegPart{id: s[0], h: int(s[1] >> 4), v: int(s[1] & 15), table: s[2], missing: ^uint64(0)}
		if p.h < 1 || p.h > 4 || p.v < 1 || p.v > 4 || p.table > 3 {
			return errSegment
		}
		d.hmax, d.vmax = max(d.hmax, p.h), max(d.vmax, p.v)
		d.parts[i] = p
	}
	for i := range d.parts {
		p := &d.parts[i]
		if d.hmax%p.h != 0 || d.vmax%p.v != 0 {
			return unsupported(fmt.Sprintf("chroma subsampling of %d x %d samples for %d x %d", p.h, p.v, d.hmax, d.vmax))
		}
		p.cols, p.rows = ceil(d.width*p.h, d.hmax), ceil(d.height*p.v, d.vmax)
		p.w, p.high = p.h*ceil(d.width, 8*d.hmax), p.v*ceil(d.height, 8*d.vmax)
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// bytes returns what decoding takes: each component's samples, of progressive ones also their coefficients, and the pixels twice, as turning copies them.
func (d *jpegDecoder) bytes() int {
	n := 2 * 3 * d.width * d.height
	for _, p := range d.parts {
		n += 64 * p.w * p.high
		if d.progressive {
			n += 2 * 64 * p.w * p.high
		}
	}
	return n
}

// allocate makes room for the pixels, if size bytes can describe so many: a block takes a bit at least.
func (d *jpegDecoder) allocate(size int) error {
	blocks := 0
	for _, p := range d.parts {
		blocks += ceil(p.cols, 8) * ceil(p.rows, 8)
	}
	if blocks > 8*size {
		return errBlocks
	}
	if d.bytes() > maxBytes {
		return unsupported(fmt.Sprintf("an image that takes %d MiB to decode, more than %d", d.bytes()>>20, maxBytes>>20))
	}
	for i := range d.parts {
		p := &d.parts[i]
		p.plane = make([]uint8, 64*p.w*p.high)
		if d.progressive {
			p.coef = make([]jpegBlock, p.w*p.high)
		}
	}
	return nil
}
