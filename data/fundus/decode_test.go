package fundus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
)

// four is a 16 x 8 image of four colours in its quarters, two blocks of a JPEG in width.
func four() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, 32, 16))
	for y := range 16 {
		for x := range 32 {
			c := color.NRGBA{A: 255}
			if x < 16 {
				c.R = 200
			}
			if y < 8 {
				c.G = 160
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func asPNG(t testing.TB, m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 98}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t testing.TB, name string, b []byte) string {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func tiff(order binary.AppendByteOrder, mark string, orientation uint16) []byte {
	b := append([]byte(mark), 0, 0, 0, 0, 0, 0)
	copy(b[2:], order.AppendUint32(order.AppendUint16(nil, 42), 8))
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(order.AppendUint16(b, tagOrientation), 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, orientation)
	return append(b, 0, 0, 0, 0, 0, 0)
}

func withAPP1(b, exif []byte) []byte {
	seg := append([]byte("Exif\x00\x00"), exif...)
	head := append([]byte{0xFF, 0xD8, 0xFF, 0xE1}, byte((len(seg)+2)>>8), byte(len(seg)+2))
	return append(append(head, seg...), b[2:]...)
}

func withEXIF(b, exif []byte) []byte {
	chunk := append([]byte("eXIf"), exif...)
	out := append([]byte{}, b[:33]...) // signature and IHDR
	out = binary.BigEndian.AppendUint32(out, uint32(len(exif)))
	out = append(out, chunk...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
	return append(out, b[33:]...)
}

func near(t *testing.T, m *RGB, x, y int, want [3]uint8, tolerance int) {
	t.Helper()
	for c, w := range want {
		if d := int(m.Pix[3*(y*m.W+x)+c]) - int(w); d < -tolerance || d > tolerance {
			t.Errorf("pixel (%d, %d) is %v, want %v", x, y, m.Pix[3*(y*m.W+x):][:3], want)
			return
		}
	}
}

func TestDecodeKinds(t *testing.T) {
	src := four()
	grey, grey16 := image.NewGray(src.Rect), image.NewGray16(src.Rect)
	deep, alpha := image.NewNRGBA64(src.Rect), image.NewNRGBA(src.Rect)
	pal := image.NewPaletted(src.Rect, append(palette.WebSafe[:200:200], color.NRGBA{200, 160, 0, 128}))
	for y := range 16 {
		for x := range 32 {
			grey.SetGray(x, y, color.Gray{90})
			grey16.SetGray16(x, y, color.Gray16{0x5A80})
			deep.SetNRGBA64(x, y, color.NRGBA64{0xC8C8, 0x5A00, 0x5AFF, 0xFFFF})
			alpha.SetNRGBA(x, y, color.NRGBA{200, 100, 50, 51})
			pal.SetColorIndex(x, y, 200)
		}
	}
	for _, c := range []struct {
		name string
		file []byte
		want [3]uint8
		tol  int
	}{
		{"jpeg", asJPEG(t, src), [3]uint8{200, 160, 0}, 4},
		{"grey jpeg", asJPEG(t, grey), [3]uint8{90, 90, 90}, 1},
		{"png", asPNG(t, src), [3]uint8{200, 160, 0}, 0},
		{"grey png", asPNG(t, grey), [3]uint8{90, 90, 90}, 0},
		{"grey 16", asPNG(t, grey16), [3]uint8{90, 90, 90}, 0},
		{"16 bit", asPNG(t, deep), [3]uint8{200, 90, 91}, 0},
		{"alpha left out", asPNG(t, alpha), [3]uint8{200, 100, 50}, 0},
		{"palette with alpha", asPNG(t, pal), [3]uint8{200, 160, 0}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Decode(write(t, "x.dat", c.file)) // content, not suffix
			if err != nil {
				t.Fatal(err)
			}
			if m.W != 32 || m.H != 16 || len(m.Pix) != 3*32*16 {
				t.Fatalf("%d x %d", m.W, m.H)
			}
			near(t, m, 2, 2, c.want, c.tol)
		})
	}
}

// Light and inks against their definitions in real numbers.
func TestColoursAgreeWithTheirFormulas(t *testing.T) {
	off := func(v uint8, want float64) bool { return math.Abs(float64(v)-max(0, min(255, want))) > 0.51 }
	for y := range 256 {
		for b := 0; b < 256; b += 5 {
			for r := 0; r < 256; r += 5 {
				l, u, v := float64(y), float64(b-128), float64(r-128)
				cr, cg, cb := fromYCC(uint8(y), uint8(b), uint8(r))
				if off(cr, l+1.402*v) || off(cg, l-0.344136*u-0.714136*v) || off(cb, l+1.772*u) {
					t.Fatalf("(%d, %d, %d) is (%d, %d, %d)", y, b, r, cr, cg, cb)
				}
			}
		}
		for k := range 256 {
			if got := ink(uint8(y), uint8(k)); off(got, float64(y*k)/255) {
				t.Fatalf("ink %d under black %d is %d", y, k, got)
			}
		}
	}
}

// The corners of four(), clockwise from the top left.
func TestOrientation(t *testing.T) {
	tl, tr, br, bl := [3]uint8{200, 160, 0}, [3]uint8{0, 160, 0}, [3]uint8{0, 0, 0}, [3]uint8{200, 0, 0}
	shown := [9][4][3]uint8{1: {tl, tr, br, bl}, 2: {tr, tl, bl, br}, 3: {br, bl, tl, tr}, 4: {bl, br, tr, tl},
		5: {tl, bl, br, tr}, 6: {bl, tl, tr, br}, 7: {br, tr, tl, bl}, 8: {tr, br, bl, tl}}
	for o := uint16(1); o <= 8; o++ {
		files := [][]byte{
			withAPP1(asJPEG(t, four()), tiff(binary.LittleEndian, "II", o)),
			withAPP1(asJPEG(t, four()), tiff(binary.BigEndian, "MM", o)),
			withEXIF(asPNG(t, four()), tiff(binary.BigEndian, "MM", o)),
		}
		for _, f := range files {
			m, err := Decode(write(t, "o", f))
			if err != nil {
				t.Fatal(err)
			}
			if (m.H > m.W) != (o >= 5) {
				t.Fatalf("orientation %d: %d x %d", o, m.W, m.H)
			}
			for i, at := range [4][2]int{{2, 2}, {m.W - 3, 2}, {m.W - 3, m.H - 3}, {2, m.H - 3}} {
				near(t, m, at[0], at[1], shown[o][i], 6)
			}
		}
	}
}

func TestBrokenExifIsNoOrientation(t *testing.T) {
	whole := tiff(binary.LittleEndian, "II", 6)
	for n := range whole[:len(whole)-8] {
		if got, said := tiffOrientation(whole[:n]); got != 1 || said {
			t.Errorf("%d bytes: orientation %d", n, got)
		}
	}
	far := append([]byte{}, whole...)
	binary.LittleEndian.PutUint32(far[4:], 0xFFFFFFFF)
	if got, _ := tiffOrientation(far); got != 1 {
		t.Errorf("directory beyond the end: orientation %d", got)
	}
	j := withAPP1(asJPEG(t, four()), whole)
	for n := range 60 {
		jpegOrientation(j[:n])
	}
}

func refused(t *testing.T, path, part string) {
	t.Helper()
	m, err := Decode(path)
	var p *data.Problem
	if !errors.As(err, &p) || m != nil {
		t.Fatalf("%q is no Problem", err)
	}
	if p.Code != 501 || p.File != path || p.Fix == "" || !strings.Contains(err.Error(), part) {
		t.Errorf("%v\nwant E501 of %s about %q", err, path, part)
	}
}

func TestTruncatedNeverPartial(t *testing.T) {
	for name, b := range map[string][]byte{"a.jpg": asJPEG(t, four()), "a.png": asPNG(t, four())} {
		for n := 9; n < len(b)-1; n += 1 + len(b)/97 {
			refused(t, write(t, name, b[:n]), "truncated or corrupt")
		}
		refused(t, write(t, name, b[:len(b)-1]), "truncated or corrupt")
	}
}

func TestCorrupt(t *testing.T) {
	b := asPNG(t, four())
	for i := 40; i < len(b)-16; i += 3 {
		bad := append([]byte{}, b...)
		bad[i] ^= 0x55
		refused(t, write(t, "a.png", bad), "corrupt")
	}
	j := asJPEG(t, four())
	at := bytes.Index(j, []byte{0xFF, 0xDA})
	refused(t, write(t, "a.jpg", append(append([]byte{}, j[:at+20]...), 0xFF, 0xD9)), "corrupt")
}

func TestRefused(t *testing.T) {
	huge := asPNG(t, four())
	binary.BigEndian.PutUint32(huge[16:], 1<<30)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	dicom := append(make([]byte, 128), "DICM...."...)
	for _, c := range []struct {
		name string
		file []byte
		part string
	}{
		{"empty.jpg", nil, "empty"},
		{"text.jpg", []byte("person_id\timage\n"), "not an image"},
		{"x.png", []byte("GIF89a........"), "a GIF image"},
		{"x.jpg", []byte("II*\x00...."), "a TIFF image"},
		{"x.dcm", dicom, "a DICOM file"},
		{"x.webp", []byte("RIFF....WEBPVP8 "), "a WebP image"},
		{"x.heic", []byte("\x00\x00\x00\x18ftypheic"), "HEIF"},
		{"x.jpg", []byte("\n<!DOCTYPE html><html>"), "an HTML page"},
		{"x.jpg", []byte("version https://git-lfs.github.com/spec/v1"), "Git LFS"},
		{"huge.png", huge, "absurd size"},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, write(t, c.name, c.file), c.part) })
	}
	refused(t, filepath.Join(t.TempDir(), "none.jpg"), "no such file")
	refused(t, t.TempDir(), "a folder")
}

// photograph returns the path of a photograph of the retina, 1411 x 1411 pixels in 4:2:0.
func photograph(t testing.TB) string {
	dir := os.Getenv("CONTIG_FIXTURES")
	if dir == "" {
		dir = "../../../shared/fixtures"
	}
	path := filepath.Join(dir, "fundus", "retina.jpg")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no fixtures: set CONTIG_FIXTURES (%v)", err)
	}
	return path
}

func TestDecodeRealPhotograph(t *testing.T) {
	path := photograph(t)
	m, err := Decode(path)
	if err != nil {
		t.Fatal(err)
	}
	if m.W != 1411 || m.H != 1411 {
		t.Fatalf("%d x %d", m.W, m.H)
	}
	refused(t, filepath.Join(filepath.Dir(path), "retina_vl.dcm"), "DICOM")
}
