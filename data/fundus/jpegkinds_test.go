package fundus

import (
	"bytes"
	"encoding/binary"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Files that libjpeg-turbo, cjpeg and Pillow wrote decode to the pixels that Pillow makes of them.
func TestPixelsAreThoseOfPillow(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.png"))
	if err != nil || len(names) < 12 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		m, err := Decode(strings.TrimSuffix(name, ".png") + ".jpg")
		if err != nil {
			t.Error(err)
			continue
		}
		want, err := png.Decode(bytes.NewReader(testdata(t, filepath.Base(name))))
		if err != nil {
			t.Fatal(err)
		}
		if b := want.Bounds(); m.W != b.Dx() || m.H != b.Dy() {
			t.Fatalf("%s: %d x %d, want %v", name, m.W, m.H, b)
		}
		for i := range m.W * m.H {
			r, g, b, _ := want.At(i%m.W, i/m.W).RGBA()
			for c, v := range [3]uint32{r, g, b} {
				if d := int(m.Pix[3*i+c]) - int(v>>8); d < -1 || d > 1 {
					t.Fatalf("%s: value %d of pixel (%d, %d) is %d, Pillow has %d", name, c, i%m.W, i/m.W, m.Pix[3*i+c], v>>8)
				}
			}
		}
	}
}

// marks returns where the markers of a file begin, the end's last; RST too where restarts is set.
func marks(b []byte, restarts bool) []int {
	var at []int
	for i := 2; i+1 < len(b); {
		m := b[i+1]
		switch {
		case b[i] != 0xFF || m == 0 || m == 0xFF || m >= 0xD0 && m <= 0xD7 && !restarts:
			i++
			continue
		case m == markEOI:
			return append(at, i)
		case m >= 0xD0 && m <= 0xD7:
			at, i = append(at, i), i+2
			continue
		}
		at, i = append(at, i), i+2+int(binary.BigEndian.Uint16(b[i+2:]))
	}
	return at
}

// before returns b with more in front of the markers that pick selects.
func before(b, more []byte, pick func(marker byte) bool) []byte {
	out := bytes.Clone(b)
	at := marks(b, true)
	for _, i := range slices.Backward(at) {
		if pick(b[i+1]) {
			out = slices.Insert(out, i, more...)
		}
	}
	return out
}

func without(b []byte, marker byte, most int) []byte {
	out := bytes.Clone(b)
	for _, i := range slices.Backward(marks(b, false)) {
		if b[i+1] == marker && most > 0 {
			out, most = slices.Delete(out, i, i+2+int(binary.BigEndian.Uint16(b[i+2:]))), most-1
		}
	}
	return out
}

func isEnd(m byte) bool     { return m == markEOI }
func isRestart(m byte) bool { return m >= 0xD0 && m <= 0xD7 }
func isAny(byte) bool       { return true }

// What decoders pass over changes no pixel.
func TestHarmlessBytesInJPEGs(t *testing.T) {
	files := jpegs(t)
	files["progressive, restart"] = testdata(t, "progressive_restart_420.jpg")
	files["planes, restart"] = testdata(t, "planes_restart_422.jpg")
	for name, b := range files {
		want, p := decoded(b)
		if p != nil {
			t.Fatal(name, p)
		}
		for kind, f := range map[string][]byte{
			"two bytes before the end":        before(b, []byte{0x4B, 0x13}, isEnd),
			"16 bytes before the end":         before(b, bytes.Repeat([]byte{0x5A}, 16), isEnd),
			"a written FF before the end":     before(b, []byte{0xFF, 0}, isEnd),
			"fill before all markers":         before(b, []byte{0xFF, 0xFF, 0xFF}, isAny),
			"a written FF before restarts":    before(b, []byte{0xFF, 0}, isRestart),
			"bytes before restarts":           before(b, []byte{1, 2, 3, 0xFF, 0xFF, 0}, isRestart),
			"one restart more":                before(b, []byte{0xFF, 0xD3}, isEnd),
			"fill before written FFs":         bytes.ReplaceAll(b, []byte{0xFF, 0}, []byte{0xFF, 0xFF, 0xFF, 0}),
			"a second image":                  append(bytes.Clone(b), b...),
			"a comment":                       before(b, []byte("\xFF\xFE\x00\x06note"), func(m byte) bool { return m == markSOS }),
			"a segment of an unknown program": before(b, []byte("\xFF\xEF\x00\x06note"), func(m byte) bool { return m == markDQT }),
		} {
			got, p := decoded(f)
			if p != nil {
				t.Errorf("%s, %s: %v", name, kind, p)
			} else if !bytes.Equal(got.Pix, want.Pix) {
				t.Errorf("%s, %s: other pixels", name, kind)
			}
		}
	}
}

