package fundus

import (
	"math"
	"testing"

	"contig-gpu/data"
)

// disc is a mask of w x h pixels with an ellipse that is not in the middle, and the picture of it.
func disc(w, h int) ([]uint8, *RGB) {
	mask, img := make([]uint8, w*h), NewRGB(w, h)
	for y := range h {
		for x := range w {
			dx, dy := (float64(x)+.5)/float64(w)-.6, (float64(y)+.5)/float64(h)-.4
			if dx*dx/.05+dy*dy/.02 < 1 {
				mask[y*w+x] = 1
				copy(img.Pix[3*(y*w+x):], []uint8{255, 255, 255})
			}
		}
	}
	return mask, img
}

// agree counts the pixels at which a mask differs from grey levels that are not near the middle.
func agree(mask []uint8, grey func(i int) float64) (differ, on int) {
	for i, m := range mask {
		v := grey(i)
		on += int(m)
		if v < 64 && m != 0 || v > 191 && m != 1 {
			differ++
		}
	}
	return differ, on
}

// TestMasksFollowTheirImages: a mask is brought to a square, and varied, as its image is, over many draws of every kind, and holds nothing but 0 and 1.
func TestMasksFollowTheirImages(t *testing.T) {
	how := data.Augmentation{CropScale: .4, FlipHorizontal: .5, FlipVertical: .5, Rotation: 90}
	const size = 64
	k, o := affine()
	for _, fit := range []data.Fit{data.FitPad, data.FitStretch} {
		for _, s := range [][2]int{{300, 200}, {130, 260}, {97, 97}, {40, 31}} {
			mask, img := disc(s[0], s[1])
			work := WorkSize(how, size)
			square, sq := SquareMask(mask, s[0], s[1], work, fit), Square(img, work, fit)
			if d, on := agree(square, func(i int) float64 { return float64(sq.Pix[3*i]) }); d > 0 || on == 0 {
				t.Errorf("%v of %v: %d pixels of the square differ, %d are of the class", fit, s, d, on)
			}
			a, total := NewAugmenter(how, size), 0
			dst, out := make([]float32, 3*size*size), make([]uint8, size*size)
			for draw := range 40 {
				a.Apply(dst, sq, 5, draw, 7)
				a.ApplyMask(out, square, work, 5, draw, 7)
				for _, v := range out {
					if v > 1 {
						t.Fatalf("a mask holds %d", v)
					}
				}
				d, on := agree(out, func(i int) float64 { return float64((dst[3*i] - o[0]) / k[0]) })
				if d > 5 { // of a ragged edge the nearest pixel may be one that little of the mean is of
					t.Errorf("%v of %v, draw %d: %d pixels differ from the image's", fit, s, draw, d)
				}
				total += on
			}
			if total < 40*100 {
				t.Errorf("%v of %v: %d pixels of the class in 40 draws", fit, s, total)
			}
		}
	}
}

// TestRestore: what a network says of a square comes back at the image's own size: a linear function exactly but at its edges, and a disc as it was.
func TestRestore(t *testing.T) {
	const size, stride = 48, 3
	for _, fit := range []data.Fit{data.FitPad, data.FitStretch} {
		for _, s := range [][2]int{{300, 200}, {20, 50}, {48, 48}, {1, 9}} {
			w, h := s[0], s[1]
			mask, img := disc(w, h)
			sq := Square(img, size, fit)
			values := make([]float64, size*size*stride)
			for i := range size * size {
				values[i*stride] = float64(sq.Pix[3*i]) - 127.5
			}
			dst := make([]float32, w*h)
			Restore(dst, values, stride, size, w, h, fit)
			wrong := 0
			for i, v := range dst {
				if (v > 0) != (mask[i] == 1) {
					wrong++
				}
			}
			if most := max(2, w*h/60); wrong > most {
				t.Errorf("%v of %v: %d of %d pixels come back otherwise", fit, s, wrong, w*h)
			}
			x0, y0, pw, ph := placed(w, h, size, fit)
			for y := range size {
				for x := range size {
					values[(y*size+x)*stride] = 2*(float64(x-x0)+.5)*float64(w)/float64(pw) - 3*(float64(y-y0)+.5)*float64(h)/float64(ph)
				}
			}
			Restore(dst, values, stride, size, w, h, fit)
			for y := h / 4; y < h*3/4; y++ {
				for x := w / 4; x < w*3/4; x++ {
					if want := 2*(float64(x)+.5) - 3*(float64(y)+.5); math.Abs(float64(dst[y*w+x])-want) > 1e-3 {
						t.Fatalf("%v of %v: %v at %d, %d, want %v", fit, s, dst[y*w+x], x, y, want)
					}
				}
			}
		}
	}
}

func TestSize(t *testing.T) {
	for _, name := range []string{"none.jpg", "."} {
		if _, _, err := Size(name); err == nil {
			t.Errorf("%s has a size", name)
		}
	}
}
