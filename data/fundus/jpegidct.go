package fundus

// zigzag gives the place of the coefficients in their order in the file: ITU-T T.81, figure A.6.
const zigzag = "\x00\x01\x08\x10\x09\x02\x03\x0a\x11\x18\x20\x19\x12\x0b\x04\x05\x0c\x13\x1a\x21\x28\x30\x29\x22\x1b\x14\x0d\x06\x07\x0e\x15\x1c" +
	"\x23\x2a\x31\x38\x39\x32\x2b\x24\x1d\x16\x0f\x17\x1e\x25\x2c\x33\x3a\x3b\x34\x2d\x26\x1f\x27\x2e\x35\x3c\x3d\x36\x2f\x37\x3e\x3f"

// natural returns a quantization table row by row.
func natural(q *[64]uint16) *[64]int32 {
	out := new([64]int32)
	for k, v := range q {
		out[zigzag[k]] = int32(v)
	}
	return out
}

// The multipliers of the inverse transform, of 13 bits after the point, named by what they stand for.
const (
	mul0298 = 2446  // 0.298631336
	mul0390 = 3196  // 0.390180644
	mul0541 = 4433  // 0.541196100
	mul0765 = 6270  // 0.765366865
	mul0899 = 7373  // 0.899976223
	mul1175 = 9633  // 1.175875602
	mul1501 = 12299 // 1.501321110
	mul1847 = 15137 // 1.847759065
	mul1961 = 16069 // 1.961570560
	mul2053 = 16819 // 2.053119869
	mul2562 = 20995 // 2.562915447
	mul3072 = 25172 // 3.072711026
)

// transform writes the samples of block number at, whose coefficients after the last in zigzag order are 0. It
// is the inverse DCT of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) with the multipliers and the rounding
// of libjpeg's accurate integer method, bit by bit: columns to 2 bits after the point, then rows.
func (p *jpegPart) transform(c *jpegBlock, at, last int) {
	stride := 8 * p.w
	out := p.plane[at/p.w*8*stride+at%p.w*8:]
	q := p.scaled
	if last == 0 {
		v := level((int(c[0])*int(q[0])<<2 + 16) >> 5)
		for y := range 8 {
			row := out[y*stride : y*stride+8 : y*stride+8]
			for x := range row {
				row[x] = v
			}
		}
		return
	}
	var work [64]int
	for x := range 8 {
		if c[8+x]|c[16+x]|c[24+x]|c[32+x]|c[40+x]|c[48+x]|c[56+x] == 0 {
			v := int(c[x]) * int(q[x]) << 2
			for i := x; i < 64; i += 8 {
				work[i] = v
			}
			continue
		}
		in := func(i int) int { return int(c[i+x]) * int(q[i+x]) }
		e0, e1, e2, e3 := even(in(0), in(16), in(32), in(48))
		o0, o1, o2, o3 := odd(in(8), in(24), in(40), in(56))
		const half, bits = 1 << 10, 11
		work[x], work[56+x] = (e0+o0+half)>>bits, (e0-o0+half)>>bits
		work[8+x], work[48+x] = (e1+o1+half)>>bits, (e1-o1+half)>>bits
		work[16+x], work[40+x] = (e2+o2+half)>>bits, (e2-o2+half)>>bits
		work[24+x], work[32+x] = (e3+o3+half)>>bits, (e3-o3+half)>>bits
	}
	for y := range 8 {
		w, row := work[8*y:8*y+8:8*y+8], out[y*stride:y*stride+8:y*stride+8]
		e0, e1, e2, e3 := even(w[0], w[2], w[4], w[6])
		o0, o1, o2, o3 := odd(w[1], w[3], w[5], w[7])
		const half, bits = 1 << 17, 18
		row[0], row[7] = level((e0+o0+half)>>bits), level((e0-o0+half)>>bits)
		row[1], row[6] = level((e1+o1+half)>>bits), level((e1-o1+half)>>bits)
		row[2], row[5] = level((e2+o2+half)>>bits), level((e2-o2+half)>>bits)
		row[3], row[4] = level((e3+o3+half)>>bits), level((e3-o3+half)>>bits)
	}
}

// level returns the sample of a value around 0.
func level(v int) uint8 { return clamp8(v + 128) }

// even is the half of a transform of 8 that takes inputs 0, 2, 4 and 6.
func even(a, b, c, d int) (e0, e1, e2, e3 int) {
	z := (b + d) * mul0541
	t2, t3 := z-d*mul1847, z+b*mul0765
	t0, t1 := (a+c)<<13, (a-c)<<13
	return t0 + t3, t1 + t2, t1 - t2, t0 - t3
}

// odd is the half that takes inputs 1, 3, 5 and 7.
func odd(a, b, c, d int) (o0, o1, o2, o3 int) {
	z1, z2, z3, z4 := d+a, c+b, d+b, c+a
	z5 := (z3 + z4) * mul1175
	z1, z2, z3, z4 = -z1*mul0899, -z2*mul2562, z5-z3*mul1961, z5-z4*mul0390
	return a*mul1501 + z1 + z4, b*mul3072 + z2 + z3, c*mul2053 + z2 + z4, d*mul0298 + z1 + z3
}
