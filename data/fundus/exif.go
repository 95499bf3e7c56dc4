package fundus

import (
	"bytes"
	"encoding/binary"
)

const (
	tagOrientation = 0x0112 // EXIF 2.3, table 4
	typeShort      = 3
)

// jpegOrientation returns the EXIF orientation of a JPEG, 1 where it has none or one that cannot be read.
func jpegOrientation(b []byte) int {
	for i := 2; i+4 <= len(b) && b[i] == 0xFF; {
		marker := b[i+1]
		if marker == 0xFF { // fill byte
			i++
			continue
		}
		n := int(binary.BigEndian.Uint16(b[i+2:]))
		if marker == 0xDA || n < 2 || i+2+n > len(b) { // start of scan
			return 1
		}
		seg := b[i+4 : i+2+n]
		if tiff, ok := bytes.CutPrefix(seg, []byte("Exif\x00\x00")); ok && marker == 0xE1 {
			return tiffOrientation(tiff)
		}
		i += 2 + n
	}
	return 1
}

// pngOrientation returns the orientation in a PNG's eXIf chunk, 1 where it has none.
func pngOrientation(b []byte) int {
	for i := 8; i+12 <= len(b); {
		n := int(binary.BigEndian.Uint32(b[i:]))
		if n < 0 || n > len(b)-i-12 {
			return 1
		}
		if string(b[i+4:i+8]) == "eXIf" {
			return tiffOrientation(b[i+8 : i+8+n])
		}
		i += 12 + n
	}
	return 1
}

// tiffOrientation reads the orientation from the first directory of a TIFF header, 1 where it is absent.
func tiffOrientation(b []byte) int {
	if len(b) < 8 {
		return 1
	}
	order := tiffOrder(b)
	if order == nil || order.Uint16(b[2:]) != 42 {
		return 1
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return 1
	}
	entries := b[at+2:]
	for range int(order.Uint16(b[at:])) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == tagOrientation && order.Uint16(entries[2:]) == typeShort {
			return max(1, min(8, int(order.Uint16(entries[8:]))))
		}
		entries = entries[12:]
	}
	return 1
}

func tiffOrder(b []byte) binary.ByteOrder {
	switch string(b[:2]) {
	case "II":
		return binary.LittleEndian
	case "MM":
		return binary.BigEndian
	}
	return nil
}
