package fundus

// The two coefficient scans of progressive JPEG: ITU-T T.81, G.1.2.2 and G.1.2.3.

// run reads what a code says of a run that ends the band: false for other symbols.
func (c *jpegCheck) run(s int) bool {
	if s&15 != 0 || s == 0xF0 {
		return false
	}
	c.eobRun = 1<<(s>>4) + c.bits.bits(s>>4)
	return true
}

// spectral walks the first scan of a band of one block.
func (c *jpegCheck) spectral(code *jpegCode, mask *uint64) bool {
	if c.eobRun > 0 {
		c.eobRun--
		return true
	}
	for k := c.ss; k <= c.se; k++ {
		s := c.bits.symbol(code)
		if s < 0 {
			return false
		}
		if c.run(s) {
			c.eobRun--
			return true
		}
		k += s >> 4
		if s == 0xF0 {
			continue
		}
		if k > c.se {
			return false
		}
		c.bits.skip(s & 15)
		*mask |= 1 << k
	}
	return true
}

// refined walks a later scan of a band, one correction bit for each coefficient that is not 0 already.
func (c *jpegCheck) refined(code *jpegCode, mask *uint64) bool {
	k := c.ss
	for ; k <= c.se && c.eobRun == 0; k++ {
		s := c.bits.symbol(code)
		if s < 0 || s&15 > 1 {
			return false
		}
		if c.run(s) {
			break
		}
		c.bits.skip(s & 15) // the sign of a new coefficient
		k = c.pass(k, s>>4, *mask)
		if s&15 == 1 {
			if k > c.se {
				return false
			}
			*mask |= 1 << k
		}
	}
	if c.eobRun > 0 {
		c.pass(k, 64, *mask)
		c.eobRun--
	}
	return true
}

// pass walks from coefficient k over zeros and corrections to the first 0 after zeros more, or past the end.
func (c *jpegCheck) pass(k, zeros int, mask uint64) int {
	for ; k <= c.se; k++ {
		if mask>>k&1 == 1 {
			c.bits.skip(1)
			continue
		}
		if zeros == 0 {
			break
		}
		zeros--
	}
	return k
}
