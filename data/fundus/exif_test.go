package fundus

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"testing"
)

// tiffOf returns a TIFF header with an orientation as count values of a type, behind another tag.
func tiffOf(mark string, kind uint16, count uint32, o int) []byte {
	order := binary.AppendByteOrder(binary.LittleEndian)
	if mark == "MM" {
		order = binary.BigEndian
	}
	b := order.AppendUint32(order.AppendUint16([]byte(mark), 42), 8)
	b = order.AppendUint16(b, 2)
	b = append(order.AppendUint32(order.AppendUint16(order.AppendUint16(b, 0x0100), 3), 1), 9, 9, 9, 9)
	b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, tagOrientation), kind), count)
	value := order.AppendUint32(nil, uint32(o))
	switch kind {
	case 1, 6:
		value = []byte{byte(o), 0, 0, 0}
	case 3, 8:
		value = append(order.AppendUint16(nil, uint16(o)), 0, 0)
	case 11:
		value = order.AppendUint32(nil, math.Float32bits(float32(o)))
	case 5, 10, 12:
		value = order.AppendUint32(nil, uint32(len(b)+8))
	}
	b = append(append(b, value...), 0, 0, 0, 0)
	switch kind {
	case 5, 10:
		b = order.AppendUint32(order.AppendUint32(b, uint32(2*o)), 2)
	case 12:
		b = order.AppendUint64(b, math.Float64bits(float64(o)))
	}
	return b
}

// The types that are numbers are read in both orders; other types, several values and numbers that are no
// orientation turn nothing.
func TestTypesOfOrientation(t *testing.T) {
	for _, mark := range []string{"II", "MM"} {
		for kind := uint16(0); kind < 20; kind++ {
			number := slices.Contains([]uint16{3, 4, 5, 6, 8, 9, 10, 11, 12, 13}, kind)
			for o := -1; o <= 20; o++ {
				want := 1
				if number && o >= 1 && o <= 8 {
					want = o
				}
				if got := (note{exif: tiffOf(mark, kind, 1, o)}).orientation(); got != want {
					t.Errorf("%s, type %d: orientation %d is read as %d", mark, kind, o, got)
				}
			}
		}
		if got := (note{exif: tiffOf(mark, 3, 2, 6)}).orientation(); got != 1 {
			t.Errorf("%s: two values are read as %d", mark, got)
		}
		if got := (note{exif: tiffOf(mark, 4, 1, 0x10006)}).orientation(); got != 1 {
			t.Errorf("%s: 65542 is read as %d", mark, got)
		}
	}
}

func app1(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = append(binary.BigEndian.AppendUint16(append(b, 0xFF, 0xE1), uint16(len(p)+2)), p...)
	}
	return b
}

// Where programs put an orientation, and what counts if there are several.
func TestPlacesOfOrientation(t *testing.T) {
	six, three, zero := string(tiffOf("MM", 3, 1, 6)), string(tiffOf("II", 4, 1, 3)), string(tiffOf("II", 3, 1, 0))
	none := "II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	attribute, element := `<x tiff:Orientation="8"/>`, "<tiff:Orientation>5</tiff:Orientation>"
	profile := "\nexif\n      99\n" + hex.EncodeToString([]byte(exifPrefix+six[:20])) + "\n" + hex.EncodeToString([]byte(six[20:])) + "\n"
	for i, c := range []struct {
		segments []byte
		want     int
	}{
		{nil, 1},
		{app1(exifPrefix + six), 6},
		{app1(xmpPrefix+attribute, exifPrefix+six), 6},
		{app1(exifPrefix+six, xmpPrefix+attribute), 6},
		{app1("Author\x00", exifPrefix+three), 3},
		{app1(exifPrefix + exifPrefix + six), 6},
		{app1(exifPrefix+six[:30], exifPrefix+six[30:]), 6},
		{app1(xmpPrefix + attribute), 8},
		{app1(xmpPrefix + element), 5},
		{app1(exifPrefix+none, xmpPrefix+element), 5},
		{app1(exifPrefix+zero, xmpPrefix+element), 1},
		{app1(exifPrefix+"nonsense", xmpPrefix+element), 5},
		{app1(xmpPrefix + `<x tiff:Orientation="9"/>`), 1},
		{app1(xmpPrefix + `<x exif:Orientation="6"/>`), 1},
		{append([]byte{0xFF, 0xFF}, app1(exifPrefix+six)...), 6},
	} {
		b := slices.Insert(asJPEG(t, four()), 2, c.segments...)
		turned(t, fmt.Sprint("JPEG ", i), b, jpegOrientation(b), c.want)
	}
	for i, c := range []struct {
		chunks []byte
		want   int
	}{
		{nil, 1},
		{chunk("eXIf", []byte(six)), 6},
		{chunk("eXIf", []byte(exifPrefix+three)), 3},
		{chunk("eXIf", []byte(zero)), 1},
		{chunk("tEXt", []byte(exifKeyword+"\x00"+profile)), 6},
		{chunk("zTXt", append([]byte(exifKeyword+"\x00\x00"), deflated([]byte(profile))...)), 6},
		{chunk("iTXt", []byte(exifKeyword+"\x00\x00\x00\x00\x00"+profile)), 6},
		{chunk("iTXt", []byte(xmpKeyword+"\x00\x00\x00\x00\x00"+attribute)), 8},
		{chunk("iTXt", append([]byte(xmpKeyword+"\x00\x01\x00de\x00XMP\x00"), deflated([]byte(element))...)), 5},
		{slices.Concat(chunk("iTXt", []byte(xmpKeyword+"\x00\x00\x00\x00\x00"+attribute)), chunk("eXIf", []byte(three))), 3},
		{slices.Concat(chunk("tEXt", []byte(exifKeyword+"\x00"+profile)), chunk("eXIf", []byte(three))), 3},
		{chunk("tEXt", []byte("Comment\x00"+attribute)), 1},
		{chunk("tEXt", []byte(exifKeyword+"\x00\nexif\n")), 1},
		{chunk("zTXt", []byte(exifKeyword)), 1},
		{chunk("iTXt", []byte(xmpKeyword+"\x00\x01")), 1},
	} {
		b := asPNG(t, four())
		for _, at := range []int{33, len(b) - 12} { // behind the header, and behind the pixels
			f := slices.Insert(bytes.Clone(b), at, c.chunks...)
			turned(t, fmt.Sprint("PNG ", i, " at ", at), f, pngOrientation(f), c.want)
		}
	}
}

// turned holds the orientation that is read, and the shape of the image of 32 x 16, against what is wanted.
func turned(t *testing.T, name string, file []byte, got, want int) {
	t.Helper()
	m, p := decoded(file)
	if p != nil {
		t.Errorf("%s: %v", name, p)
	} else if got != want || (m.H > m.W) != (want >= 5) {
		t.Errorf("%s: orientation %d, %d x %d; want %d", name, got, m.W, m.H, want)
	}
}
