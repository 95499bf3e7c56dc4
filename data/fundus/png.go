package fundus

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

var (
	errChunk   = errors.New("a chunk is malformed")
	errPalette = errors.New("the palette is missing")
	errFilter  = errors.New("a row has a filter that does not exist")
)

const pngSurplus = 1 << 20 // bytes of pixels beyond the last that are passed over

// A pngImage is what the chunks of a PNG say.
type pngImage struct {
	width, height int
	depth, kind   int // bits of a sample; colour type
	interlaced    bool
	palette       []byte
	data          [][]byte
}

// The colour types of a PNG (ISO/IEC 15948, 11.2.2).
const (
	pngGrey, pngColour, pngIndexed = 0, 2, 3
	pngGreyAlpha, pngColourAlpha   = 4, 6
)

// pngSize returns what the header states.
func pngSize(b []byte) (w, h int, err error) {
	m := &pngImage{}
	name, body, _, err := nextChunk(b, 8)
	if err != nil {
		return 0, 0, err
	}
	if err := m.header(name, body); err != nil {
		return 0, 0, err
	}
	return m.width, m.height, nil
}

// nextChunk returns the chunk at b[at:] and where the next one is. The checksum of what an image needs must be
// right. Other chunks have no name where theirs is wrong: like libpng, nothing reads them.
func nextChunk(b []byte, at int) (name string, body []byte, next int, err error) {
	if at+12 > len(b) {
		return "", nil, 0, errEnd
	}
	n := int(binary.BigEndian.Uint32(b[at:]))
	if n > len(b)-at-12 {
		return "", nil, 0, errEnd
	}
	name, body, next = string(b[at+4:at+8]), b[at+8:at+8+n], at+12+n
	if crc32.ChecksumIEEE(b[at+4:at+8+n]) == binary.BigEndian.Uint32(b[next-4:]) {
		return name, body, next, nil
	}
	if name[0]&0x20 == 0 {
		return "", nil, 0, fmt.Errorf("the checksum of its chunk %q is wrong", name)
	}
	return "", nil, next, nil
}

// pngDecode decodes a PNG: the default image of an animated one, without its transparency.
func pngDecode(b []byte) (*RGB, error) {
	m := &pngImage{}
	for at := 8; ; {
		name, body, next, err := nextChunk(b, at)
		if err != nil {
			return nil, err
		}
		switch {
		case at == 8:
			err = m.header(name, body)
		case name == "PLTE":
			m.palette = body
		case name == "IDAT":
			m.data = append(m.data, body)
		case name == "IEND":
			return m.pixels()
		case name != "" && name[0]&0x20 == 0:
			err = unsupported(fmt.Sprintf("a chunk %q, which is not of the standard", name))
		}
		if err != nil {
			return nil, err
		}
		at = next
	}
}

func (m *pngImage) header(name string, b []byte) error {
	if name == "CgBI" {
		return unsupported("a chunk \"CgBI\": Apple's form of PNG for apps")
	}
	if name != "IHDR" || len(b) != 13 || b[10] != 0 || b[11] != 0 || b[12] > 1 {
		return errChunk
	}
	w, h := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	m.width, m.height = int(w), int(h)
	m.depth, m.kind, m.interlaced = int(b[8]), int(b[9]), b[12] == 1
	depths := map[int]int{pngGrey: 1 | 2 | 4 | 8 | 16, pngColour: 8 | 16, pngIndexed: 1 | 2 | 4 | 8, pngGreyAlpha: 8 | 16, pngColourAlpha: 8 | 16}[m.kind]
	if depths&m.depth == 0 || m.depth&(m.depth-1) != 0 {
		return errChunk
	}
	return nil
}

// samples returns how many values a pixel has in the file.
func (m *pngImage) samples() int {
	return map[int]int{pngGrey: 1, pngColour: 3, pngIndexed: 1, pngGreyAlpha: 2, pngColourAlpha: 4}[m.kind]
}

// A pngPass is a part of the image: every dx-th pixel of every dy-th row.
type pngPass struct{ x, y, dx, dy int }

func (m *pngImage) passes() []pngPass {
	if !m.interlaced {
		return []pngPass{{0, 0, 1, 1}}
	}
	return []pngPass{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
}

// pixels decompresses the image.
func (m *pngImage) pixels() (*RGB, error) {
	if m.kind == pngIndexed && len(m.palette) < 3 {
		return nil, errPalette
	}
	size, readers := 0, make([]io.Reader, len(m.data))
	for i, d := range m.data {
		size, readers[i] = size+len(d), bytes.NewReader(d)
	}
	bits := m.samples() * m.depth
	if ceil(m.width*bits, 8)*m.height > 1040*(size+64) { // deflate makes at most 1032 bytes of one
		return nil, errScanShort
	}
	z, err := zlib.NewReader(io.MultiReader(readers...))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	out := NewRGB(m.width, m.height)
	for _, p := range m.passes() {
		if w, h := ceil(m.width-p.x, p.dx), ceil(m.height-p.y, p.dy); w > 0 && h > 0 {
			if err := m.pass(z, out, p, w, h); err != nil {
				return nil, err
			}
		}
	}
	n, err := io.CopyN(io.Discard, z, pngSurplus+1) // to the checksum at the end
	if n > pngSurplus {
		return nil, errScanLong
	}
	if err != io.EOF {
		return nil, err
	}
	return out, nil
}

// pass reads the w x h pixels of a pass.
func (m *pngImage) pass(z io.Reader, out *RGB, p pngPass, w, h int) error {
	bits := m.samples() * m.depth
	n, step := ceil(w*bits, 8), max(1, bits/8)
	rows := [2][]byte{make([]byte, n+1), make([]byte, n+1)}
	wide := make([]byte, 3*w)
	for y := range h {
		row, above := rows[y&1], rows[1-y&1]
		if _, err := io.ReadFull(z, row); err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = errScanShort
			}
			return err
		}
		if !unfilter(row[0], row[1:], above[1:], step) {
			return errFilter
		}
		at := 3 * ((p.y+y*p.dy)*m.width + p.x)
		if p.dx == 1 {
			m.expand(out.Pix[at:at+3*w], row[1:])
			continue
		}
		m.expand(wide, row[1:])
		for x := range w {
			copy(out.Pix[at+3*x*p.dx:], wide[3*x:3*x+3])
		}
	}
	return nil
}

// unfilter undoes the filter of a row (ISO/IEC 15948, 9.2) with pixels of step bytes; false if there is no such filter.
func unfilter(filter byte, row, above []byte, step int) bool {
	switch filter {
	case 0:
	case 1:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	case 2:
		for i, v := range above {
			row[i] += v
		}
	case 3:
		for i, v := range above[:min(step, len(row))] {
			row[i] += v / 2
		}
		for i := step; i < len(row); i++ {
			row[i] += uint8((int(row[i-step]) + int(above[i])) / 2)
		}
	case 4:
		for c := range min(step, len(row)) {
			left, corner := 0, 0
			for i := c; i < len(row); i += step {
				up := int(above[i])
				left = int(row[i] + paeth(left, up, corner))
				row[i], corner = uint8(left), up
			}
		}
	default:
		return false
	}
	return true
}

// paeth returns which of the left, upper and upper left value is nearest to left + up - corner.
func paeth(left, up, corner int) uint8 {
	l, u := up-corner, left-corner
	c := l + u
	l, u, c = max(l, -l), max(u, -u), max(c, -c)
	if l <= u && l <= c {
		return uint8(left)
	}
	if u <= c {
		return uint8(up)
	}
	return uint8(corner)
}
