package fundus

// pixels interpolates what is subsampled and converts the colours, row by row.
func (d *jpegDecoder) pixels() *RGB {
	out := NewRGB(d.width, d.height)
	rows := make([][]uint8, len(d.parts))
	room := make([][]uint8, len(d.parts))
	for i := range room {
		room[i] = make([]uint8, d.width+4*d.hmax)
	}
	convert := d.conversion()
	for y := range d.height {
		for i := range d.parts {
			p := &d.parts[i]
			rows[i] = p.row(room[i], y, d.hmax/p.h, d.vmax/p.v)[:d.width]
		}
		convert(out.Pix[3*d.width*y:3*d.width*(y+1)], rows)
	}
	return out
}

// line returns the samples of row y, or of the nearest that there is.
func (p *jpegPart) line(y int) []uint8 {
	y = max(0, min(y, p.rows-1))
	return p.plane[8*p.w*y : 8*p.w*y+p.cols]
}

// row returns row y of a component at full size, in room where it has to be made. Two for one are interpolated
// by a triangle, three quarters of the nearer sample and a quarter of the farther one, with libjpeg-turbo's
// rounding and where it does so; all else repeats samples.
func (p *jpegPart) row(room []uint8, y, wide, high int) []uint8 {
	switch {
	case wide == 1 && high == 1:
		return p.line(y)
	case wide == 2 && high == 1 && p.cols > 2:
		p.twiceWide(room, p.line(y))
	case wide == 2 && high == 2 && p.cols > 2:
		p.twiceBoth(room, p.line(y/2), p.line(y/2-1+y%2*2))
	case wide == 1 && high == 2:
		near, far, round := p.line(y/2), p.line(y/2-1+y%2*2), 1+y%2
		far = far[:len(near)]
		for x, v := range near {
			room[x] = uint8((3*int(v) + int(far[x]) + round) >> 2)
		}
	default:
		for x, v := range p.line(y / high) {
			for i := range wide {
				room[wide*x+i] = v
			}
		}
	}
	return room
}

func (p *jpegPart) twiceWide(out, in []uint8) {
	last := len(in) - 1
	out = out[:2*len(in)]
	out[0], out[1] = in[0], uint8((3*int(in[0])+int(in[1])+2)>>2)
	left, here := int(in[0]), int(in[1])
	for x := 1; x < last; x++ {
		right, o := int(in[x+1]), out[2*x:2*x+2:2*x+2]
		o[0], o[1] = uint8((3*here+left+1)>>2), uint8((3*here+right+2)>>2)
		left, here = here, right
	}
	out[2*last], out[2*last+1] = uint8((3*here+left+1)>>2), in[last]
}

func (p *jpegPart) twiceBoth(out, near, far []uint8) {
	far = far[:len(near)]
	last := len(near) - 1
	out = out[:2*len(near)]
	left, here := 3*int(near[0])+int(far[0]), 3*int(near[1])+int(far[1])
	out[0], out[1] = uint8((4*left+8)>>4), uint8((3*left+here+7)>>4)
	for x := 1; x < last; x++ {
		right, o := 3*int(near[x+1])+int(far[x+1]), out[2*x:2*x+2:2*x+2]
		o[0], o[1] = uint8((3*here+left+8)>>4), uint8((3*here+right+7)>>4)
		left, here = here, right
	}
	out[2*last], out[2*last+1] = uint8((3*here+left+8)>>4), uint8((4*here+7)>>4)
}

// conversion returns what makes pixels of rows of components. Which colours they are follows from the markers
// of JFIF and Adobe, then from the components' names, as in libjpeg.
func (d *jpegDecoder) conversion() func(out []uint8, rows [][]uint8) {
	switch {
	case len(d.parts) == 1:
		return fromGreyRow
	case len(d.parts) == 4 && d.adobe && d.transform != 0:
		return fromYCCKRow
	case len(d.parts) == 4:
		return fromCMYKRow
	case d.jfif:
		return fromYCCRow
	case d.adobe && d.transform == 0, !d.adobe && d.parts[0].id == 'R' && d.parts[1].id == 'G' && d.parts[2].id == 'B':
		return fromRGBRow
	}
	return fromYCCRow
}

func fromGreyRow(out []uint8, rows [][]uint8) {
	for x, v := range rows[0] {
		o := out[3*x : 3*x+3 : 3*x+3]
		o[0], o[1], o[2] = v, v, v
	}
}

func fromRGBRow(out []uint8, rows [][]uint8) {
	for x := range rows[0] {
		out[3*x], out[3*x+1], out[3*x+2] = rows[0][x], rows[1][x], rows[2][x]
	}
}

func fromYCCRow(out []uint8, rows [][]uint8) {
	n := len(rows[0])
	ys, bs, rs := rows[0], rows[1][:n], rows[2][:n]
	for x, y := range ys {
		o := out[3*x : 3*x+3 : 3*x+3]
		o[0], o[1], o[2] = fromYCC(y, bs[x], rs[x])
	}
}

// fromYCC converts the colours of JFIF 1.02 with multipliers of 16 bits after the point, as libjpeg.
func fromYCC(y, cb, cr uint8) (r, g, b uint8) {
	const half = 1 << 15
	l, u, v := int(y), int(cb)-128, int(cr)-128
	return clamp8(l + (91881*v+half)>>16), clamp8(l + (half-22554*u-46802*v)>>16), clamp8(l + (116130*u+half)>>16)
}

// fromCMYKRow takes inks as Adobe's programs write them, 0 for all of it, with or without their marker.
func fromCMYKRow(out []uint8, rows [][]uint8) {
	for x := range rows[0] {
		for c := range 3 {
			out[3*x+c] = ink(rows[c][x], rows[3][x])
		}
	}
}

func fromYCCKRow(out []uint8, rows [][]uint8) {
	for x := range rows[0] {
		r, g, b := fromYCC(rows[0][x], rows[1][x], rows[2][x])
		k := rows[3][x]
		out[3*x], out[3*x+1], out[3*x+2] = ink(255-r, k), ink(255-g, k), ink(255-b, k)
	}
}

// ink returns what light a paper reflects that has 255-c of a colour and 255-k of black on it.
func ink(c, k uint8) uint8 {
	t := int(255-c)*int(k) + 128
	return uint8(int(k) - (t+t>>8)>>8)
}
