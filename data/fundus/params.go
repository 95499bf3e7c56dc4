package fundus

// Params are a variation in numbers, as the operation Augment of package gpu takes them: what Apply computes, a device
// computes from them and the pixels of Blurred.
type Params struct {
	// Geometry is {x0, y0, dxx, dxy, dyx, dyy, w, h, bits of w, bits of h}: output pixel (x, y) lies at
	// (x0 + x*dxx + y*dyx, y0 + x*dxy + y*dyy) of the source shrunk to w x h pixels, in units of 2^-16 pixels. The bits are
	// those of the shrinking filter's weights, 0 where it does not shrink.
	Geometry [10]int32
	// Colour is {brightness, contrast, saturation}.
	Colour [3]float32
}

// Params returns the variation that Apply gives an image of w x h pixels for (seed, epoch, index).
func (a *Augmenter) Params(w, h int, seed uint64, epoch, index int) Params {
	v := a.drawn(seed, epoch, index)
	sw, sh := a.prefiltered(w, h, v)
	p := a.params(v, sw, sh)
	if sw != w || sh != h {
		a.resize.x.fit(w, sw)
		a.resize.y.fit(h, sh)
		p.Geometry[8], p.Geometry[9] = int32(a.resize.x.shift), int32(a.resize.y.shift)
	}
	return p
}

// Blurred returns the pixels that Params are for: src itself, or, where the variation blurs, an image that is valid until the
// next call of a method.
func (a *Augmenter) Blurred(src *RGB, seed uint64, epoch, index int) *RGB {
	return a.soft.blur(src, a.drawn(seed, epoch, index).sigma)
}

// Plain returns the parameters that leave an image of the augmenter's own size as it is, but for normalisation.
func (a *Augmenter) Plain() Params {
	return a.params(variation{cx: .5, cy: .5, cw: 1, ch: 1, brightness: 1, contrast: 1, saturation: 1}, a.size, a.size)
}

func (a *Augmenter) params(v variation, w, h int) Params {
	g := v.geometry(w, h, a.size)
	return Params{
		Geometry: [10]int32{int32(g.x0), int32(g.y0), int32(g.dxx), int32(g.dxy), int32(g.dyx), int32(g.dyy), int32(w), int32(h)},
		Colour:   [3]float32{float32(v.brightness), float32(v.contrast), float32(v.saturation)},
	}
}

// Normalisation returns the factor and then the offset of each channel's grey levels, red first: v becomes k*v + b.
func Normalisation() [6]float32 {
	k, b := affine()
	return [6]float32{k[0], k[1], k[2], b[0], b[1], b[2]}
}
