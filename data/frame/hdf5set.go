package frame

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"strings"
)

// A dataset is an array in an HDF5 file.
type dataset struct {
	h       *hdf5
	dims    []int
	num     numeric
	text    textKind
	at      uint64 // of contiguous data
	compact []byte
	chunk   []int // sides; nil: not in chunks
	chunks  map[[2]int]chunkAt
	filters []int
	fill    []byte // of one value, nil: zeros
}

// A textKind is how texts lie in a dataset.
type textKind int

const (
	noText textKind = iota
	fixedText
	heapText
)

// A chunkAt is where a chunk is.
type chunkAt struct {
	at    uint64
	bytes int64
	skip  uint32 // bits of filters that were not used
}

// undefined is the address of what was never written.
const undefined = ^uint64(0)

// dataset reads the header of a dataset; ok is false for what is none, or has other values than numbers and texts.
func (h *hdf5) dataset(at uint64) (d *dataset, ok bool, err error) {
	all, err := h.header(at)
	if err != nil {
		return nil, false, err
	}
	space, kind, layout := find(all, 1), find(all, 3), find(all, 8)
	if len(space) < 4 || len(kind) < 8 || len(layout) < 2 {
		return nil, false, nil
	}
	d = &dataset{h: h}
	if d.dims = dimensions(space); d.dims == nil || !d.typed(kind) {
		return nil, false, nil
	}
	if err := d.filtered(find(all, 0xb)); err != nil {
		return nil, false, err
	}
	if f := find(all, 5); len(f) > 8 && f[0] <= 2 && f[3] == 1 && int(binary.LittleEndian.Uint32(f[4:])) == d.num.size && len(f) >= 8+d.num.size {
		d.fill = f[8 : 8+d.num.size]
	} else if len(f) > 6 && f[0] == 3 && f[1]&0x20 != 0 && int(binary.LittleEndian.Uint32(f[2:])) == d.num.size && len(f) >= 6+d.num.size {
		d.fill = f[6 : 6+d.num.size]
	}
	return d, true, d.placed(layout)
}

// dimensions returns the sides of an array, nil where they cannot be.
func dimensions(m []byte) []int {
	rank, at := int(m[1]), 8
	if m[0] == 2 {
		at = 4
	}
	if rank < 1 || rank > 2 || len(m) < at+8*rank {
		return nil
	}
	out := make([]int, rank)
	for k := range out {
		v := binary.LittleEndian.Uint64(m[at+8*k:])
		if v == 0 || v > 1<<40 {
			return nil
		}
		out[k] = int(v)
	}
	return out
}

// typed reads a datatype message, and says whether it is of numbers or texts.
func (d *dataset) typed(m []byte) bool {
	class, bits, size := m[0]&15, m[1], int(binary.LittleEndian.Uint32(m[4:]))
	switch class {
	case 0, 1:
		d.num = numeric{size: size, big: bits&1 == 1, float: class == 1, signed: bits&8 != 0}
		return size == 1 && class == 0 || size == 2 || size == 4 || size == 8
	case 3:
		d.text, d.num.size = fixedText, size
		return size > 0 && size <= 4096
	case 8: // an enumeration, as h5py stores bool
		return len(m) >= 16 && d.typed(m[8:]) && d.num.size == size
	case 9:
		d.text, d.num.size = heapText, size
		return size == 16 && bits&15 == 1
	}
	return false
}

// Filters by their numbers.
const (
	deflate  = 1
	shuffle  = 2
	fletcher = 3
)

func (d *dataset) filtered(m []byte) error {
	if len(m) < 2 {
		return nil
	}
	version, n := m[0], int(m[1])
	m = m[2:]
	if version == 1 {
		m = m[min(6, len(m)):]
	}
	for range n {
		id, name, values, used := filterHead(m, version)
		if used == 0 {
			return d.h.bad("the filters of an HDF5 dataset are cut off", fmt.Sprint(len(m)))
		}
		if id != deflate && id != shuffle && id != fletcher {
			return d.h.bad("an HDF5 dataset is packed by a filter that is not read", fmt.Sprintf("filter %d", id))
		}
		used += name + 4*values
		if version == 1 && values%2 == 1 {
			used += 4
		}
		if used > len(m) {
			return d.h.bad("the filters of an HDF5 dataset are cut off", fmt.Sprint(len(m)))
		}
		d.filters, m = append(d.filters, id), m[used:]
	}
	return nil
}

// filterHead reads the number of a filter, the bytes of its name, how many values it has, and how many bytes that takes; 0 where they are not there.
func filterHead(m []byte, version byte) (id, name, values, used int) {
	word := func(at int) int { return int(binary.LittleEndian.Uint16(m[at:])) }
	switch {
	case version == 1 && len(m) >= 8:
		return word(0), (word(2) + 7) / 8 * 8, word(6), 8
	case version == 2 && len(m) >= 6 && word(0) < 256:
		return word(0), 0, word(4), 6
	case version == 2 && len(m) >= 8:
		return word(0), word(2), word(6), 8
	}
	return 0, 0, 0, 0
}

