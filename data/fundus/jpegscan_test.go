package fundus

import (
	"bytes"
	"image"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
)

func testdata(t testing.TB, name string) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// jpegs returns intact files of all kinds that are verified.
func jpegs(t testing.TB) map[string][]byte {
	p := picture(90, 71)
	m, grey := image.NewNRGBA(image.Rect(0, 0, 90, 71)), image.NewGray(image.Rect(0, 0, 90, 71))
	for i := range 90 * 71 {
		copy(m.Pix[4*i:], append(p.Pix[3*i:3*i+3:3*i+3], 255))
		grey.Pix[i] = p.Pix[3*i]
	}
	return map[string][]byte{"colour": asJPEG(t, m), "grey": asJPEG(t, grey),
		"progressive": testdata(t, "progressive.jpg"), "restart": testdata(t, "restart.jpg")}
}

func TestIntactJPEGsPass(t *testing.T) {
	for name, b := range jpegs(t) {
		if _, err := Decode(write(t, name, append(b, "trailing notes"...))); err != nil {
			t.Errorf("%s with bytes after its end: %v", name, err)
		}
	}
	refused(t, filepath.Join("testdata", "arithmetic.jpg"), "arithmetic coding")
}

func TestOverwrittenJPEGsAreRefused(t *testing.T) {
	for name, b := range jpegs(t) {
		at := bytes.LastIndex(b, []byte{0xFF, 0xDA}) + 12
		if name == "progressive" {
			at = len(b) / 3
		}
		zero := bytes.Clone(b)
		clear(zero[(at+len(b))/2 : len(b)-2])
		refused(t, write(t, name, zero), "corrupt")
		noise := bytes.Clone(b)
		rand.New(rand.NewSource(1)).Read(noise[(at+len(b))/2 : len(b)-2])
		refused(t, write(t, name, noise), "corrupt")
		short := append(bytes.Clone(b[:(at+len(b))/2]), 0xFF, 0xD9) // an end put behind the cut
		refused(t, write(t, name, short), "corrupt")
	}
}

func TestMissingScansAreRefused(t *testing.T) {
	b := testdata(t, "progressive.jpg")
	for n := 0; ; n++ {
		last := bytes.LastIndex(b, []byte{0xFF, 0xDA})
		tables := bytes.LastIndex(b, []byte{0xFF, 0xC4})
		if last < 0 {
			if n < 5 {
				t.Errorf("only %d scans", n)
			}
			return
		}
		b = append(bytes.Clone(b[:min(last, max(tables, last-80))]), 0xFF, 0xD9)
		refused(t, write(t, "x.jpg", b), "corrupt")
	}
}

func BenchmarkDecodeJPEG(b *testing.B) {
	path := photograph(b)
	for b.Loop() {
		if _, err := Decode(path); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
