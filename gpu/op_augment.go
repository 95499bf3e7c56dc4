package gpu

import (
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/kernels"
	"fmt"
	"math"
)

// AugmentFields is the number of columns of Augment's geometry.
const AugmentFields = kernels.AugFields

// Augment varies, normalises and converts images: y [N, S, S, C] of src [N, H, W, 3] (U8). Where y has more than 3
// channels the others become 0. What varies is drawn on the host and comes as numbers (data/fundus' Params), so that
// there is one implementation of the draws:
//
//	geometry [N, 10] (I32)  x0, y0, dxx, dxy, dyx, dyy, w, h, bits of w, bits of h
//	colour [N, 3]           brightness, contrast, saturation
//	norm [6]                factor of each channel, then offset
//
// An image is shrunk to w x h by PyTorch's antialiased bilinear filter, in whole numbers of 2^-bits and 16 bits (if it is not so large
// already), then sampled bilinearly at (x0 + x*dxx + y*dyx, y0 + x*dxy + y*dyy) / 2^16 for output pixel (x, y): within half
// a pixel of the border the outermost pixels go on, beyond is black. Colour is as in torchvision, in the order
// brightness, contrast about the varied image's mean grey, saturation, clipped to 0..255 at the end; then norm. colour and
// norm are of the vector type. An image whose w or h is no size within its own, or below a seventh of it, becomes NaN.
func Augment(y, src, geometry, colour, norm Tensor) {
	wantFloat("Augment", "y", y, 4)
	if y.Dim(1) != y.Dim(2) || y.Dim(3) < 3 {
		panic(fmt.Sprintf("gpu: Augment: y is %s, want squares of at least 3 channels", shape(y.dims[:y.rank])))
	}
	if src.Rank() != 4 {
		panic(fmt.Sprintf("gpu: Augment: src is %s, want rank [4]", shape(src.dims[:src.rank])))
	}
	want("Augment", "src", src, y, U8, y.Dim(0), src.Dim(1), src.Dim(2), 3)
	want("Augment", "geometry", geometry, y, I32, y.Dim(0), AugmentFields)
	want("Augment", "colour", colour, y, vectorType(y), y.Dim(0), 3)
	want("Augment", "norm", norm, y, vectorType(y), 6)
	if y.Len() == 0 {
		return
	}
	compute(y, func() { augment[float32](y, src, geometry, colour, norm) }, func() { augment[float64](y, src, geometry, colour, norm) },
		func(c *gpu) { c.augment(y, src, geometry, colour, norm) })
}

// picture is an image of 8 bits, [h, w, 3].
type picture struct {
	w, h int
	pix  []uint8
}

func augment[F Float](ty, tsrc, geometry, tc, tn Tensor) {
	y, src, g, colour, norm := host[F](ty), host[uint8](tsrc), host[int32](geometry), host[F](tc), host[F](tn)
	h, w := tsrc.Dim(1), tsrc.Dim(2)
	cut(ty.dev, ty.Dim(0), 1, func(lo, _ int) {
		own := y[lo*len(y)/ty.Dim(0) : (lo+1)*len(y)/ty.Dim(0)]
		at := g[lo*AugmentFields : (lo+1)*AugmentFields]
		if !augSane(at, w, h) {
			for i := range own {
				own[i] = F(math.NaN())
			}
			return
		}
		p := shrink(picture{w, h, src[lo*3*w*h : (lo+1)*3*w*h]}, at)
		sum := augWarp(own, p, at, ty.Dim(1), ty.Dim(3))
		augColour(own, sum, colour[3*lo:3*lo+3], norm, ty.Dim(3))
	})
}

func augSane(g []int32, w, h int) bool {
	sw, sh := int(g[6]), int(g[7])
	return sw > 0 && sh > 0 && sw <= w && sh <= h && w < kernels.AugShrink*sw && h < kernels.AugShrink*sh && g[8] >= 0 && g[9] >= 0 && g[8] <= 22 && g[9] <= 22
}

// augTaps returns the weights of output pixel i of the antialiased filter, times 2^bits, of 16 bits, and its first input pixel.
func augTaps(i, in, out int, bits int32) (first int, weight []int) {
	scale := float64(in) / float64(out)
	support := max(scale, 1)
	center := scale * (float64(i) + 0.5)
	first = max(int(center-support+0.5), 0)
	real := make([]float64, min(int(center+support+0.5), in)-first)
	sum := 0.0
	for j := range real {
		real[j] = max(0, 1-math.Abs((float64(first+j)-center+0.5)/support))
		sum += real[j]
	}
	for _, v := range real {
		weight = append(weight, min(int(v/sum*float64(int(1)<<bits)+0.5), kernels.AugTop))
	}
	return first, weight
}

// shrink filters columns first, with 8 bits between.
func shrink(p picture, g []int32) picture {
	w, h := int(g[6]), int(g[7])
	if w == p.w && h == p.h {
		return p
	}
	mid, out := picture{w, p.h, make([]uint8, 3*w*p.h)}, picture{w, h, make([]uint8, 3*w*h)}
	for x := range w {
		first, weight := augTaps(x, p.w, w, g[8])
		for r := range p.h {
			augFilter(mid.pix[3*(r*w+x):], p.pix[3*(r*p.w+first):], 3, weight, g[8])
		}
	}
	for y := range h {
		first, weight := augTaps(y, p.h, h, g[9])
		for x := range w {
			augFilter(out.pix[3*(y*w+x):], mid.pix[3*(first*w+x):], 3*w, weight, g[9])
		}
	}
	return out
}

