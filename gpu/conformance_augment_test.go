package gpu_test

import (
	"fmt"
	"math"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// album is a batch of images and their variations.
type album struct {
	want                        []float64 // what data/fundus makes of them, [n, side, side, 3]
	src, geometry, colour, norm gputest.Twin
}

// augmentations are what albums are varied by.
func augmentations() map[string]data.Augmentation {
	return map[string]data.Augmentation{
		"all":  {CropScale: .5, FlipHorizontal: .5, FlipVertical: .5, Rotation: 20, Brightness: .2, Contrast: .2, Saturation: .2, Greyscale: .5, Blur: .5, BlurSigma: 2},
		"turn": {FlipHorizontal: .5, Rotation: 20},
	}
}

// newAlbum varies n images of w x h pixels to side x side, on the host and in numbers for a device.
func newAlbum(l *gputest.Lab, how string, n, w, h, side int) album {
	a, pix, dst := album{}, noise(how, n*w*h*3), make([]float32, 3*side*side)
	aug := fundus.NewAugmenter(augmentations()[how], side)
	var geometry []int32
	var colour []float64
	for i := range n {
		m := &fundus.RGB{W: w, H: h, Pix: pix[i*w*h*3 : (i+1)*w*h*3]}
		p := aug.Params(w, h, 5, 2, i)
		geometry = append(geometry, p.Geometry[:]...)
		aug.Apply(dst, m, 5, 2, i)
		copy(m.Pix, aug.Blurred(m, 5, 2, i).Pix)
		for _, v := range dst {
			a.want = append(a.want, float64(v))
		}
		for _, v := range p.Colour {
			colour = append(colour, float64(v))
		}
	}
	a.src, a.geometry = l.Bytes(pix, n, h, w, 3), l.Ints(geometry, n, gpu.AugmentFields)
	a.colour, a.norm = l.Put(l.VectorType(), colour, n, 3), l.Put(l.VectorType(), normalisation(), 6)
	return a
}

func normalisation() []float64 {
	var out []float64
	for _, v := range fundus.Normalisation() {
		out = append(out, float64(v))
	}
	return out
}

func (a album) run(l *gputest.Lab, side, channels int) gputest.Twin {
	y := l.Out(a.src.On.Dim(0), side, side, channels)
	l.Run(func(of func(gputest.Twin) gpu.Tensor) {
		gpu.Augment(of(y), of(a.src), of(a.geometry), of(a.colour), of(a.norm))
	})
	return y
}

// TestConformanceAugment holds every target against float64 and against data/fundus: enlarged, shrunk by the filter,
// in one direction only, and as they are.
func TestConformanceAugment(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		for _, s := range [][3]int{{40, 40, 32}, {33, 33, 33}, {70, 70, 33}, {16, 16, 37}, {90, 20, 24}, {1, 1, 3}, {5, 60, 12}} {
			for i, how := range []string{"all", "turn"} {
				what := fmt.Sprintf("%s, %d x %d to %d", how, s[0], s[1], s[2])
				a := newAlbum(l, how, 3, s[0], s[1], s[2])
				y := a.run(l, s[2], 3+i)
				l.Same(what, y, 1, 4)
				ref := colours(gputest.Values(y.Ref), 3+i)
				gputest.Close(l.TB, what+": data/fundus", ref, a.want, 1e-6)
			}
		}
	})
}

// colours returns the first three of some channels; the others must be 0.
func colours(x []float64, channels int) []float64 {
	var out []float64
	for i := 0; i < len(x); i += channels {
		out = append(out, x[i:i+3]...)
		for _, v := range x[i+3 : i+channels] {
			if v != 0 {
				return nil
			}
		}
	}
	return out
}

