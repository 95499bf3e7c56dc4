package fundus

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math"
	"regexp"
)

const (
	tagOrientation = 0x0112 // EXIF 2.3, table 4
	exifPrefix     = "Exif\x00\x00"
	xmpPrefix      = "http://ns.adobe.com/xap/1.0/\x00"
	xmpKeyword     = "XML:com.adobe.xmp"
	exifKeyword    = "Raw profile type exif"
	maxProfile     = 1 << 24 // bytes of a text that is decompressed
)

// A note is what an image says of how it is to be turned. EXIF is asked first, XMP where that says nothing.
type note struct {
	exif, xmp []byte
}

// orientation returns 1 to 8, 1 where nothing is said or nothing that exists.
func (n note) orientation() int {
	o, said := tiffOrientation(n.exif)
	if !said {
		o = xmpOrientation(n.xmp)
	}
	if o < 1 || o > 8 {
		return 1
	}
	return o
}

// jpegOrientation looks in the APP1 segments of a JPEG, in whatever order, before its first scan. EXIF that is
// too long for one goes on in the next.
func jpegOrientation(b []byte) int {
	var n note
	for at := 2; ; {
		marker, seg, next, err := nextSegment(b, at)
		if err != nil || marker == markEOI || marker == markSOS {
			return n.orientation()
		}
		if marker == markAPP0+1 {
			if part, ok := bytes.CutPrefix(seg, []byte(exifPrefix)); ok {
				n.exif = append(n.exif[:len(n.exif):len(n.exif)], part...)
			} else if part, ok := bytes.CutPrefix(seg, []byte(xmpPrefix)); ok {
				n.xmp = part
			}
		}
		at = next
	}
}

// pngOrientation looks in a PNG's chunk eXIf, in the text that older programs write in its place, and in XMP,
// before and after the pixels.
func pngOrientation(b []byte) int {
	var n note
	var profile []byte
	for at := 8; ; {
		name, body, next, err := nextChunk(b, at)
		if err != nil || name == "IEND" {
			break
		}
		switch name {
		case "eXIf":
			n.exif = body
		case "tEXt", "zTXt", "iTXt":
			switch keyword, text := pngText(name, body); keyword {
			case xmpKeyword:
				n.xmp = text
			case exifKeyword:
				profile = text
			}
		}
		at = next
	}
	if n.exif == nil {
		n.exif = unhex(profile)
	}
	return n.orientation()
}

// pngText returns the keyword and the text of a textual chunk (ISO/IEC 15948, 11.3.4), nil if it cannot be read.
func pngText(name string, body []byte) (keyword string, text []byte) {
	key, text, ok := bytes.Cut(body, []byte{0})
	if keyword = string(key); !ok || keyword != xmpKeyword && keyword != exifKeyword {
		return "", nil
	}
	packed := name == "zTXt"
	if name == "iTXt" {
		if len(text) < 2 {
			return "", nil
		}
		packed = text[0] != 0
		_, text, _ = bytes.Cut(text[2:], []byte{0}) // the language
		_, text, _ = bytes.Cut(text, []byte{0})     // the keyword in it
	} else if packed && len(text) > 0 {
		text = text[1:] // the method, of which there is one
	}
	if packed {
		return keyword, inflated(text)
	}
	return keyword, text
}

// inflated decompresses a text as far as it can.
func inflated(b []byte) []byte {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	defer z.Close()
	text, err := io.ReadAll(io.LimitReader(z, maxProfile))
	if err != nil {
		return nil
	}
	return text
}

// unhex reads a profile as ImageMagick writes it: an empty line, the name, the length, and hexadecimal digits.
func unhex(profile []byte) []byte {
	lines := bytes.SplitN(profile, []byte("\n"), 4)
	if len(lines) < 4 {
		return nil
	}
	digits := bytes.Join(bytes.Fields(lines[3]), nil)
	out := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(out, digits); err != nil {
		return nil
	}
	return out
}

// xmpOrientation looks for tiff:Orientation as an attribute or an element, with a digit.
func xmpOrientation(b []byte) int {
	if m := regexp.MustCompile(`tiff:Orientation(="|>)([0-9])`).FindSubmatch(b); m != nil {
		return int(m[2][0] - '0')
	}
	return 1
}

// tiffOrientation reads the orientation from the first directory of a TIFF header, which may have EXIF's prefix
// again. said is false where there is none.
func tiffOrientation(b []byte) (o int, said bool) {
	for bytes.HasPrefix(b, []byte(exifPrefix)) {
		b = b[len(exifPrefix):]
	}
	if len(b) < 8 {
		return 1, false
	}
	order := tiffOrder(b)
	if order == nil {
		return 1, false
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return 1, false
	}
	entries := b[at+2:]
	o = 1
	for range int(order.Uint16(b[at:])) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == tagOrientation {
			if v, ok := tiffNumber(b, entries, order); ok {
				o, said = v, true
			}
		}
		entries = entries[12:]
	}
	return o, said
}

// tiffOrder returns the order of bytes, nil if b begins no TIFF. Some writers have it wrong in the second word.
func tiffOrder(b []byte) binary.ByteOrder {
	if m := string(b[2:4]); m != "*\x00" && m != "\x00*" {
		return nil
	}
	switch string(b[:2]) {
	case "II":
		return binary.LittleEndian
	case "MM":
		return binary.BigEndian
	}
	return nil
}

// tiffNumber reads the value of a directory's entry, whole numbers of any type (TIFF 6.0, section 2): 0 for
// what is no such number, false where its bytes are missing.
func tiffNumber(b, entry []byte, order binary.ByteOrder) (int, bool) {
	kind, count := order.Uint16(entry[2:]), order.Uint32(entry[4:])
	size := map[uint16]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}[kind]
	if size == 0 || count == 0 {
		return 0, false
	}
	v := entry[8:12]
	if need := size * uint64(count); need > 4 {
		at := uint64(order.Uint32(v))
		if at+need > uint64(len(b)) {
			return 0, false
		}
		v = b[at : at+need]
	}
	if count != 1 {
		return 0, true
	}
	switch kind {
	case 3, 8:
		return int(int16(order.Uint16(v))), true
	case 4, 9, 13:
		return int(int32(order.Uint32(v))), true
	case 5, 10:
		if below := int32(order.Uint32(v[4:])); below != 0 && int32(order.Uint32(v))%below == 0 {
			return int(int32(order.Uint32(v)) / below), true
		}
	case 6:
		return int(int8(v[0])), true
	case 11:
		return whole(float64(math.Float32frombits(order.Uint32(v)))), true
	case 12:
		return whole(math.Float64frombits(order.Uint64(v))), true
	}
	return 0, true
}

// whole returns a whole number of one digit, 0 for others.
func whole(v float64) int {
	if v >= 1 && v <= 9 && v == math.Trunc(v) {
		return int(v)
	}
	return 0
}
