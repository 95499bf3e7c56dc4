package fundus

import "encoding/binary"

// expand makes RGB of the samples of a row: grey and palettes as colours, 16 bits rounded to 8, transparency left out.
func (m *pngImage) expand(out, row []byte) {
	switch {
	case m.depth < 8:
		m.expandBits(out, row)
	case m.kind == pngColour && m.depth == 8:
		copy(out, row)
	case m.kind == pngGrey && m.depth == 8:
		for x, v := range row {
			o := out[3*x : 3*x+3 : 3*x+3]
			o[0], o[1], o[2] = v, v, v
		}
	case m.kind == pngIndexed:
		for x, v := range row {
			m.look(out[3*x:], int(v))
		}
	case m.depth == 8:
		m.expandBytes(out, row)
	default:
		m.expandWords(out, row)
	}
}

// expandBits takes samples of less than a byte, the first in the highest bits.
func (m *pngImage) expandBits(out, row []byte) {
	most := 1<<m.depth - 1
	for x := range len(out) / 3 {
		at := x * m.depth
		v := int(row[at/8]) >> (8 - m.depth - at%8) & most
		if m.kind == pngIndexed {
			m.look(out[3*x:], v)
			continue
		}
		v = v * 255 / most
		out[3*x], out[3*x+1], out[3*x+2] = uint8(v), uint8(v), uint8(v)
	}
}

// look writes a colour of the palette, black where there is none, as libpng does.
func (m *pngImage) look(out []byte, i int) {
	out = out[:3:3]
	clear(out)
	if 3*i+3 <= len(m.palette) {
		copy(out, m.palette[3*i:3*i+3])
	}
}

func (m *pngImage) expandBytes(out, row []byte) {
	step := m.samples()
	g, b := 1, 2
	if step < 3 {
		g, b = 0, 0
	}
	for x := range len(out) / 3 {
		o, in := out[3*x:3*x+3:3*x+3], row[step*x:step*x+step:step*x+step]
		o[0], o[1], o[2] = in[0], in[g], in[b]
	}
}

func (m *pngImage) expandWords(out, row []byte) {
	step := m.samples()
	for x := range len(out) / 3 {
		for c := range 3 {
			at := step * x
			if step >= 3 {
				at += c
			}
			out[3*x+c] = to8(uint32(binary.BigEndian.Uint16(row[2*at:])))
		}
	}
}

// to8 is round(v * 255 / 65535) for all 16-bit v, as libpng's png_set_scale_16.
func to8(v uint32) uint8 { return uint8((v*255 + 32895) >> 16) }
