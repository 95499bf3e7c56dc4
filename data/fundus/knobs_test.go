package fundus

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"contig-gpu/data"
)

// TestDrawsStay: the draws of the two recipes that checkpoints were trained with, in whole numbers, which no platform rounds
// otherwise.
func TestDrawsStay(t *testing.T) {
	paper := data.Augmentation{FlipHorizontal: .5, Rotation: 20}
	for _, c := range []struct {
		how          data.Augmentation
		seed         uint64
		epoch, index int
		want         Params
	}{
		{varied(), 42, 0, 0, Params{[10]int32{4156595, 317945, -64756, 4176, 4155, 65085, 80, 80, 0, 0}, [3]float32{1.0311475, 1.1415328, 0.8214372}}},
		{varied(), 42, 3, 17, Params{[10]int32{-425823, 1043268, 64453, -15693, 15743, 64251, 72, 76, 15, 15}, [3]float32{1.0869774, 0.8478169, 0.89801294}}},
		{varied(), 7, 100, 1259, Params{[10]int32{4929125, 667733, -54455, -8081, -6678, 65901, 80, 77, 14, 15}, [3]float32{0.8926639, 1.1654301, 1.0274903}}},
		{paper, 42, 3, 17, Params{[10]int32{-138212, 148155, 65378, -4546, 4546, 65378, 64, 64, 0, 0}, [3]float32{1, 1, 1}}},
		{paper, 7, 100, 1259, Params{[10]int32{3483290, -487100, -63022, 17977, 17977, 63022, 64, 64, 0, 0}, [3]float32{1, 1, 1}}},
	} {
		work := WorkSize(c.how, 64)
		if got := NewAugmenter(c.how, 64).Params(work, work, c.seed, c.epoch, c.index); got != c.want {
			t.Errorf("%+v, image %d: %v, want %v", c.how, c.index, got, c.want)
		}
	}
}

// TestKnobsAreAlone: what one knob draws, and whether it draws, shifts no other's draws.
func TestKnobsAreAlone(t *testing.T) {
	all := varied()
	all.FlipVertical, all.Greyscale, all.Blur, all.BlurSigma = 1, 1, 1, 3
	for i := range 50 {
		key := func() *Rand { return NewRand(5, StreamAugment, 1, uint32(i)) }
		want, got := draw(varied(), key()), draw(all, key())
		if !got.flip || got.saturation != 0 || !(got.sigma >= data.LeastBlur && got.sigma < 3) {
			t.Fatalf("image %d: %+v", i, got)
		}
		got.flip, got.saturation, got.sigma = want.flip, want.saturation, 0
		if got != want || want.sigma != 0 {
			t.Fatalf("image %d: %+v beside the other knobs, %+v alone", i, got, want)
		}
	}
}

// TestSections: a section is the same whatever was drawn before, and no two are alike.
func TestSections(t *testing.T) {
	g := NewRand(5, StreamAugment, 1, 2)
	seen := map[uint32]uint32{g.Uint32(): 0}
	for n := uint32(1); n < 4; n++ {
		x := g.Section(n).Uint32()
		if m, again := seen[x]; again {
			t.Errorf("sections %d and %d begin alike", m, n)
		}
		seen[x] = n
		g.Uint32()
		if g.Section(n).Uint32() != x {
			t.Errorf("section %d depends on what was drawn", n)
		}
	}
}

// TestProbabilities: each knob with a probability varies about so many of the images, independently of the others.
func TestProbabilities(t *testing.T) {
	const n = 4000
	how := data.Augmentation{FlipHorizontal: .5, FlipVertical: .25, Greyscale: .2, Blur: .4, BlurSigma: 2, Saturation: .1}
	var h, v, g, b, flipped, grey int
	for i := range n {
		x := draw(how, NewRand(5, StreamAugment, 0, uint32(i)))
		count := func(n *int, yes bool) {
			if yes {
				*n++
			}
		}
		count(&h, x.mirror)
		count(&v, x.flip)
		count(&g, x.saturation == 0)
		count(&b, x.sigma > 0)
		count(&flipped, x.flip && x.sigma > 0)
		count(&grey, x.saturation == 0 && x.sigma > 0)
	}
	for _, c := range []struct {
		what string
		got  int
		want float64
	}{{"mirrored", h, .5}, {"flipped", v, .25}, {"grey", g, .2}, {"blurred", b, .4}, {"flipped and blurred", flipped, .1}, {"grey and blurred", grey, .08}} {
		if d := math.Abs(float64(c.got) - n*c.want); d > 4*math.Sqrt(n*c.want*(1-c.want)) {
			t.Errorf("%d of %d %s, want %g of them", c.got, n, c.what, c.want)
		}
	}
}