// TestConformanceAugmentWays has what the kernels tell apart: more than a square of pixels to a block, shrinking by almost 7 in both
// directions and in one, sources that begin at every byte of a word, single columns and rows, turns by any angle, enlargement, what lies
// far outside, and weights of more than 16 bits.
func TestConformanceAugmentWays(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		const one = 1 << 16
		for i, c := range []struct {
			w, h, side, channels, images, at int
			geometry                         [gpu.AugmentFields]int32
		}{
			{67, 71, 70, 4, 2, 0, [10]int32{0, 0, one, 0, 0, one, 67, 71, 0, 0}},
			{67, 71, 40, 3, 2, 1, [10]int32{5 * one / 3, -one / 4, 3 * one / 4, -one / 3, one / 3, 3 * one / 4, 45, 44, 15, 15}},
			{487, 69, 37, 4, 1, 2, [10]int32{0, 0, one, 0, 0, 2 * one, 70, 69, 17, 14}},
			{35, 480, 65, 5, 1, 3, [10]int32{34 * one, 0, -one, 0, 0, one, 35, 69, 14, 17}},
			{250, 243, 36, 8, 3, 1, [10]int32{one / 3, one / 7, one, 0, 0, one, 36, 35, 17, 17}},
			{1, 40, 33, 3, 3, 2, [10]int32{-one / 2, 0, one / 33, 0, 0, one, 1, 40, 0, 0}},
			{40, 1, 33, 4, 3, 3, [10]int32{0, -one / 2, one, 0, 0, one / 33, 40, 1, 0, 0}},
			{1, 1, 9, 3, 1, 0, [10]int32{-one / 2, -one / 2, one / 8, 0, 0, one / 8, 1, 1, 0, 0}},
			{5, 3, 34, 4, 2, 1, [10]int32{4 * one, 0, 0, one / 11, -one / 7, 0, 5, 3, 0, 0}},
			{33, 34, 40, 4, 2, 3, [10]int32{-1 << 31, 1<<31 - 1, 1 << 26, -1 << 26, 1<<31 - 1, -1 << 31, 33, 34, 0, 0}},
			{50, 47, 33, 4, 1, 1, [10]int32{0, 0, one, one / 9, -one / 9, one, 33, 31, 17, 18}},
			{66, 62, 33, 4, 1, 3, [10]int32{0, 0, one, 0, 0, one, 33, 31, 2, 2}}, // weights add up to more than 1
		} {
			what := fmt.Sprintf("%d: %d x %d to %d", i, c.w, c.h, c.side)
			pixels := c.w * c.h * 3
			pix := noise(what, pixels*c.images+c.at)
			pix[len(pix)-1] = 255
			var geometry []int32
			for range c.images {
				geometry = append(geometry, c.geometry[:]...)
			}
			all := l.Bytes(pix, len(pix))
			g := l.Ints(geometry, c.images, gpu.AugmentFields)
			colour, norm := l.InVec("colour", .7, 1.3, c.images, 3), l.Put(l.VectorType(), normalisation(), 6)
			y := l.Out(c.images, c.side, c.side, c.channels)
			l.Run(func(of func(gputest.Twin) gpu.Tensor) {
				src := of(all).Slice(c.at, len(pix)).View(c.images, c.h, c.w, 3)
				gpu.Augment(of(y), src, of(g), of(colour), of(norm))
			})
			l.Same(what, y, 1, 4)
			if colours(gputest.Values(y.On), c.channels) == nil {
				l.Errorf("%s: a channel behind the colours is not 0", what)
			}
		}
	})
}

// TestAugmentPlain: an image of the right size is normalised and nothing else.
func TestAugmentPlain(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		const side = 35
		pix := noise("pixels", side*side*3)
		p := fundus.NewAugmenter(data.Augmentation{}, side).Plain()
		a := album{src: l.Bytes(pix, 1, side, side, 3), geometry: l.Ints(p.Geometry[:], 1, gpu.AugmentFields),
			colour: l.Put(l.VectorType(), []float64{1, 1, 1}, 1, 3), norm: l.Put(l.VectorType(), normalisation(), 6)}
		got, plain := a.run(l, side, 3), make([]float32, len(pix))
		fundus.Normalise(plain, pix)
		want := make([]float64, len(plain))
		for i, v := range plain {
			want[i] = float64(v)
		}
		gputest.Close(l.TB, "image", gputest.Values(got.On), want, math.Max(1e-6, gputest.Tol(l.Type, 1)))
	})
}

// TestAugmentRefuses: sizes that make no sense give NaN for that image alone.
func TestAugmentRefuses(t *testing.T) {
	conform(t, func(l *gputest.Lab) {
		a := newAlbum(l, "turn", 3, 16, 16, 8)
		g := make([]int32, 3*gpu.AugmentFields)
		gpu.Read(g, a.geometry.On)
		g[6], g[2*gpu.AugmentFields+7] = 0, 17
		a.geometry = l.Ints(g, 3, gpu.AugmentFields)
		v := gputest.Values(a.run(l, 8, 3).On)
		for i, x := range v {
			if math.IsNaN(x) != (i < len(v)/3 || i >= 2*len(v)/3) {
				l.Fatalf("value %d of %d is %v", i, len(v), x)
			}
		}
	})
}
