package fundus

import (
	"math"

	"contig-gpu/data"
)

// An Augmenter varies images, on buffers of its own: one per goroutine.
type Augmenter struct {
	View int // of an image, that is drawn; 0 is the first

	how    data.Augmentation
	size   int
	resize resizer
	small  RGB
	soft   blurrer
}

// NewAugmenter returns an augmenter that writes images of size x size pixels.
func NewAugmenter(how data.Augmentation, size int) *Augmenter {
	return &Augmenter{how: how, size: size}
}

// Apply writes the normalised variation of src that belongs to (seed, epoch, index) to dst [size, size, 3]:
// blur, then crop, flips and rotation in one bilinear pass, black outside, then colour. Where the pass would shrink,
// src goes through the antialiased filter first.
func (a *Augmenter) Apply(dst []float32, src *RGB, seed uint64, epoch, index int) {
	v := a.drawn(seed, epoch, index)
	src = a.prefilter(a.soft.blur(src, v.sigma), v)
	sum := warp(dst, src, a.size, v)
	colour(dst, v, sum)
}

// prefilter shrinks src so that a pixel of the crop is no smaller than one of the output.
func (a *Augmenter) prefilter(src *RGB, v variation) *RGB {
	w, h := a.prefiltered(src.W, src.H, v)
	if w == src.W && h == src.H {
		return src
	}
	a.resize.resize(&a.small, src, w, h)
	return &a.small
}

// prefiltered returns the size to which prefilter brings an image of w x h pixels.
func (a *Augmenter) prefiltered(w, h int, v variation) (int, int) {
	return min(w, int(math.Ceil(float64(a.size)/v.cw))), min(h, int(math.Ceil(float64(a.size)/v.ch)))
}

// fixed is the number of fraction bits of source coordinates in warp.
const fixed = 16

// A geometry says where output pixels lie in the source, in units of 2^-16 pixels: pixel (x, y) at
// (x0 + x*dxx + y*dyx, y0 + x*dxy + y*dyy).
type geometry struct{ x0, y0, dxx, dxy, dyx, dyy int }

// geometry is the inverse of the variation, from size x size pixels into an image of w x h.
func (v variation) geometry(w, h, size int) geometry {
	sin, cos := math.Sincos(v.angle)
	kx, ky := v.cw*float64(w)/float64(size), v.ch*float64(h)/float64(size)
	if v.mirror {
		kx = -kx
	}
	if v.flip {
		ky = -ky
	}
	u := .5 - float64(size)/2
	return geometry{
		x0:  toFixed(v.cx*float64(w) + kx*(cos+sin)*u - .5),
		y0:  toFixed(v.cy*float64(h) + ky*(cos-sin)*u - .5),
		dxx: toFixed(kx * cos), dxy: toFixed(-ky * sin), dyx: toFixed(kx * sin), dyy: toFixed(ky * cos),
	}
}

// warp samples src at the inverse of the variation's geometry into dst, grey levels as float32, and
// returns the sum of each channel times 2^16.
func warp(dst []float32, src *RGB, size int, v variation) (sum [3]int64) {
	g := v.geometry(src.W, src.H, size)
	for y := range size {
		at := [4]int{g.x0 + y*g.dyx, g.y0 + y*g.dyy, g.dxx, g.dxy}
		warpRow(dst[3*y*size:3*(y+1)*size], src, at, &sum)
	}
	return sum
}

func toFixed(v float64) int { return int(math.Round(v * (1 << fixed))) }