// Zeros that fill a file up are told from zeros that were written over the last blocks.
func TestZerosAtTheEnd(t *testing.T) {
	for name, b := range jpegs(t) {
		if name == "restart" {
			continue // its last byte has no room for the ones that encoders fill up with
		}
		if _, p := decoded(before(b, make([]byte, 1000), isEnd)); p != nil {
			t.Errorf("%s: %v", name, p)
		}
		if _, p := decoded(before(b, make([]byte, 5000), isEnd)); p == nil {
			t.Errorf("%s: 5000 zeros are passed over", name)
		}
		if _, p := decoded(before(b, bytes.Repeat([]byte{0x5A}, 17), isEnd)); p == nil {
			t.Errorf("%s: 17 bytes are passed over", name)
		}
	}
}

// Without the markers of JFIF and Adobe components that are named R, G and B are these colours; others are not.
func TestColoursByName(t *testing.T) {
	b := testdata(t, "rgb.jpg")
	want, p := decoded(b)
	if p != nil {
		t.Fatal(p)
	}
	bare := without(without(b, markAPP14, 9), markAPP0, 9)
	got, p := decoded(bare)
	if p != nil || !bytes.Equal(got.Pix, want.Pix) {
		t.Errorf("named R, G and B: other pixels (%v)", p)
	}
	for _, at := range marks(bare, false) {
		switch bare[at+1] {
		case 0xC0:
			bare[at+10], bare[at+13], bare[at+16] = 1, 2, 3
		case markSOS:
			bare[at+5], bare[at+7], bare[at+9] = 1, 2, 3
		}
	}
	got, p = decoded(bare)
	if p != nil || bytes.Equal(got.Pix, want.Pix) {
		t.Errorf("named 1, 2 and 3: the pixels of RGB (%v)", p)
	}
}

// A frame of Motion-JPEG has no Huffman tables: those of the standard's annex are meant, which image/jpeg writes.
func TestStandardHuffmanTables(t *testing.T) {
	for _, name := range []string{"colour", "grey"} {
		b := jpegs(t)[name]
		want, p := decoded(b)
		if p != nil {
			t.Fatal(p)
		}
		got, p := decoded(without(b, markDHT, 9))
		if p != nil {
			t.Fatal(name, p)
		}
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%s: other pixels without the tables", name)
		}
	}
}

