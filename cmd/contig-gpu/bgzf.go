package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
)

// bgzfText is how many bytes of text a block of BGZF holds at most, so that it stays below 64 KiB however badly it is compressed.
const bgzfText = 60000

// bgzfLevel is of flate. Tables are digits that do not repeat: looking for repetition takes five times the time for a seventh less.
const bgzfLevel = flate.HuffmanOnly

// bgzfEnd is the empty block that ends a file (SAM specification, section 4.1.2).
const bgzfEnd = "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00\x42\x43\x02\x00\x1b\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// A bgzf compresses text as bgzip does: gzip members of 64 KiB, which every reader of gzip understands and tabix finds places in. It serves one goroutine.
type bgzf struct {
	f    *flate.Writer
	body bytes.Buffer
}

// append appends text, compressed, to dst.
func (b *bgzf) append(dst, text []byte) ([]byte, error) {
	for len(text) > 0 {
		part := text[:min(len(text), bgzfText)]
		text = text[len(part):]
		b.body.Reset()
		if b.f == nil {
			var err error
			if b.f, err = flate.NewWriter(&b.body, bgzfLevel); err != nil {
				return nil, err
			}
		} else {
			b.f.Reset(&b.body)
		}
		if _, err := b.f.Write(part); err != nil {
			return nil, err
		}
		if err := b.f.Close(); err != nil {
			return nil, err
		}
		const around = 26 // header and trailer
		dst = append(dst, "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00BC\x02\x00"...)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(b.body.Len()+around-1))
		dst = append(dst, b.body.Bytes()...)
		dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(part))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(part)))
	}
	return dst, nil
}
