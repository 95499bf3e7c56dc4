package fundus

import (
	"math"
	"slices"
	"testing"

	"contig-gpu/data"
)

// From the known-answer file of Random123 (kat_vectors, philox4x32 10).
func TestPhiloxVectors(t *testing.T) {
	for _, c := range []struct {
		ctr  [4]uint32
		key  [2]uint32
		want [4]uint32
	}{
		{want: [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0)}, [2]uint32{^uint32(0), ^uint32(0)},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := Philox(c.ctr, c.key); got != c.want {
			t.Errorf("%08x, want %08x", got, c.want)
		}
	}
}

func TestPerm(t *testing.T) {
	p := NewRand(7, StreamOrder, 0, 0).Perm(1000)
	if slices.Equal(p, NewRand(7, StreamOrder, 1, 0).Perm(1000)) {
		t.Error("two epochs have one order")
	}
	slices.Sort(p)
	for i, v := range p {
		if i != v {
			t.Fatal("not a permutation")
		}
	}
}

// varied is an augmentation by what has always been there.
func varied() data.Augmentation {
	return data.Augmentation{CropScale: .5, FlipHorizontal: .5, Rotation: 20, Brightness: .2, Contrast: .2, Saturation: .2}
}

func picture(w, h int) *RGB {
	m := NewRGB(w, h)
	for i := range m.Pix {
		x, y, c := i/3%w, i/3/w, i%3
		m.Pix[i] = uint8(128 + 100*math.Sin(float64(x)/7+float64(c))*math.Cos(float64(y)/5))
	}
	return m
}

