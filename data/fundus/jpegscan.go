package fundus

import "errors"

// What other decoders let pass: they fill what is missing with grey and skip what is too much.
var (
	errScanCode  = errors.New("the compressed data has a code that does not exist")
	errScanShort = errors.New("the compressed data ends before the image does")
	errScanLong  = errors.New("the image ends before the compressed data does")
	errScanMark  = errors.New("a restart marker is missing")
	errScanPart  = errors.New("a colour component or the last bits of one are missing")
	errScanHead  = errors.New("the header of a scan is malformed")
)

// jpegDecode decodes a JPEG, to the pixels that libjpeg-turbo makes of it. It finds data that was overwritten,
// cut out or lost: each scan must decode to exactly its number of blocks.
func jpegDecode(b []byte) (*RGB, error) {
	d := &jpegDecoder{}
	for at := 2; ; {
		marker, seg, next, err := nextSegment(b, at)
		if err != nil {
			return nil, err
		}
		switch marker {
		case markEOI:
			return d.finish()
		case markSOS:
			next, err = d.scan(seg, b, next)
		default:
			err = d.segment(marker, seg)
		}
		if err != nil {
			return nil, err
		}
		at = next
	}
}

// finish makes the pixels once all scans are read.
func (d *jpegDecoder) finish() (*RGB, error) {
	if d.parts == nil {
		return nil, errEnd
	}
	for i := range d.parts {
		p := &d.parts[i]
		if p.missing != 0 || p.rough != 0 {
			return nil, errScanPart
		}
		for at := range p.coef {
			p.transform(&p.coef[at], at, 63)
		}
		p.coef = nil
	}
	return d.pixels(), nil
}

// scan decodes one scan from b[at:] and returns where it ends.
func (d *jpegDecoder) scan(seg, b []byte, at int) (int, error) {
	if d.parts == nil {
		return 0, errScanHead
	}
	parts, err := d.choose(seg)
	if err != nil {
		return 0, err
	}
	if d.parts[0].plane == nil {
		if err := d.allocate(len(b)); err != nil {
			return 0, err
		}
	}
	d.bits = jpegBits{b: b, pos: at}
	d.begin()
	wide, high := ceil(d.width, 8*d.hmax), ceil(d.height, 8*d.vmax)
	if len(parts) == 1 { // not interleaved: the blocks that have pixels
		wide, high = ceil(parts[0].cols, 8), ceil(parts[0].rows, 8)
	}
	due := d.interval
	restarts := 0
	for y := range high {
		for x := range wide {
			if d.interval > 0 && due == 0 {
				if err := d.restart(byte(restarts) & 7); err != nil {
					return 0, err
				}
				due, restarts = d.interval, restarts+1
			}
			due--
			if err := d.unit(parts, x, y); err != nil {
				return 0, err
			}
		}
	}
	return d.bits.pos, d.endInterval()
}

// endInterval expects that what was read is all that there is, up to the next marker.
func (d *jpegDecoder) endInterval() error {
	if d.eobRun > 0 {
		return errScanLong
	}
	return d.bits.finish()
}

// begin starts an interval.
func (d *jpegDecoder) begin() {
	d.eobRun = 0
	for i := range d.parts {
		d.parts[i].pred = 0
	}
}

// restart expects the marker RST<number> and begins the next interval.
func (d *jpegDecoder) restart(number byte) error {
	if err := d.endInterval(); err != nil {
		return err
	}
	b, i := d.bits.b, d.bits.pos
	for i+1 < len(b) && b[i] == 0xFF && b[i+1] == 0xFF {
		i++
	}
	if i+1 >= len(b) || b[i+1] != 0xD0+number {
		return errScanMark
	}
	d.bits.pos = i + 2
	d.begin()
	return nil
}

