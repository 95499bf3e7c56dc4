package frame

import (
	"errors"
	"fmt"
	"io"
	"math"

	"encoding/binary"

	"github.com/parquet-go/parquet-go"
)

// What a Parquet file says of itself is Thrift's compact protocol. Before the library reads it, it is walked once, so that no count in it stands for more than there
// are bytes: the library takes counts at their word.

const (
	mostFooter  = 64 << 20
	thriftDepth = 24
	pageHeader  = 1 << 16 // bytes that the header of a page may take, its statistics with it
)

var errThrift = errors.New("counts or lengths beyond the end")

// A thriftWalk reads Thrift's compact protocol and keeps nothing.
type thriftWalk struct{ b []byte }

func (t *thriftWalk) varint() (uint64, error) {
	v, n := binary.Uvarint(t.b)
	if n <= 0 {
		return 0, errThrift
	}
	t.b = t.b[n:]
	return v, nil
}

func (t *thriftWalk) drop(n uint64) error {
	if n > uint64(len(t.b)) {
		return errThrift
	}
	t.b = t.b[n:]
	return nil
}

func (t *thriftWalk) take() (byte, error) {
	if len(t.b) == 0 {
		return 0, errThrift
	}
	c := t.b[0]
	t.b = t.b[1:]
	return c, nil
}

// fields visits the fields of a struct; visit reads the value and says so, or leaves it.
func (t *thriftWalk) fields(depth int, visit func(id int64, kind byte) (bool, error)) error {
	for id := int64(0); ; {
		c, err := t.take()
		if err != nil || c == 0 {
			return err
		}
		if c>>4 != 0 {
			id += int64(c >> 4)
		} else {
			v, err := t.varint()
			if err != nil {
				return err
			}
			id = int64(v>>1) ^ -int64(v&1)
		}
		done := false
		if visit != nil {
			if done, err = visit(id, c&15); err != nil {
				return err
			}
		}
		if !done {
			if err := t.skip(c&15, depth+1, false); err != nil {
				return err
			}
		}
	}
}

// Kinds of values.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// skip passes over a value.
func (t *thriftWalk) skip(kind byte, depth int, inList bool) error {
	if depth > thriftDepth {
		return errThrift
	}
	switch {
	case kind == thriftTrue || kind == thriftFalse:
		if inList {
			return t.drop(1)
		}
		return nil
	case kind == thriftByte:
		return t.drop(1)
	case kind >= thriftI16 && kind <= thriftI64:
		_, err := t.varint()
		return err
	case kind == thriftDouble:
		return t.drop(8)
	case kind == thriftBinary:
		n, err := t.varint()
		if err != nil {
			return err
		}
		return t.drop(n)
	case kind == thriftList || kind == thriftSet:
		return t.list(depth)
	case kind == thriftMap:
		return t.pairs(depth)
	case kind == thriftStruct:
		return t.fields(depth, nil)
	}
	return errThrift
}

func (t *thriftWalk) list(depth int) error {
	c, err := t.take()
	if err != nil {
		return err
	}
	n := uint64(c >> 4)
	if n == 15 {
		if n, err = t.varint(); err != nil {
			return err
		}
	}
	if n > uint64(len(t.b)) {
		return errThrift
	}
	for ; n > 0; n-- {
		if err := t.skip(c&15, depth+1, true); err != nil {
			return err
		}
	}
	return nil
}

func (t *thriftWalk) pairs(depth int) error {
	n, err := t.varint()
	if err != nil || n == 0 {
		return err
	}
	kinds, err := t.take()
	if err != nil || n > uint64(len(t.b)) {
		return errThrift
	}
	for ; n > 0; n-- {
		if err := t.skip(kinds>>4, depth+1, true); err != nil {
			return err
		}
		if err := t.skip(kinds&15, depth+1, true); err != nil {
			return err
		}
	}
	return nil
}

