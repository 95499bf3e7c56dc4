package fundus

import (
	"bytes"
	"image/color"
	"image/png"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
)

func newRandom(seed int64) *rand.Rand { return rand.New(rand.NewSource(seed)) }

// off reports whether a value is more than a level from where it should be.
func off(v uint8, want float64) bool { return math.Abs(float64(v)-max(0, min(255, want))) > 1 }

// cosine is the inverse transform by its definition: ITU-T T.81, A.3.3.
func cosine(c *jpegBlock, q *[64]int32, x, y int) float64 {
	sum := 0.0
	for i, v := range c {
		u, w, scale := float64(i%8), float64(i/8), 0.25
		if i%8 == 0 {
			scale *= math.Sqrt2 / 2
		}
		if i/8 == 0 {
			scale *= math.Sqrt2 / 2
		}
		sum += scale * float64(v) * float64(q[i]) * math.Cos((2*float64(x)+1)*u*math.Pi/16) * math.Cos((2*float64(y)+1)*w*math.Pi/16)
	}
	return sum + 128
}

// anything decodes bytes that may be anything: it ends, does not panic, and an image has its pixels and no more
// of them than the bytes can say.
func anything(t *testing.T, b []byte) {
	m, p := decoded(b)
	if (m == nil) == (p == nil) {
		t.Fatalf("image %v, problem %v", m, p)
	}
	if m != nil && (len(m.Pix) != 3*m.W*m.H || m.W*m.H > 8500*(len(b)+64)) {
		t.Fatalf("%d x %d, %d values from %d bytes", m.W, m.H, len(m.Pix), len(b))
	}
}

func FuzzDecode(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.[jp][pn]g"))
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, b := range pngs(f) {
		f.Add(b)
	}
	f.Fuzz(anything)
}

// FuzzOrientation reads a directory of EXIF, a profile and XMP from anything.
func FuzzOrientation(f *testing.F) {
	f.Add(tiffOf("II", 3, 1, 6))
	f.Add(tiffOf("MM", 5, 1, 6))
	f.Add([]byte("\nexif\n 8\n45786966\n"))
	f.Add([]byte(`<a tiff:Orientation="6"/>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, n := range []note{{exif: b, xmp: b}, {exif: unhex(b)}} {
			if o := n.orientation(); o < 1 || o > 8 {
				t.Fatalf("orientation %d", o)
			}
		}
	})
}

// Bytes of good files are changed at random.
func TestDecodeTakesAnything(t *testing.T) {
	r := newRandom(2)
	files := jpegs(t)
	for name, b := range pngs(t) {
		files[name] = b
	}
	for _, b := range files {
		for range 200 {
			bad := bytes.Clone(b)
			for range 1 + r.Intn(4) {
				bad[2+r.Intn(len(bad)-2)] = byte(r.Intn(256))
			}
			anything(t, bad[:2+r.Intn(len(bad)-1)])
			anything(t, bad)
		}
	}
}

// standard returns the pixels that image/png makes, transparency left out.
func standard(t *testing.T, b []byte) []uint8 {
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var out []uint8
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			switch c := m.At(x, y).(type) {
			case color.NRGBA: // converted it would lose the colour of what is transparent
				out = append(out, c.R, c.G, c.B)
			case color.NRGBA64:
				out = append(out, uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8))
			default:
				r, g, b, _ := c.RGBA()
				out = append(out, uint8(r>>8), uint8(g>>8), uint8(b>>8))
			}
		}
	}
	return out
}
