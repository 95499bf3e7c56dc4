package fundus

// The two coefficient scans of progressive JPEG: ITU-T T.81, G.1.2.2 and G.1.2.3.

// run reads what a code says of a run that ends the band: false for other symbols.
func (d *jpegDecoder) run(s int) bool {
	if s&15 != 0 || s == 0xF0 {
		return false
	}
	d.eobRun = 1<<(s>>4) + d.bits.bits(s>>4)
	return true
}

// spectral decodes the first scan of a band of one block.
func (d *jpegDecoder) spectral(code *jpegCode, c *jpegBlock) bool {
	if d.eobRun > 0 {
		d.eobRun--
		return true
	}
	for k := d.ss; k <= d.se; k++ {
		s := d.bits.symbol(code)
		if s < 0 {
			return false
		}
		if d.run(s) {
			d.eobRun--
			return true
		}
		k += s >> 4
		if s == 0xF0 {
			continue
		}
		if k > d.se {
			return false
		}
		c[zigzag[k]] = int16(d.bits.extended(s&15) << d.low)
	}
	return true
}

// refined decodes a later scan of a band, one correction bit for each coefficient that is not 0 already.
func (d *jpegDecoder) refined(code *jpegCode, c *jpegBlock) bool {
	k := d.ss
	for ; k <= d.se && d.eobRun == 0; k++ {
		s := d.bits.symbol(code)
		if s < 0 || s&15 > 1 {
			return false
		}
		if d.run(s) {
			break
		}
		fresh := int16(0)
		if s&15 == 1 {
			fresh = int16((2*d.bits.bits(1) - 1) << d.low)
		}
		k = d.pass(k, s>>4, c)
		if fresh != 0 {
			if k > d.se {
				return false
			}
			c[zigzag[k]] = fresh
		}
	}
	if d.eobRun > 0 {
		d.pass(k, 64, c)
		d.eobRun--
	}
	return true
}

// pass corrects coefficients from k on, to the first 0 after zeros more, or past the end, and returns where that is.
func (d *jpegDecoder) pass(k, zeros int, c *jpegBlock) int {
	bit := int16(1) << d.low
	for ; k <= d.se; k++ {
		v := &c[zigzag[k]]
		if *v == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		if d.bits.bits(1) == 1 && *v&bit == 0 {
			if *v > 0 {
				*v += bit
			} else {
				*v -= bit
			}
		}
	}
	return k
}