// checkFooter walks what a Parquet file says of itself.
func checkFooter(path string, f io.ReaderAt, size int64) error {
	bad := func(found string) error {
		return damaged(path, "the Parquet file cannot be read: what it says of itself is damaged", found, parquetFix)
	}
	var end [8]byte
	if size < 12 {
		return bad(fmt.Sprintf("%d bytes", size))
	}
	if _, err := f.ReadAt(end[:], size-8); err != nil {
		return bad(err.Error())
	}
	if string(end[4:]) != "PAR1" {
		return bad(fmt.Sprintf("it ends in %q", end[4:]))
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	if n > size-12 || n > mostFooter {
		return bad(fmt.Sprintf("a footer of %d bytes in a file of %d", n, size))
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, size-8-n); err != nil {
		return bad(err.Error())
	}
	t := &thriftWalk{b}
	if err := t.fields(0, nil); err != nil || len(t.b) > 0 {
		return bad(fmt.Sprintf("a footer of %d bytes, of which %d are left over", n, len(t.b)))
	}
	return nil
}

// A page is what the header of a page says.
type page struct{ unpacked, packed, values int64 }

// checkPages walks the headers of all pages of a file.
func checkPages(path string, f io.ReaderAt, size int64, file *parquet.File) error {
	for _, g := range file.Metadata().RowGroups {
		for _, c := range g.Columns {
			m := c.MetaData
			at := m.DataPageOffset
			if m.DictionaryPageOffset > 0 && m.DictionaryPageOffset < at {
				at = m.DictionaryPageOffset
			}
			if at < 4 || m.TotalCompressedSize > size-at {
				return damaged(path, "a column of the Parquet file reaches behind its end", fmt.Sprintf("%d bytes at %d of %d", m.TotalCompressedSize, at, size), parquetFix)
			}
			values := int64(0)
			for end := at + m.TotalCompressedSize; at < end; {
				p, header, err := pageAt(f, at, end)
				if err != nil || p.packed < 0 || p.packed > end-at-header || p.unpacked < 0 || p.unpacked > mostPacked*(p.packed+1) || p.values < 0 || p.values > math.MaxInt32 {
					return damaged(path, "a page of the Parquet file is damaged", fmt.Sprintf("%d values in %d bytes, %d unpacked, at %d", p.values, p.packed, p.unpacked, at), parquetFix)
				}
				at += header + p.packed
				values += p.values
			}
			if values > 2*m.NumValues+math.MaxInt16 { // a dictionary has values of its own
				return damaged(path, "the pages of a column of the Parquet file have too many values", fmt.Sprintf("%d, not %d", values, m.NumValues), parquetFix)
			}
		}
	}
	return nil
}

// pageAt reads the header of a page, and how many bytes it takes.
func pageAt(f io.ReaderAt, at, end int64) (p page, header int64, err error) {
	b := make([]byte, min(512, end-at)) // as a rule enough; statistics may be long
	for {
		if _, err := f.ReadAt(b, at); err != nil {
			return p, 0, err
		}
		t := &thriftWalk{b}
		if p, err = t.page(); err == nil {
			return p, int64(len(b) - len(t.b)), nil
		}
		if int64(len(b)) >= min(pageHeader, end-at) {
			return p, 0, err
		}
		b = make([]byte, min(8*int64(len(b)), pageHeader, end-at))
	}
}

func (t *thriftWalk) page() (p page, err error) {
	number := func(dst *int64) (bool, error) {
		v, err := t.varint()
		*dst = int64(v>>1) ^ -int64(v&1)
		return true, err
	}
	err = t.fields(0, func(id int64, kind byte) (bool, error) {
		switch {
		case id == 2 && kind == 5:
			return number(&p.unpacked)
		case id == 3 && kind == 5:
			return number(&p.packed)
		case (id == 5 || id == 7 || id == 8) && kind == thriftStruct: // the headers of data pages and of dictionaries begin with the number of values
			return true, t.fields(1, func(id int64, kind byte) (bool, error) {
				if id == 1 && kind == 5 {
					return number(&p.values)
				}
				return false, nil
			})
		}
		return false, nil
	})
	return p, err
}