// placed reads a layout message.
func (d *dataset) placed(m []byte) error {
	total := int64(d.num.size)
	for _, n := range d.dims {
		if int64(n) > (1<<62)/total {
			return d.h.bad("an HDF5 dataset is too large", fmt.Sprint(d.dims))
		}
		total *= int64(n)
	}
	if m[0] != 3 {
		return d.h.bad("an HDF5 dataset is of the newer format", fmt.Sprintf("layout version %d", m[0]))
	}
	switch {
	case m[1] == 0 && len(m) >= 4 && int64(len(m)-4) >= total:
		d.compact = m[4:]
		return nil
	case m[1] == 1 && len(m) >= 18:
		if d.at = binary.LittleEndian.Uint64(m[2:]); d.at != undefined && (d.at > uint64(d.h.size) || total > d.h.size-int64(d.at)) {
			return d.h.bad("an HDF5 dataset reaches behind the end of the file", fmt.Sprintf("%d bytes at %d of %d", total, d.at, d.h.size))
		}
		return nil
	case m[1] == 2 && len(m) >= 3 && int(m[2]) == len(d.dims)+1 && len(m) >= 11+4*int(m[2]):
		return d.chunked(binary.LittleEndian.Uint64(m[3:]), m[11:])
	}
	return d.h.bad("the layout of an HDF5 dataset is not understood", fmt.Sprintf("% x", m[:min(len(m), 12)]))
}

// chunked lists the chunks.
func (d *dataset) chunked(tree uint64, sides []byte) error {
	bytes := int64(d.num.size)
	for k := range d.dims {
		n := int(binary.LittleEndian.Uint32(sides[4*k:]))
		if n == 0 || int64(n) > mostHDF5Chunk || bytes > mostHDF5Chunk/int64(n) {
			return d.h.bad("a chunk of an HDF5 dataset is too large", fmt.Sprintf("more than %d MiB", mostHDF5Chunk>>20))
		}
		d.chunk, bytes = append(d.chunk, n), bytes*int64(n)
	}
	d.chunks = map[[2]int]chunkAt{}
	if tree == undefined {
		return nil
	}
	return d.h.tree(tree, 1, 8+8*(len(d.dims)+1), 0, func(key []byte, at uint64) error {
		c := chunkAt{at, int64(binary.LittleEndian.Uint32(key)), binary.LittleEndian.Uint32(key[4:])}
		var place [2]int
		for k := range d.dims {
			off := binary.LittleEndian.Uint64(key[8+8*k:])
			if off >= uint64(d.dims[k]) || off%uint64(d.chunk[k]) != 0 {
				return d.h.bad("a chunk of an HDF5 dataset lies outside of it", fmt.Sprint(off))
			}
			place[k] = int(off) / d.chunk[k]
		}
		if at > uint64(d.h.size) || c.bytes > d.h.size-int64(at) || len(d.filters) == 0 && c.bytes != bytes {
			return d.h.bad("a chunk of an HDF5 dataset reaches behind the end of the file, or has another size", fmt.Sprintf("%d bytes at %d", c.bytes, at))
		}
		d.chunks[place] = c
		return nil
	})
}

// load returns the bytes of a chunk, nil where it was never written.
func (d *dataset) load(place [2]int) ([]byte, error) {
	c, ok := d.chunks[place]
	if !ok {
		return nil, nil
	}
	b, err := d.h.bytes(c.at, c.bytes)
	if err != nil {
		return nil, err
	}
	n := d.num.size
	for _, side := range d.chunk {
		n *= side
	}
	for k := len(d.filters) - 1; k >= 0; k-- {
		if c.skip>>k&1 == 1 {
			continue
		}
		switch d.filters[k] {
		case fletcher:
			if len(b) < 4 {
				return nil, d.h.bad("a chunk of an HDF5 dataset is cut off", fmt.Sprint(len(b)))
			}
			b = b[:len(b)-4]
		case deflate:
			want := n
			for _, f := range d.filters[:k] {
				if f == fletcher {
					want += 4
				}
			}
			z, err := zlib.NewReader(bytes.NewReader(b))
			if err == nil {
				b, err = inflated(z, want)
			}
			if err != nil {
				return nil, d.h.bad("a chunk of an HDF5 dataset cannot be unpacked", err.Error())
			}
		case shuffle:
			b = unshuffled(b, d.num.size)
		}
	}
	if len(b) != n {
		return nil, d.h.bad("a chunk of an HDF5 dataset has another size than it should", fmt.Sprintf("%d bytes, not %d", len(b), n))
	}
	return b, nil
}

// unshuffled puts the bytes of each value together, which lie apart: all first ones, all second ones, and so on.
func unshuffled(b []byte, size int) []byte {
	n := len(b) / size
	out := make([]byte, len(b))
	for k := range size {
		for i := range n {
			out[i*size+k] = b[k*n+i]
		}
	}
	copy(out[n*size:], b[n*size:])
	return out
}

// A heapTexts reads texts of a global heap, a collection at a time.
type heapTexts struct {
	h    *hdf5
	at   uint64
	data []byte
}

func (t *heapTexts) text(at uint64, index uint32, length int) (string, error) {
	if t.data == nil || t.at != at {
		b, err := t.h.bytes(at, 16)
		if err != nil {
			return "", err
		}
		n := binary.LittleEndian.Uint64(b[8:])
		if !bytes.HasPrefix(b, []byte("GCOL")) || n < 16 || n > mostHDF5Chunk {
			return "", t.h.bad("a heap of the HDF5 file is damaged", fmt.Sprintf("%.4q", b))
		}
		if t.data, err = t.h.bytes(at+16, int64(n)-16); err != nil {
			return "", err
		}
		t.at = at
	}
	for b := t.data; len(b) >= 16; {
		id, n := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint64(b[8:])
		if id == 0 || n > uint64(len(b)-16) {
			break
		}
		if uint32(id) == index && uint64(length) <= n {
			return strings.TrimRight(string(b[16:16+length]), "\x00"), nil
		}
		b = b[min(uint64(len(b)), 16+(n+7)/8*8):]
	}
	return "", t.h.bad("a text of the HDF5 file is not there", fmt.Sprint(index))
}