// TestFlipsAreExact: a flip of probability 1 exchanges pixels and changes none.
func TestFlipsAreExact(t *testing.T) {
	const n = 24
	src, got, want := picture(n, n), make([]float32, 3*n*n), make([]float32, 3*n*n)
	for _, how := range []data.Augmentation{{FlipHorizontal: 1}, {FlipVertical: 1}, {FlipHorizontal: 1, FlipVertical: 1}} {
		flipped := NewRGB(n, n)
		for i := range flipped.Pix {
			x, y, c := i/3%n, i/3/n, i%3
			if how.FlipHorizontal == 1 {
				x = n - 1 - x
			}
			if how.FlipVertical == 1 {
				y = n - 1 - y
			}
			flipped.Pix[i] = src.Pix[3*(y*n+x)+c]
		}
		NewAugmenter(how, n).Apply(got, src, 1, 2, 3)
		NewAugmenter(data.Augmentation{}, n).Apply(want, flipped, 1, 2, 3)
		if !slices.Equal(got, want) {
			t.Errorf("%+v: not the exchanged pixels", how)
		}
	}
}

// TestGreyscale: all channels of a pixel are the luminance of the image that is varied otherwise.
func TestGreyscale(t *testing.T) {
	const n = 20
	how := data.Augmentation{Rotation: 30, Brightness: .1}
	src, got, coloured := picture(n, n), make([]float32, 3*n*n), make([]float32, 3*n*n)
	NewAugmenter(how, n).Apply(coloured, src, 1, 2, 3)
	how.Greyscale = 1
	NewAugmenter(how, n).Apply(got, src, 1, 2, 3)
	k, b := affine()
	for i := 0; i < len(got); i += 3 {
		var level, was [3]float64
		for c := range 3 {
			level[c] = (float64(got[i+c]) - float64(b[c])) / float64(k[c])
			was[c] = (float64(coloured[i+c]) - float64(b[c])) / float64(k[c])
		}
		if l := greyR*was[0] + greyG*was[1] + greyB*was[2]; math.Abs(level[0]-l) > 1e-4 || math.Abs(level[1]-l) > 1e-4 || math.Abs(level[2]-l) > 1e-4 {
			t.Fatalf("pixel %d is %v, want %g three times", i/3, level, l)
		}
	}
}

// TestJitterAtZeroIsTheImage: ranges of 0 leave every value as it is, whatever the seed.
func TestJitterAtZeroIsTheImage(t *testing.T) {
	for i := range 20 {
		if v := draw(data.Augmentation{CropScale: 1, BlurSigma: 9}, NewRand(uint64(i), StreamAugment, 0, 0)); v != (variation{cx: .5, cy: .5, cw: 1, ch: 1, brightness: 1, contrast: 1, saturation: 1}) {
			t.Fatalf("seed %d: %+v", i, v)
		}
	}
}

// TestCropOfAllIsNone: a least area of 1 draws what no crop draws.
func TestCropOfAllIsNone(t *testing.T) {
	none := varied()
	none.CropScale = 0
	one := none
	one.CropScale = 1
	for i := range 20 {
		if a, b := draw(one, NewRand(1, StreamAugment, 0, uint32(i))), draw(none, NewRand(1, StreamAugment, 0, uint32(i))); a != b {
			t.Fatalf("image %d: %+v, want %+v", i, a, b)
		}
	}
	if WorkSize(one, 64) != 64 {
		t.Error("images are kept larger for a crop of all")
	}
}

// direct is the blur in float64: both dimensions at once, weights normalised, mirrored at the edges.
func direct(src *RGB, sigma float64) []float64 {
	r := int(math.Ceil(3 * sigma))
	at := func(i, n int) int {
		for i < 0 || i >= n {
			if i < 0 {
				i = -1 - i
			} else {
				i = 2*n - 1 - i
			}
		}
		return i
	}
	out, norm := make([]float64, len(src.Pix)), 0.0
	for dy := -r; dy <= r; dy++ {
		for dx := -r; dx <= r; dx++ {
			w := math.Exp(-float64(dx*dx+dy*dy) / (2 * sigma * sigma))
			norm += w
			for i := range out {
				x, y, c := at(i/3%src.W+dx, src.W), at(i/3/src.W+dy, src.H), i%3
				out[i] += w * float64(src.Pix[3*(y*src.W+x)+c])
			}
		}
	}
	for i := range out {
		out[i] /= norm
	}
	return out
}

