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