// augFilter filters one pixel; step lies between its inputs.
func augFilter(dst, src []uint8, step int, weight []int, bits int32) {
	for c := range 3 {
		sum := 1 << bits >> 1
		for j, w := range weight {
			sum += w * int(src[j*step+c])
		}
		dst[c] = uint8(max(0, min(255, sum>>bits)))
	}
}

// augWarp samples into y and returns the sum of each channel times 2^16.
func augWarp[F Float](y []F, p picture, g []int32, side, channels int) (sum [3]int64) {
	for i := range side * side {
		px, py := int64(i%side), int64(i/side)
		c := p.sample(int64(g[0])+px*int64(g[2])+py*int64(g[4]), int64(g[1])+px*int64(g[3])+py*int64(g[5]))
		out := y[i*channels : (i+1)*channels]
		clear(out)
		for k, v := range c {
			sum[k] += v
			out[k] = F(v) / (1 << kernels.AugFixed)
		}
	}
	return sum
}

// sample returns the colour at (x, y) / 2^16, at 1/256 of a pixel, times 2^16.
func (p picture) sample(x, y int64) (c [3]int64) {
	const half, one = 1 << (kernels.AugFixed - 1), 1 << kernels.AugFixed
	w, h := int64(p.w), int64(p.h)
	if x < -half || y < -half || x > w*one-half || y > h*one-half {
		return c
	}
	x, y = max(0, min(x, (w-1)*one)), max(0, min(y, (h-1)*one))
	fx, fy := x>>(kernels.AugFixed-8)&255, y>>(kernels.AugFixed-8)&255
	x0, y0 := x>>kernels.AugFixed, y>>kernels.AugFixed
	x1, y1 := min(x0+1, w-1), min(y0+1, h-1)
	for k := range c {
		at := func(x, y int64) int64 { return int64(p.pix[3*(y*w+x)+int64(k)]) }
		top, low := at(x0, y0)*(256-fx)+at(x1, y0)*fx, at(x0, y1)*(256-fx)+at(x1, y1)*fx
		c[k] = top*(256-fy) + low*fy
	}
	return c
}

// augColour applies brightness, contrast and saturation, which together are one affine map, clips and normalises. Grey
// is ITU-R BT.601's, as torchvision's adjust_saturation.
func augColour[F Float](y []F, sum [3]int64, colour, norm []F, channels int) {
	grey := [3]float64{0.299, 0.587, 0.114}
	mean, pixels := 0.0, float64(len(y)/channels)*(1<<kernels.AugFixed)
	for k, s := range sum {
		mean += grey[k] * float64(s) / pixels
	}
	brightness, contrast, saturation := float64(colour[0]), float64(colour[1]), float64(colour[2])
	gain := brightness * contrast
	own, shift, mix := F(gain*saturation), F((1-contrast)*brightness*mean), gain*(1-saturation)
	for i := 0; i < len(y); i += channels {
		p := y[i : i+3]
		common := F(mix*grey[0])*p[0] + F(mix*grey[1])*p[1] + F(mix*grey[2])*p[2] + shift
		for k, v := range p {
			p[k] = norm[k]*max(0, min(255, own*v+common)) + norm[3+k]
		}
	}
}

func (c *gpu) augment(y, src, geometry, colour, norm Tensor) {
	n, h, w, side := src.Dim(0), src.Dim(1), src.Dim(2), y.Dim(1)
	blocks := func(pixels int) int { return (pixels + kernels.AugSide - 1) / kernels.AugSide }
	room := aligned(8 * 3 * n)
	sums := c.scratch(room + src.Len())
	small := uint64(sums.Add(room))
	filter := driver.Grid{Blocks: [3]int{blocks(w), blocks(h), n}, Threads: [3]int{threads}}
	launch(c, "augment_shrink", U8, filter, &kernels.AugmentShrink{Small: small, Sums: uint64(sums), Src: src.ptr(), Geometry: geometry.ptr(), W: int32(w), H: int32(h)}, src)
	squares := driver.Grid{Blocks: [3]int{blocks(side), blocks(side), n}, Threads: [3]int{threads}}
	launch(c, "augment_sums", U8, squares, &kernels.AugmentSums{Sums: uint64(sums), Src: src.ptr(), Small: small, Geometry: geometry.ptr(),
		W: int32(w), H: int32(h), Side: int32(side)}, src)
	launch(c, "augment_forward", y.dtype, squares, &kernels.AugmentForward{Out: y.ptr(), Src: src.ptr(), Small: small, Geometry: geometry.ptr(),
		Factors: colour.ptr(), Norm: norm.ptr(), Sums: uint64(sums), W: int32(w), H: int32(h), Side: int32(side), Channels: int32(y.Dim(3))}, y, src)
}