// warpRow samples along at = {x, y, step of x, step of y}, fixed point, at 1/256 of a pixel.
func warpRow(dst []float32, src *RGB, at [4]int, sum *[3]int64) {
	x, y, pix, w := at[0], at[1], src.Pix, src.W
	var sr, sg, sb int
	for len(dst) >= 3 {
		xi, yi := x>>fixed, y>>fixed
		fx, fy := x>>(fixed-8)&255, y>>(fixed-8)&255
		var r, g, b int
		if uint(xi) < uint(w-1) && uint(yi) < uint(src.H-1) {
			o := 3 * (yi*w + xi)
			p, q := pix[o:o+6:o+6], pix[o+3*w:o+3*w+6:o+3*w+6]
			w11 := fx * fy
			w01, w10 := fx<<8-w11, fy<<8-w11
			w00 := 1<<16 - w11 - w01 - w10
			r = w00*int(p[0]) + w01*int(p[3]) + w10*int(q[0]) + w11*int(q[3])
			g = w00*int(p[1]) + w01*int(p[4]) + w10*int(q[1]) + w11*int(q[4])
			b = w00*int(p[2]) + w01*int(p[5]) + w10*int(q[2]) + w11*int(q[5])
		} else {
			r, g, b = edge(src, x, y)
		}
		dst[0], dst[1], dst[2] = float32(r)*(1.0/(1<<16)), float32(g)*(1.0/(1<<16)), float32(b)*(1.0/(1<<16))
		sr, sg, sb = sr+r, sg+g, sb+b
		dst = dst[3:]
		x, y = x+at[2], y+at[3]
	}
	sum[0], sum[1], sum[2] = sum[0]+int64(sr), sum[1]+int64(sg), sum[2]+int64(sb)
}

// edge samples within half a pixel of the border, where the outermost pixels go on; beyond all is black.
func edge(src *RGB, x, y int) (r, g, b int) {
	const half = 1 << (fixed - 1)
	if x < -half || y < -half || x > src.W<<fixed-half || y > src.H<<fixed-half {
		return 0, 0, 0
	}
	x = max(0, min(x, (src.W-1)<<fixed))
	y = max(0, min(y, (src.H-1)<<fixed))
	fx, fy := x>>(fixed-8)&255, y>>(fixed-8)&255
	x0, y0 := x>>fixed, y>>fixed
	x1, y1 := min(x0+1, src.W-1), min(y0+1, src.H-1)
	var out [3]int
	for c := range out {
		top := int(src.Pix[3*(y0*src.W+x0)+c])*(256-fx) + int(src.Pix[3*(y0*src.W+x1)+c])*fx
		low := int(src.Pix[3*(y1*src.W+x0)+c])*(256-fx) + int(src.Pix[3*(y1*src.W+x1)+c])*fx
		out[c] = top*(256-fy) + low*fy
	}
	return out[0], out[1], out[2]
}

// Weights of grey, ITU-R BT.601, as torchvision's adjust_saturation.
const greyR, greyG, greyB = .299, .587, .114

// colour applies brightness, contrast (about the image's mean grey) and saturation, which together are one
// affine map, clips to 0..255 and normalises, all in one pass.
func colour(dst []float32, v variation, sum [3]int64) {
	pixels := float64(len(dst)/3) * (1 << fixed)
	grey := (greyR*float64(sum[0]) + greyG*float64(sum[1]) + greyB*float64(sum[2])) / pixels
	gain := v.brightness * v.contrast
	own, shift := float32(gain*v.saturation), float32((1-v.contrast)*v.brightness*grey)
	mix := gain * (1 - v.saturation)
	mr, mg, mb := float32(mix*greyR), float32(mix*greyG), float32(mix*greyB)
	k, o := affine()
	for i := 0; i+2 < len(dst); i += 3 {
		p := dst[i : i+3 : i+3]
		common := mr*p[0] + mg*p[1] + mb*p[2] + shift
		p[0] = k[0]*clip(own*p[0]+common) + o[0]
		p[1] = k[1]*clip(own*p[1]+common) + o[1]
		p[2] = k[2]*clip(own*p[2]+common) + o[2]
	}
}

func clip(v float32) float32 {
	if v < 0 {
		return 0
	}
	if v > 255 {
		return 255
	}
	return v
}