func TestNoVariationIsTheImage(t *testing.T) {
	src, a := picture(33, 33), NewAugmenter(data.Augmentation{}, 33)
	got, want := make([]float32, 3*33*33), make([]float32, 3*33*33)
	a.Apply(got, src, 1, 2, 3)
	Normalise(want, src.Pix)
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > 1e-5 {
			t.Fatalf("value %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestMirrorAndQuarterTurn(t *testing.T) {
	const n = 24
	src, out := picture(n, n), make([]float32, 3*n*n)
	v := variation{cx: .5, cy: .5, cw: 1, ch: 1, mirror: true}
	warp(out, src, n, v)
	for i := range out {
		x, y, c := i/3%n, i/3/n, i%3
		if out[i] != float32(src.Pix[3*(y*n+n-1-x)+c]) {
			t.Fatalf("mirrored value %d is %v", i, out[i])
		}
	}
	v.mirror, v.angle = false, math.Pi/2
	warp(out, src, n, v)
	for i := range out {
		x, y, c := i/3%n, i/3/n, i%3
		if out[i] != float32(src.Pix[3*((n-1-x)*n+y)+c]) {
			t.Fatalf("turned value %d is %v", i, out[i])
		}
	}
}

func TestRotationIsBlackOutside(t *testing.T) {
	const n = 32
	src := NewRGB(n, n)
	for i := range src.Pix {
		src.Pix[i] = 200
	}
	out := make([]float32, 3*n*n)
	warp(out, src, n, variation{cx: .5, cy: .5, cw: 1, ch: 1, angle: math.Pi / 9})
	if out[0] != 0 || out[3*n-1] != 0 || out[3*n*n-1] != 0 || out[3*(n*n/2+n/2)] != 200 {
		t.Errorf("corners %v %v %v, centre %v", out[0], out[3*n-1], out[3*n*n-1], out[3*(n*n/2+n/2)])
	}
}

func TestColour(t *testing.T) {
	v := variation{brightness: 1.1, contrast: .9, saturation: 1.2}
	px := []float32{100, 50, 20, 10, 200, 30}
	var sum [3]int64
	for i, p := range px {
		sum[i%3] += int64(p) << fixed
	}
	grey := func(p []float64) float64 { return .299*p[0] + .587*p[1] + .114*p[2] }
	want := make([]float64, 6)
	for i, p := range px {
		want[i] = 1.1 * float64(p)
	}
	mean := (grey(want[:3]) + grey(want[3:])) / 2
	for i := range want {
		want[i] = .9*want[i] + .1*mean
	}
	k, b := affine()
	for o := 0; o < 6; o += 3 {
		g := grey(want[o : o+3])
		for c := range 3 {
			s := 1.2*want[o+c] - .2*g
			want[o+c] = float64(k[c])*max(0, min(255, s)) + float64(b[c])
		}
	}
	colour(px, v, sum)
	for i := range px {
		if math.Abs(float64(px[i])-want[i]) > 1e-4 {
			t.Errorf("value %d is %v, want %v", i, px[i], want[i])
		}
	}
}

func TestDrawsDependOnTheirKeyAlone(t *testing.T) {
	src := picture(80, 80)
	a, b := NewAugmenter(varied(), 64), NewAugmenter(varied(), 64)
	one, two := make([]float32, 3*64*64), make([]float32, 3*64*64)
	a.Apply(one, src, 1, 2, 3)
	b.Apply(two, src, 9, 9, 9)
	if slices.Equal(one, two) {
		t.Error("another key gives the same image")
	}
	b.Apply(two, src, 1, 2, 3)
	if !slices.Equal(one, two) {
		t.Error("what was drawn before changes the image")
	}
}

func TestRanges(t *testing.T) {
	how := varied()
	mirror := 0
	for i := range 2000 {
		v := draw(how, NewRand(5, StreamAugment, 0, uint32(i)))
		area, aspect := v.cw*v.ch, v.cw/v.ch
		in := v.cx-v.cw/2 > -1e-9 && v.cx+v.cw/2 < 1+1e-9 && v.cy-v.ch/2 > -1e-9 && v.cy+v.ch/2 < 1+1e-9
		if !in || area < .5-1e-9 || area > 1 || aspect < .75-1e-9 || aspect > 4./3+1e-9 || math.Abs(v.angle) > math.Pi/9 {
			t.Fatalf("draw %d: %+v", i, v)
		}
		for _, f := range []float64{v.brightness, v.contrast, v.saturation} {
			if f < .8 || f > 1.2 {
				t.Fatalf("draw %d: %+v", i, v)
			}
		}
		if v.mirror {
			mirror++
		}
	}
	if mirror < 900 || mirror > 1100 {
		t.Errorf("%d of 2000 mirrored", mirror)
	}
}

func TestSquare(t *testing.T) {
	src := NewRGB(40, 20)
	for i := range src.Pix {
		src.Pix[i] = 100
	}
	p, s := Square(src, 16, data.FitPad), Square(src, 16, data.FitStretch)
	near(t, p, 8, 3, [3]uint8{}, 0)
	near(t, p, 8, 12, [3]uint8{}, 0)
	near(t, p, 0, 4, [3]uint8{100, 100, 100}, 0)
	near(t, p, 15, 11, [3]uint8{100, 100, 100}, 0)
	near(t, s, 8, 0, [3]uint8{100, 100, 100}, 0)
	one := Square(NewRGB(1000, 1), 8, data.FitPad)
	if one.W != 8 || one.H != 8 {
		t.Errorf("%d x %d", one.W, one.H)
	}
}

func TestPrefilterKeepsDetailFromAliasing(t *testing.T) {
	src := NewRGB(256, 256) // stripes of one pixel: grey when shrunk
	for i := range src.Pix {
		src.Pix[i] = uint8(255 * (i / 3 % 2))
	}
	out := make([]float32, 3*32*32)
	NewAugmenter(data.Augmentation{}, 32).Apply(out, src, 1, 1, 1)
	k, b := affine()
	for i, v := range out {
		if g := (v - b[i%3]) / k[i%3]; g < 115 || g > 140 {
			t.Fatalf("value %d is grey level %v", i, g)
		}
	}
}

func benchmarkAugment(b *testing.B, how data.Augmentation) {
	work := WorkSize(how, 64)
	a, src := NewAugmenter(how, 64), picture(work, work)
	dst := make([]float32, 3*64*64)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Apply(dst, src, 1, 0, i)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "img/s")
}

func BenchmarkAugmentVaried(b *testing.B) { benchmarkAugment(b, varied()) }

func BenchmarkAugmentRotation(b *testing.B) {
	benchmarkAugment(b, data.Augmentation{FlipHorizontal: .5, Rotation: 20})
}

func BenchmarkAugmentBlur(b *testing.B) {
	benchmarkAugment(b, data.Augmentation{Blur: 1, BlurSigma: 2})
}

func BenchmarkResize(b *testing.B) {
	src := picture(1411, 1411)
	for b.Loop() {
		Resize(src, 64, 64)
	}
}