// choose sets the scan's components, tables and coefficients.
func (d *jpegDecoder) choose(seg []byte) ([]*jpegPart, error) {
	if len(seg) < 1 || seg[0] < 1 || int(seg[0]) > len(d.parts) || len(seg) < 4+2*int(seg[0]) {
		return nil, errScanHead
	}
	n := int(seg[0])
	var parts []*jpegPart
	taken := 0
	for s := seg[1 : 1+2*n]; len(s) > 0; s = s[2:] {
		for i := range d.parts {
			if p := &d.parts[i]; p.id == s[0] && taken>>i&1 == 0 {
				p.dc, p.ac = s[1]>>4&3, s[1]&3
				parts, taken = append(parts, p), taken|1<<i
				break
			}
		}
	}
	if len(parts) != n {
		return nil, errScanHead
	}
	d.ss, d.se, d.refine, d.low = 0, 63, false, 0
	if d.progressive {
		tail := seg[1+2*n:]
		d.ss, d.se, d.refine, d.low = int(tail[0]), int(tail[1]), tail[2]>>4 != 0, int(tail[2]&15)
		if d.ss > d.se || d.se > 63 || d.low > 13 || d.ss == 0 && d.se != 0 || d.ss > 0 && n > 1 {
			return nil, errScanHead
		}
	} else {
		d.standardCodes()
	}
	for _, p := range parts {
		if err := d.prepare(p); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// prepare looks for the tables that the scan needs of a component, and notes which coefficients it brings.
func (d *jpegDecoder) prepare(p *jpegPart) error {
	if p.quant == nil {
		if p.quant = d.quant[p.table]; p.quant == nil {
			return errQuant
		}
		p.scaled = natural(p.quant)
	}
	if d.ss == 0 && !d.refine && d.dc[p.dc] == nil || d.se > 0 && d.ac[p.ac] == nil {
		return errHuffman
	}
	band := ^uint64(0) << d.ss & (^uint64(0) >> (63 - d.se))
	if d.refine && p.missing&band != 0 || !d.refine && d.progressive && p.missing&band != band {
		return errScanHead
	}
	p.missing &^= band
	if p.rough &^= band; d.low > 0 {
		p.rough |= band
	}
	return nil
}

// unit decodes the blocks of the MCU in column x and row y.
func (d *jpegDecoder) unit(parts []*jpegPart, x, y int) error {
	if len(parts) == 1 {
		return d.block(parts[0], y*parts[0].w+x)
	}
	for _, p := range parts {
		for j := range p.v {
			for i := range p.h {
				if err := d.block(p, (y*p.v+j)*p.w+x*p.h+i); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// block decodes what the scan has of block number at of a component.
func (d *jpegDecoder) block(p *jpegPart, at int) error {
	ok := true
	switch {
	case !d.progressive:
		var c jpegBlock
		var last int
		if last, ok = d.sequential(p, &c); ok {
			p.transform(&c, at, last)
		}
	case d.ss == 0 && d.refine:
		p.coef[at][0] |= int16(d.bits.bits(1) << d.low)
	case d.ss == 0:
		ok = d.first(p, &p.coef[at])
	case d.refine:
		ok = d.refined(d.ac[p.ac], &p.coef[at])
	default:
		ok = d.spectral(d.ac[p.ac], &p.coef[at])
	}
	if !ok {
		return errScanCode
	}
	if d.bits.beyond() {
		return errScanShort
	}
	return nil
}

// first decodes coefficient 0, of which the file has the difference to the block before.
func (d *jpegDecoder) first(p *jpegPart, c *jpegBlock) bool {
	s := d.bits.symbol(d.dc[p.dc])
	if s < 0 || s > 15 {
		return false
	}
	p.pred += d.bits.extended(s)
	c[0] = int16(p.pred << d.low)
	return true
}

// sequential decodes a block and returns its last coefficient that is not 0 (ITU-T T.81, F.2.2.2).
func (d *jpegDecoder) sequential(p *jpegPart, c *jpegBlock) (last int, ok bool) {
	if !d.first(p, c) {
		return 0, false
	}
	code := d.ac[p.ac]
	for k := 1; k < 64; k++ {
		s := d.bits.symbol(code)
		if s <= 0 {
			return last, s == 0
		}
		k += s >> 4
		n := s & 15
		if n == 0 {
			if s != 0xF0 { // runs are for progressive files; others take it for the end of the block
				return last, true
			}
			continue
		}
		if k > 63 {
			return 0, false
		}
		last = k
		c[zigzag[k]] = int16(d.bits.extended(n))
	}
	return last, true
}
