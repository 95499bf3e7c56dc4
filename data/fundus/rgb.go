package fundus

import (
	"image"
	"image/color"
)

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

// fromImage converts what the standard decoders return; transparency is composited on black.
func fromImage(m image.Image) *RGB {
	b := m.Bounds()
	out := NewRGB(b.Dx(), b.Dy())
	switch m := m.(type) {
	case *image.YCbCr:
		out.fromYCbCr(m)
	case *image.Gray:
		out.fromGray(m)
	case *image.RGBA: // premultiplied: already on black
		out.fromPremultiplied(m)
	case *image.NRGBA:
		out.fromNRGBA(m)
	default:
		out.fromAny(m)
	}
	return out
}

func (r *RGB) fromYCbCr(m *image.YCbCr) {
	o := 0
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
			c := m.COffset(x, y)
			r.Pix[o], r.Pix[o+1], r.Pix[o+2] = color.YCbCrToRGB(m.Y[m.YOffset(x, y)], m.Cb[c], m.Cr[c])
			o += 3
		}
	}
}

func (r *RGB) fromGray(m *image.Gray) {
	for y := range r.H {
		row := m.Pix[y*m.Stride : y*m.Stride+r.W]
		out := r.Pix[3*y*r.W:]
		for x, v := range row {
			out[3*x], out[3*x+1], out[3*x+2] = v, v, v
		}
	}
}

func (r *RGB) fromPremultiplied(m *image.RGBA) {
	for y := range r.H {
		row, out := m.Pix[y*m.Stride:], r.Pix[3*y*r.W:]
		for x := range r.W {
			copy(out[3*x:3*x+3], row[4*x:4*x+3])
		}
	}
}

func (r *RGB) fromNRGBA(m *image.NRGBA) {
	for y := range r.H {
		row, out := m.Pix[y*m.Stride:], r.Pix[3*y*r.W:]
		for x := range r.W {
			p := row[4*x : 4*x+4 : 4*x+4]
			for c := range 3 {
				out[3*x+c] = uint8((int(p[c])*int(p[3]) + 127) / 255)
			}
		}
	}
}

// fromAny goes through 16-bit premultiplied colour, rounded to the nearest of 8 bits.
func (r *RGB) fromAny(m image.Image) {
	b, o := m.Bounds(), 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			cr, cg, cb, _ := m.At(x, y).RGBA()
			r.Pix[o], r.Pix[o+1], r.Pix[o+2] = to8(cr), to8(cg), to8(cb)
			o += 3
		}
	}
}

// to8 is round(v * 255 / 65535) for all 16-bit v, as libpng's png_set_scale_16.
func to8(v uint32) uint8 { return uint8((v*255 + 32895) >> 16) }

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
