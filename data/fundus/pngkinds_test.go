package fundus

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"testing"
)

func chunk(name string, body []byte) []byte {
	b := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), name...)
	b = append(b, body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// aPNG returns a file of chunks.
func aPNG(chunks ...[]byte) []byte {
	return append([]byte("\x89PNG\r\n\x1a\n"), bytes.Join(chunks, nil)...)
}

func headerOf(w, h, depth, kind, interlaced int) []byte {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h))
	return chunk("IHDR", append(b, byte(depth), byte(kind), 0, 0, byte(interlaced)))
}

func deflated(raw []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// rawPixels returns filtered rows of a picture of random samples, the same whether interlaced or not.
func rawPixels(w, h, depth, samples int, passes []pngPass) []byte {
	r := newRandom(int64(depth*10 + samples))
	values := make([]uint16, w*h*samples)
	for i := range values {
		values[i] = uint16(r.Intn(1 << depth))
	}
	var raw []byte
	for _, p := range passes {
		for y := p.y; y < h && p.x < w; y += p.dy {
			raw = append(raw, 0)
			bits, n := uint64(0), 0
			for x := p.x; x < w; x += p.dx {
				for c := range samples {
					for bits, n = bits<<depth|uint64(values[(y*w+x)*samples+c]), n+depth; n >= 8; n -= 8 {
						raw = append(raw, byte(bits>>(n-8)))
					}
				}
			}
			if n > 0 {
				raw = append(raw, byte(bits<<(8-n)))
			}
		}
	}
	return raw
}

// pngs returns interlaced files of all depths and colour types.
func pngs(t testing.TB) map[string][]byte {
	out := map[string][]byte{}
	for _, k := range [][2]int{{0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}, {2, 8}, {2, 16}, {3, 1}, {3, 2}, {3, 4}, {3, 8}, {4, 8}, {4, 16}, {6, 8}, {6, 16}} {
		out[fmt.Sprintf("type %d of %d bits", k[0], k[1])] = pngOf(k[0], k[1], true)
	}
	return out
}

func pngOf(kind, depth int, interlaced bool) []byte {
	m := &pngImage{kind: kind, depth: depth, interlaced: interlaced}
	palette := make([]byte, 3<<min(depth, 8))
	newRandom(9).Read(palette)
	chunks := [][]byte{headerOf(19, 11, depth, kind, map[bool]int{true: 1}[interlaced])}
	if kind == pngIndexed {
		chunks = append(chunks, chunk("PLTE", palette))
	}
	return aPNG(append(chunks, chunk("IDAT", deflated(rawPixels(19, 11, depth, m.samples(), m.passes()))), chunk("IEND", nil))...)
}

// Interlaced files have the pixels of the others, and both those of the standard library.
func TestPNGKinds(t *testing.T) {
	for name, b := range pngs(t) {
		m, p := decoded(b)
		if p != nil {
			t.Fatal(name, p)
		}
		plain, p := decoded(pngOf(int(b[25]), int(b[24]), false))
		if p != nil {
			t.Fatal(name, p)
		}
		if !bytes.Equal(m.Pix, plain.Pix) {
			t.Errorf("%s: interlaced it has other pixels", name)
		}
		want := standard(t, b)
		most := int(b[24]) / 16 // 16 bits are rounded here, and cut off there
		for i, v := range m.Pix {
			if d := int(v) - int(want[i]); d < -most || d > most {
				t.Fatalf("%s: value %d is %d, want %d", name, i, v, want[i])
			}
		}
	}
}

// cut returns the bytes of a file before its pixels, the pixels compressed and as they are, and what follows.
func cut(t *testing.T, b []byte) (head, data, raw, tail []byte) {
	t.Helper()
	for at := 8; ; {
		name, body, next, err := nextChunk(b, at)
		if err != nil {
			t.Fatal(err)
		}
		if name == "IDAT" {
			z, err := zlib.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if raw, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
			return b[:at], body, raw, b[next:]
		}
		at = next
	}
}

// broken returns a chunk whose checksum is wrong.
func broken(c []byte) []byte {
	c = bytes.Clone(c)
	c[len(c)-1] ^= 1
	return c
}

func TestHarmlessPNGs(t *testing.T) {
	for name, b := range map[string][]byte{"colour": asPNG(t, four()), "interlaced": pngOf(2, 8, true), "palette": pngOf(3, 4, false)} {
		want, p := decoded(b)
		if p != nil {
			t.Fatal(name, p)
		}
		head, data, raw, tail := cut(t, b)
		file := func(chunks ...[]byte) []byte { return slices.Concat(head, bytes.Join(chunks, nil), tail) }
		pixels, none := chunk("IDAT", data), chunk("IDAT", nil)
		frame := append(binary.BigEndian.AppendUint32(nil, 1), deflated(make([]byte, len(raw)))...)
		for kind, f := range map[string][]byte{
			"one byte more":            file(chunk("IDAT", deflated(append(bytes.Clone(raw), 0)))),
			"1000 bytes more":          file(chunk("IDAT", deflated(append(bytes.Clone(raw), make([]byte, 1000)...)))),
			"bytes after the stream":   file(chunk("IDAT", append(bytes.Clone(data), "note"...))),
			"empty IDAT first":         file(none, pixels),
			"empty IDAT last":          file(pixels, none),
			"IDAT of a byte":           file(chunk("IDAT", data[:1]), none, chunk("IDAT", data[1:2]), chunk("IDAT", data[2:])),
			"checksum of gAMA":         file(broken(chunk("gAMA", []byte{0, 0, 1, 1})), pixels),
			"checksum of iCCP":         file(broken(chunk("iCCP", []byte("icc\x00\x00nothing"))), pixels),
			"checksum of tEXt, behind": file(pixels, broken(chunk("tEXt", []byte("Author\x00nobody")))),
			"checksum of eXIf":         file(broken(chunk("eXIf", tiffOf("II", 3, 1, 6))), pixels),
			"a frame of an animation":  file(chunk("acTL", make([]byte, 8)), pixels, chunk("fcTL", make([]byte, 26)), chunk("fdAT", frame)),
			"bytes after the end":      append(bytes.Clone(b), "note"...),
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

func TestBrokenPNGs(t *testing.T) {
	b := pngOf(3, 8, false)
	head, data, raw, tail := cut(t, b)
	file := func(chunks ...[]byte) []byte { return slices.Concat(head, bytes.Join(chunks, nil), tail) }
	wrong := bytes.Clone(raw)
	wrong[20] = 5
	sum := bytes.Clone(data)
	sum[len(sum)-1] ^= 1
	pixels, end := chunk("IDAT", data), chunk("IEND", nil)
	for _, c := range []struct {
		name string
		file []byte
		part string
	}{
		{"checksum of IDAT", file(broken(pixels)), `checksum of its chunk "IDAT"`},
		{"checksum of the stream", file(chunk("IDAT", sum)), "checksum"},
		{"too short", file(chunk("IDAT", deflated(raw[:len(raw)-1]))), "ends before the image"},
		{"much too long", file(chunk("IDAT", deflated(append(bytes.Clone(raw), make([]byte, 2<<20)...)))), "ends before the compressed data"},
		{"filter", file(chunk("IDAT", deflated(wrong))), "filter"},
		{"no pixels", file(), "corrupt"},
		{"no palette", aPNG(headerOf(19, 11, 8, 3, 0), pixels, end), "palette"},
		{"no end", b[:len(b)-12], "end is missing"},
		{"depth", aPNG(headerOf(19, 11, 3, 0, 0), pixels, end), "malformed"},
		{"depth of colours", aPNG(headerOf(19, 11, 4, 2, 0), pixels, end), "malformed"},
		{"Apple's", aPNG(chunk("CgBI", make([]byte, 4)), headerOf(19, 11, 8, 6, 0), pixels, end), "CgBI"},
		{"a chunk that is needed", file(chunk("ABCD", nil), pixels), "ABCD"},
		{"more pixels than data", aPNG(headerOf(8192, 8192, 8, 2, 0), pixels, end), "ends before the image"},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, write(t, "x.png", c.file), c.part) })
	}
}
