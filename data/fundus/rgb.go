package fundus

// RGB is an image of 8 bits a channel, owned by whoever made it.
type RGB struct {
	W, H int
	Pix  []uint8 // [H, W, 3], red first, sRGB as in the file
}

// NewRGB returns a black image of w x h pixels.
func NewRGB(w, h int) *RGB { return &RGB{W: w, H: h, Pix: make([]uint8, 3*w*h)} }

// reshape makes r a w x h image on its old memory where that suffices; the pixels are undefined.
func (r *RGB) reshape(w, h int) {
	r.W, r.H, r.Pix = w, h, sized(r.Pix, 3*w*h)
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// oriented returns the image turned as an EXIF orientation (1 to 8) demands.
func (r *RGB) oriented(orientation int) *RGB {
	if orientation < 2 || orientation > 8 {
		return r
	}
	w, h := r.W, r.H
	if orientation >= 5 {
		w, h = h, w
	}
	out := NewRGB(w, h)
	for y := range h {
		for x := range w {
			sx, sy := orient(orientation, x, y, r.W, r.H)
			s, d := 3*(sy*r.W+sx), 3*(y*w+x)
			copy(out.Pix[d:d+3], r.Pix[s:s+3])
		}
	}
	return out
}

// orient returns the stored pixel that is shown at (x, y); w and h are as stored. EXIF 2.3, tag 0x0112.
func orient(orientation, x, y, w, h int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}