func TestOtherJPEGsAreNamed(t *testing.T) {
	b := jpegs(t)["colour"]
	at := bytes.Index(b, []byte{0xFF, 0xC0})
	with := func(offset int, v ...byte) []byte {
		out := bytes.Clone(b)
		copy(out[at+offset:], v)
		return out
	}
	tables := testdata(t, "rgb.jpg")
	for _, c := range []struct {
		name string
		file []byte
		part string
	}{
		{"12 bits", with(4, 12), "samples of 12 bits"},
		{"lossless", with(1, 0xC3), "lossless coding"},
		{"arithmetic", with(1, 0xC9), "found:        arithmetic coding"},
		{"hierarchical", with(1, 0xC5), "hierarchical"},
		{"two components", with(9, 2), "2 colour components"},
		{"sampling", with(11, 0x31, 0, 2, 0x21), "subsampling of 2 x 1 samples for 3 x 1"},
		{"wide", with(5, 0x1F, 0xFF, 0x1F, 0xFF), "more pixels than its data can hold"},
		{"too wide", with(5, 0x20, 0x01, 0x20, 0), "absurd size"},
		{"no height", with(5, 0, 0), "absurd size"},
		{"no quantization", without(tables, markDQT, 9), "quantization table"},
		{"no quantization of chroma", without(twoTables(t), markDQT, 1), "quantization table"},
		{"no Huffman tables", without(testdata(t, "progressive.jpg"), markDHT, 99), "Huffman table is missing"},
		{"no end", b[:len(b)-2], "its end is missing"},
		{"one end only", append(bytes.Clone(b[:at]), 0xFF, 0xD9), "corrupt"},
		{"two frames", slices.Insert(bytes.Clone(b), at, b[at:at+19]...), "malformed"},
		{"a marker that does not exist", before(b, []byte{0xFF, 0x42, 0, 2}, func(m byte) bool { return m == markSOS }), "marker that does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, write(t, "x.jpg", c.file), c.part) })
	}
}

// twoTables returns a JPEG with a segment for each of its two quantization tables.
func twoTables(t *testing.T) []byte {
	b := jpegs(t)["colour"]
	at := bytes.Index(b, []byte{0xFF, markDQT})
	if n := binary.BigEndian.Uint16(b[at+2:]); n != 132 {
		t.Fatalf("tables of %d bytes", n)
	}
	out := append(bytes.Clone(b[:at+69]), 0xFF, markDQT, 0, 67)
	binary.BigEndian.PutUint16(out[at+2:], 67)
	return append(out, b[at+69:]...)
}

// Rows that are interpolated are triangles: between two samples three quarters of the nearer one.
func TestInterpolationOfChroma(t *testing.T) {
	p := &jpegPart{w: 1, cols: 4, rows: 2, plane: make([]uint8, 64)}
	copy(p.plane, []uint8{0, 40, 80, 200})
	copy(p.plane[8:], []uint8{100, 140, 180, 240})
	for _, c := range []struct {
		name       string
		y          int
		wide, high int
		want       []uint8
	}{
		{"as it is", 1, 1, 1, []uint8{100, 140, 180, 240}},
		{"beyond the last row", 0, 2, 1, []uint8{0, 10, 30, 50, 70, 110, 170, 200}},
		{"twice as high, above", 1, 1, 2, []uint8{25, 65, 105, 210}},
		{"twice as high, at the top", 0, 1, 2, []uint8{0, 40, 80, 200}},
		{"both", 1, 2, 2, []uint8{25, 35, 55, 75, 95, 131, 184, 210}},
		{"both, at the bottom", 3, 2, 2, []uint8{100, 110, 130, 150, 170, 195, 225, 240}},
		{"three for one", 5, 3, 3, []uint8{100, 100, 100, 140, 140, 140, 180, 180, 180, 240, 240, 240}},
	} {
		if got := p.row(make([]uint8, 4*c.wide), c.y, c.wide, c.high); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	p.cols = 2
	if got, want := p.row(make([]uint8, 4), 0, 2, 2), []uint8{0, 0, 40, 40}; !slices.Equal(got, want) {
		t.Errorf("two columns: %v, want %v", got, want)
	}
}

// The inverse transform in integers is that of real numbers, to a level.
func TestTransformIsTheCosineTransform(t *testing.T) {
	r := newRandom(3)
	q := new([64]uint16)
	for k := range q {
		q[k] = uint16(1 + r.Intn(30))
	}
	for range 200 {
		p := &jpegPart{w: 1, plane: make([]uint8, 64), scaled: natural(q)}
		var c jpegBlock
		last := r.Intn(64)
		for k := range last + 1 {
			c[zigzag[k]] = int16(r.Intn(9) - 4)
		}
		p.transform(&c, 0, last)
		for i, v := range p.plane {
			if want := cosine(&c, p.scaled, i%8, i/8); off(v, want) {
				t.Fatalf("sample %d of block with %d coefficients is %d, want %v", i, last+1, v, want)
			}
		}
	}
}
