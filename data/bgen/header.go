package bgen

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// How genotypes are compressed.
const (
	packedNot = iota
	packedZlib
	packedZstd
)

// Sizes of a header's parts, in bytes.
const (
	leastHeader  = 20
	headerBytes  = 24 // offset, length of the header, variants, persons, magic, flags
	leastVariant = 2 + 2 + 2 + 4 + 2 + 4 + 4 + 4
	mostText     = 16 << 20 // of an id or allele
)

// A header is that of a file.
type header struct {
	variants int
	persons  int
	pack     uint32
	ids      bool  // of persons, are in the file
	idsAt    int64 // where
	first    int64 // where the first variant is
}

// A reader reads parts of a file through a window.
type reader struct {
	file   *os.File
	path   string
	size   int64
	buf    []byte
	from   int64
	window int64
}

// bytes returns n bytes of the file at a place.
func (r *reader) bytes(at int64, n int) ([]byte, error) {
	if at >= r.from && at+int64(n) <= r.from+int64(len(r.buf)) {
		return r.buf[at-r.from:][:n], nil
	}
	if n < 0 || at < 0 || at+int64(n) > r.size {
		return nil, r.damaged("the BGEN ends within what it says it holds", fmt.Sprintf("%d bytes more", at+int64(n)-r.size), fmt.Sprintf("%d bytes in all", r.size))
	}
	want := min(max(int64(n), r.window), r.size-at)
	if int64(cap(r.buf)) < want {
		r.buf = make([]byte, want)
	}
	r.buf, r.from = r.buf[:want], at
	if _, err := r.file.ReadAt(r.buf, at); err != nil && err != io.EOF {
		r.buf = r.buf[:0]
		return nil, table.Unreadable(r.path, err)
	}
	return r.buf[:n], nil
}

func (r *reader) u32(at int64) (int64, error) {
	b, err := r.bytes(at, 4)
	if err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint32(b)), nil
}

func (r *reader) u16(at int64) (int64, error) {
	b, err := r.bytes(at, 2)
	if err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint16(b)), nil
}

func (r *reader) damaged(what, expected, found string) *data.Problem {
	return &data.Problem{Code: code, File: r.path, What: what, Expected: expected, Found: found, Cause: "copied in part, damaged, or another file under this name", Fix: "copy the file again"}
}

// read reads the header. What it says is held against the size of the file before anything is made of it.
func (h *header) read(r *reader) error {
	b, err := r.bytes(0, headerBytes)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	offset, length := int64(le.Uint32(b)), int64(le.Uint32(b[4:]))
	h.variants, h.persons = int(le.Uint32(b[8:])), int(le.Uint32(b[12:]))
	if m := string(b[16:20]); m != "bgen" && m != "\x00\x00\x00\x00" {
		p := r.damaged("this is not a BGEN", `"bgen" as the bytes 17 to 20`, fmt.Sprintf("%q", m))
		if f, ok := data.FormatOf(b); ok {
			p.Cause, p.Fix = "the file is "+f.Name, f.Fix
		}
		return p
	}
	if length < leastHeader || length > offset || offset+4 > r.size {
		return r.damaged("the header of the BGEN has lengths that do not fit", fmt.Sprintf("a header of %d bytes or more, within the first %d", leastHeader, r.size), fmt.Sprintf("a header of %d bytes, variants from byte %d on", length, offset+4))
	}
	flags, err := r.u32(length)
	if err != nil {
		return err
	}
	h.pack, h.ids, h.idsAt, h.first = uint32(flags&3), flags>>31 == 1, 4+length, offset+4
	if layout := flags >> 2 & 15; layout != 2 {
		p := r.damaged("the BGEN has a layout that is not read", "layout 2 (BGEN 1.2 and 1.3)", fmt.Sprintf("layout %d", layout))
		p.Cause, p.Fix = "written for BGEN 1.1", "plink2 --bgen IN ref-first --sample S --export bgen-1.3 ref-first --out NEW, or qctool"
		return p
	}
	if h.pack > packedZstd {
		return r.damaged("the BGEN is compressed in a way that is not known", "none, zlib or zstd", fmt.Sprint(h.pack))
	}
	if int64(h.variants) > (r.size-h.first)/leastVariant || int64(h.persons) > r.size && h.variants > 0 {
		return r.damaged("the BGEN is too short for as many variants and persons as it says it holds", fmt.Sprintf("%d variants of %d persons", h.variants, h.persons), fmt.Sprintf("%d bytes", r.size))
	}
	if h.persons == 0 || h.variants == 0 {
		return r.damaged("the BGEN holds nothing", "persons and variants", fmt.Sprintf("%d persons, %d variants", h.persons, h.variants))
	}
	return nil
}

// readIDs reads the ids of persons in the file.
func (h *header) readIDs(r *reader) ([]string, error) {
	r.window = 1 << 16
	n, err := r.u32(h.idsAt + 4)
	if err != nil {
		return nil, err
	}
	if n != int64(h.persons) || n > (h.first-h.idsAt)/2 {
		return nil, r.damaged("the BGEN names another number of persons than it holds", fmt.Sprint(h.persons), fmt.Sprint(n))
	}
	out := make([]string, n)
	at := h.idsAt + 8
	for i := range out {
		if out[i], at, err = r.text(at, 2); err != nil {
			return nil, err
		}
	}
	if at > h.first {
		return nil, r.damaged("the ids of persons go on beyond where variants begin", fmt.Sprintf("byte %d", h.first), fmt.Sprintf("byte %d", at))
	}
	return out, nil
}

// text reads a text with its length of 2 or 4 bytes before it, and returns where it ends.
func (r *reader) text(at int64, width int) (string, int64, error) {
	var n int64
	var err error
	if width == 2 {
		n, err = r.u16(at)
	} else {
		n, err = r.u32(at)
	}
	if err != nil {
		return "", 0, err
	}
	if n > mostText {
		return "", 0, r.damaged("an allele of the BGEN is too long", fmt.Sprintf("at most %d bytes", mostText), fmt.Sprintf("%d bytes, said at byte %d", n, at))
	}
	b, err := r.bytes(at+int64(width), int(n))
	return string(b), at + int64(width) + n, err
}
