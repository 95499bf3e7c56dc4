package fundus

import "contig-gpu/data"

// placed says where in a square of size pixels an image of w x h lies: its corner and its sides.
func placed(w, h, size int, fit data.Fit) (x0, y0, pw, ph int) {
	if fit == data.FitStretch || w == h {
		return 0, 0, size, size
	}
	long := max(w, h)
	pw, ph = max(1, (w*size+long/2)/long), max(1, (h*size+long/2)/long)
	return (size - pw) / 2, (size - ph) / 2, pw, ph
}

// SquareMask brings a mask [h, w] to [size, size] as Square brings an image: each pixel is the nearest of the mask, and 0 beside the image.
func SquareMask(src []uint8, w, h, size int, fit data.Fit) []uint8 {
	x0, y0, pw, ph := placed(w, h, size, fit)
	out := make([]uint8, size*size)
	for y := range ph {
		from, to := src[(2*y+1)*h/(2*ph)*w:], out[(y0+y)*size+x0:]
		for x := range pw {
			to[x] = from[(2*x+1)*w/(2*pw)]
		}
	}
	return out
}

// ApplyMask writes the variation that Apply gives an image to its mask [side, side], where side is the image's too: each pixel of dst [size, size] is the nearest of the mask, and 0 outside.
func (a *Augmenter) ApplyMask(dst, src []uint8, side int, seed uint64, epoch, index int) {
	g := a.drawn(seed, epoch, index).geometry(side, side, a.size)
	const half = 1 << (fixed - 1)
	for y := range a.size {
		sx, sy := g.x0+y*g.dyx+half, g.y0+y*g.dyy+half
		row := dst[y*a.size : (y+1)*a.size]
		for x := range row {
			row[x] = 0
			if xi, yi := sx>>fixed, sy>>fixed; uint(xi) < uint(side) && uint(yi) < uint(side) {
				row[x] = src[yi*side+xi]
			}
			sx, sy = sx+g.dxx, sy+g.dxy
		}
	}
}

// Size returns the sides of an image in pixels, as Decode would give it, without its pixels. Errors are Decode's.
func Size(path string) (w, h int, err error) {
	b, err := read(path)
	if err != nil {
		return 0, 0, err
	}
	f, p := sniff(b)
	if p == nil {
		p = f.checkSize(b)
	}
	if p != nil {
		p.Code, p.File = codeImage, path
		return 0, 0, p
	}
	w, h, _ = f.size(b) // which checkSize has seen
	if o := f.orientation(b); o >= 5 && o <= 8 {
		w, h = h, w
	}
	return w, h, nil
}

// Restore is Square's way back for what a network says of each pixel: it writes values [size, size, stride], of channel 0, to dst [h, w] at the image's own size, by bilinear interpolation; what lies beside the image is left out.
func Restore(dst []float32, values []float64, stride, size, w, h int, fit data.Fit) {
	x0, y0, pw, ph := placed(w, h, size, fit)
	column := make([]tap, w)
	for x := range column {
		column[x] = between(x, w, pw)
	}
	for y := range h {
		v := between(y, h, ph)
		top, low := values[((y0+v.at)*size+x0)*stride:], values[((y0+v.next)*size+x0)*stride:]
		for x, c := range column {
			a := (1-c.part)*top[c.at*stride] + c.part*top[c.next*stride]
			b := (1-c.part)*low[c.at*stride] + c.part*low[c.next*stride]
			dst[y*w+x] = float32((1-v.part)*a + v.part*b)
		}
	}
}

// A tap says between which of some values another lies.
type tap struct {
	at, next int
	part     float64 // of next
}

// between returns where pixel i of n lies among m, pixels having their values in their middles.
func between(i, n, m int) tap {
	at := (float64(i)+.5)*float64(m)/float64(n) - .5
	lo := min(m-1, max(0, int(at)))
	if at <= 0 {
		return tap{0, 0, 0}
	}
	return tap{lo, min(m-1, lo+1), at - float64(lo)}
}
