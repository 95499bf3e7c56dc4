package fundus

import "contig-gpu/data"

// Resize returns the image resampled to w x h by the antialiased bilinear filter of torchvision
// (v2.functional.resize, antialias, uint8): 16-bit fixed-point weights, columns first, 8 bits between.
func Resize(src *RGB, w, h int) *RGB {
	dst := new(RGB)
	new(resizer).resize(dst, src, w, h)
	return dst
}

// A resizer resamples on reused memory.
type resizer struct {
	x, y filter
	mid  RGB
	acc  []int32
}

func (r *resizer) resize(dst, src *RGB, w, h int) {
	r.x.fit(src.W, w)
	r.y.fit(src.H, h)
	r.mid.reshape(w, src.H)
	for y := range src.H {
		r.x.row(r.mid.Pix[3*y*w:3*(y+1)*w], src.Pix[3*y*src.W:3*(y+1)*src.W])
	}
	dst.reshape(w, h)
	r.acc = sized(r.acc, 3*w)
	for y := range h {
		r.y.column(dst.Pix[3*y*w:3*(y+1)*w], r.acc, r.mid.Pix, y)
	}
}

// A filter holds, for each output pixel of one direction, its first input pixel and its weights.
type filter struct {
	in, out int
	taps    int     // weights an output pixel has room for
	start   []int   // [out]
	count   []int   // [out] weights in use
	weight  []int32 // [out, taps], times 2^shift
	shift   uint
	real    []float64 // [out, taps] before rounding
}

// fit computes the triangle filter of PyTorch's upsample_bilinear2d_aa for in -> out pixels.
func (f *filter) fit(in, out int) {
	if f.in == in && f.out == out {
		return
	}
	scale := float64(in) / float64(out)
	support := max(scale, 1)
	f.in, f.out, f.taps = in, out, 2*int(support+1)+1
	f.start, f.count = sized(f.start, out), sized(f.count, out)
	f.real, f.weight = sized(f.real, out*f.taps), sized(f.weight, out*f.taps)
	top := 0.0
	for i := range out {
		top = max(top, f.pixel(i, scale, support))
	}
	f.round(top)
}

// pixel computes the normalised weights of output pixel i and returns the largest.
func (f *filter) pixel(i int, scale, support float64) float64 {
	center := scale * (float64(i) + 0.5)
	lo := max(int(center-support+0.5), 0)
	hi := min(int(center+support+0.5), f.in)
	w, sum, top := f.real[i*f.taps:], 0.0, 0.0
	for j := range hi - lo {
		d := (float64(j+lo) - center + 0.5) / support
		w[j] = max(0, 1-max(d, -d))
		sum += w[j]
	}
	for j := range hi - lo {
		w[j] /= sum
		top = max(top, w[j])
	}
	f.start[i], f.count[i] = lo, hi-lo
	return top
}

// round turns the weights into integers of the most bits at which the largest fits 16 with its sign.
func (f *filter) round(top float64) {
	f.shift = 0
	for f.shift < 22 && int(0.5+top*float64(int(1)<<(f.shift+1))) < 1<<15 {
		f.shift++
	}
	one := float64(int(1) << f.shift)
	for i := range f.out {
		for j := i * f.taps; j < i*f.taps+f.count[i]; j++ {
			f.weight[j] = int32(f.real[j]*one + 0.5)
		}
	}
}

// row filters one row of pixels along x.
func (f *filter) row(dst, src []uint8) {
	half := int32(1) << f.shift >> 1
	for i := range f.out {
		r, g, b := half, half, half
		s := src[3*f.start[i]:]
		for _, w := range f.weight[i*f.taps : i*f.taps+f.count[i]] {
			r += w * int32(s[0])
			g += w * int32(s[1])
			b += w * int32(s[2])
			s = s[3:]
		}
		d := dst[3*i : 3*i+3 : 3*i+3]
		d[0], d[1], d[2] = clamp8(r>>f.shift), clamp8(g>>f.shift), clamp8(b>>f.shift)
	}
}

// column computes row y of the output from the rows of src that reach it.
func (f *filter) column(dst []uint8, acc []int32, src []uint8, y int) {
	n := len(dst)
	for i := range acc {
		acc[i] = int32(1) << f.shift >> 1
	}
	for j, w := range f.weight[y*f.taps : y*f.taps+f.count[y]] {
		at := (f.start[y] + j) * n
		for i, v := range src[at : at+n] {
			acc[i] += w * int32(v)
		}
	}
	for i, v := range acc {
		dst[i] = clamp8(v >> f.shift)
	}
}

func clamp8[T int | int32](v T) uint8 { return uint8(max(0, min(255, v))) }

// Square returns the image as size x size pixels.
func Square(src *RGB, size int, fit data.Fit) *RGB {
	x0, y0, w, h := placed(src.W, src.H, size, fit)
	if w == size && h == size {
		return Resize(src, size, size)
	}
	small, out := Resize(src, w, h), NewRGB(size, size)
	for y := range h {
		at := 3 * ((y+y0)*size + x0)
		copy(out.Pix[at:at+3*w], small.Pix[3*y*w:3*(y+1)*w])
	}
	return out
}
