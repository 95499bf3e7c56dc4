package fundus

import "math"

// Bits of the fixed-point numbers in blur: weights add up to 2^blurBits, and the image between its two passes has midBits
// fraction bits. 255 * 2^(16 + 8) is below 2^32.
const (
	blurBits = 16
	midBits  = 8
)

// A blurrer blurs on reused memory.
type blurrer struct {
	weight []uint32 // of pixels -radius..radius
	line   []uint8  // a row, continued to both sides
	mid    []uint16 // filtered along x
	acc    []uint32 // of a row
	out    RGB
}

// blur returns src convolved with a Gaussian of the given standard deviation in pixels, cut off at three of those. Beyond its
// edges the image goes on mirrored, edge pixels twice, so that its mean stays. 0 or less returns src itself; else the
// image belongs to b until the next call.
func (b *blurrer) blur(src *RGB, sigma float64) *RGB {
	if sigma <= 0 {
		return src
	}
	b.fit(sigma)
	n := 3 * src.W
	b.mid, b.acc = sized(b.mid, n*src.H), sized(b.acc, n)
	for y := range src.H {
		b.row(b.mid[y*n:(y+1)*n], src.Pix[y*n:(y+1)*n])
	}
	b.out.reshape(src.W, src.H)
	for y := range src.H {
		b.column(b.out.Pix[y*n:(y+1)*n], y, src.H)
	}
	return &b.out
}

func (b *blurrer) radius() int { return len(b.weight) / 2 }

// fit computes the weights. What rounding leaves goes to the middle, so that they add up to one exactly.
func (b *blurrer) fit(sigma float64) {
	radius := int(math.Ceil(3 * sigma))
	gauss := func(i int) float64 { return math.Exp(-float64(i*i) / (2 * sigma * sigma)) }
	sum := 0.0
	for i := -radius; i <= radius; i++ {
		sum += gauss(i)
	}
	b.weight = sized(b.weight, 2*radius+1)
	rest := uint32(1 << blurBits)
	for i := range b.weight {
		b.weight[i] = uint32(gauss(i-radius)/sum*(1<<blurBits) + 0.5)
		rest -= b.weight[i] // modulo 2^32
	}
	b.weight[radius] += rest
}

// row filters one row of pixels along x.
func (b *blurrer) row(dst []uint16, src []uint8) {
	r, w := b.radius(), len(src)/3
	b.line = sized(b.line, 3*(w+2*r))
	for x := -r; x < w+r; x++ {
		copy(b.line[3*(x+r):3*(x+r)+3], src[3*mirrored(x, w):])
	}
	b.begin(1 << (blurBits - midBits) >> 1)
	for k, weight := range b.weight {
		for i, v := range b.line[3*k : 3*k+len(b.acc)] {
			b.acc[i] += weight * uint32(v)
		}
	}
	for i, v := range b.acc {
		dst[i] = uint16(v >> (blurBits - midBits))
	}
}

// column computes row y of h of the result from the rows of mid that reach it.
func (b *blurrer) column(dst []uint8, y, h int) {
	n := len(dst)
	b.begin(1 << (blurBits + midBits) >> 1)
	for k, weight := range b.weight {
		at := mirrored(y+k-b.radius(), h) * n
		for i, v := range b.mid[at : at+n] {
			b.acc[i] += weight * uint32(v)
		}
	}
	for i, v := range b.acc {
		dst[i] = uint8(v >> (blurBits + midBits))
	}
}

func (b *blurrer) begin(half uint32) {
	for i := range b.acc {
		b.acc[i] = half
	}
}

// mirrored returns the pixel of 0..n-1 that lies at i of an image which goes on mirrored: ..., 1, 0, 0, 1, ..., n-1, n-1, n-2, ...
func mirrored(i, n int) int {
	i %= 2 * n
	if i < 0 {
		i += 2 * n
	}
	if i >= n {
		return 2*n - 1 - i
	}
	return i
}