// TestBlur: the direct convolution to rounding, and its mean; images smaller than the filter too.
func TestBlur(t *testing.T) {
	var b blurrer
	for _, c := range []struct {
		w, h  int
		sigma float64
	}{{17, 9, .7}, {9, 17, 2}, {40, 40, 1.3}, {3, 2, 4}, {1, 1, 2}, {12, 1, 1}, {16, 16, .1}} {
		t.Run(fmt.Sprintf("%dx%d,%g", c.w, c.h, c.sigma), func(t *testing.T) {
			g, src := NewRand(1, 2, 3, 4), NewRGB(c.w, c.h)
			for i := range src.Pix {
				src.Pix[i] = uint8(g.Intn(256))
			}
			before := slices.Clone(src.Pix)
			got, want := b.blur(src, c.sigma), direct(src, c.sigma)
			// Rounding to whole levels, of the weights (each half a unit of 2^-16) and between the passes.
			tolerance := .5 + 255*float64(len(b.weight))/(1<<blurBits) + 1./(1<<midBits)
			sum, was := 0.0, 0.0
			for i, v := range got.Pix {
				if math.Abs(float64(v)-want[i]) > tolerance {
					t.Fatalf("value %d is %d, want %g", i, v, want[i])
				}
				sum, was = sum+want[i], was+float64(before[i])
			}
			if math.Abs(sum-was) > 1e-9*was {
				t.Errorf("the mean of the convolution changes by %g", (sum-was)/float64(len(before)))
			}
			if !slices.Equal(src.Pix, before) {
				t.Error("the image itself changed")
			}
			if c.sigma == data.LeastBlur && !slices.Equal(got.Pix, before) {
				t.Error("the smallest blur is not the image")
			}
		})
	}
	if src := picture(5, 5); b.blur(src, 0) != src {
		t.Error("no blur is not the image itself")
	}
}

// TestBlurKeepsLevels: an image of one level stays so exactly, and the mean of noise stays within a tenth of a level.
func TestBlurKeepsLevels(t *testing.T) {
	var b blurrer
	for sigma := data.LeastBlur; sigma < 9; sigma += .37 {
		b.fit(sigma)
		one := uint32(0)
		for _, w := range b.weight {
			one += w
		}
		if one != 1<<blurBits {
			t.Errorf("sigma %g: the weights add up to %d, want %d", sigma, one, 1<<blurBits)
		}
		for _, level := range []uint8{0, 1, 127, 254, 255} {
			flat := NewRGB(7, 5)
			for i := range flat.Pix {
				flat.Pix[i] = level
			}
			if got := b.blur(flat, sigma); slices.Min(got.Pix) != level || slices.Max(got.Pix) != level {
				t.Fatalf("sigma %g: %d became %d to %d", sigma, level, slices.Min(got.Pix), slices.Max(got.Pix))
			}
		}
		g, src, was, sum := NewRand(9, 2, 3, 4), NewRGB(64, 64), 0, 0
		for i := range src.Pix {
			src.Pix[i] = uint8(g.Intn(256))
			was += int(src.Pix[i])
		}
		for _, v := range b.blur(src, sigma).Pix {
			sum += int(v)
		}
		if d := math.Abs(float64(sum-was)) / float64(len(src.Pix)); d > .1 {
			t.Errorf("sigma %g: the mean changed by %g", sigma, d)
		}
	}
}

// TestBothPathsBlurAlike: Apply is Apply without blur of the pixels that a device gets.
func TestBothPathsBlurAlike(t *testing.T) {
	how := varied()
	how.Blur, how.BlurSigma = .5, 2
	sharp := how
	sharp.Blur = 0
	a, s, src := NewAugmenter(how, 16), NewAugmenter(sharp, 16), picture(20, 20)
	one, two, blurred := make([]float32, 3*16*16), make([]float32, 3*16*16), 0
	for i := range 20 {
		pixels := a.Blurred(src, 1, 2, i)
		if pixels != src {
			blurred++
		}
		pixels = &RGB{W: 20, H: 20, Pix: slices.Clone(pixels.Pix)}
		a.Apply(one, src, 1, 2, i)
		s.Apply(two, pixels, 1, 2, i)
		if !slices.Equal(one, two) || a.Params(20, 20, 1, 2, i) != s.Params(20, 20, 1, 2, i) {
			t.Fatalf("image %d differs", i)
		}
	}
	if blurred < 5 || blurred > 15 {
		t.Errorf("%d of 20 images are blurred", blurred)
	}
}
