package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

const hdf5Fix = "write it as h5py does by default (libver earliest), plain or with gzip; h5repack -f GZIP=4 IN OUT rewrites it"

// An hdf5 is a file of the early format, superblock 0 or 1: what h5py writes by default. Of it groups, and datasets of numbers or texts are read, contiguous, compact or in
// chunks that are plain or packed by gzip, with or without shuffle and checksums.
type hdf5 struct {
	path string
	f    *os.File
	size int64
	root uint64 // address of the root group's object header
}

// What a file may make of memory.
const (
	mostHDF5Node  = 1 << 20 // bytes of a node, header or heap
	mostHDF5Chunk = 256 << 20
	mostHDF5Depth = 64
	mostMessages  = 4096
)

func (h *hdf5) bad(what, found string) error { return damaged(h.path, what, found, hdf5Fix) }

// bytes reads n bytes at an address.
func (h *hdf5) bytes(at uint64, n int64) ([]byte, error) {
	if n < 0 || at > uint64(h.size) || n > h.size-int64(at) || n > mostHDF5Chunk {
		return nil, h.bad("the HDF5 file points behind its end", fmt.Sprintf("%d bytes at %d of %d", n, at, h.size))
	}
	b := make([]byte, n)
	if _, err := h.f.ReadAt(b, int64(at)); err != nil {
		return nil, table.Unreadable(h.path, err)
	}
	return b, nil
}

func openFile5(path string) (*hdf5, error) {
	f, err := input.Open(path, input.NoLimit)
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, table.Unreadable(path, err)
	}
	h := &hdf5{path: path, f: f, size: st.Size()}
	if err := h.superblock(); err != nil {
		f.Close()
		return nil, err
	}
	return h, nil
}

func (h *hdf5) superblock() error {
	b, err := h.bytes(0, min(96+4, h.size))
	if err != nil {
		return err
	}
	if len(b) < 96 {
		return h.bad("the HDF5 file ends within its superblock", fmt.Sprintf("%d bytes", len(b)))
	}
	at := 24
	switch {
	case b[8] == 1:
		at = 28
	case b[8] != 0:
		return h.bad("the HDF5 file is of the newer format", fmt.Sprintf("superblock version %d", b[8]))
	}
	if b[13] != 8 || b[14] != 8 {
		return h.bad("the HDF5 file has addresses of another size", fmt.Sprintf("%d and %d bytes", b[13], b[14]))
	}
	if base := binary.LittleEndian.Uint64(b[at:]); base != 0 || len(b) < at+48 {
		return h.bad("the HDF5 file begins with a block of its user", fmt.Sprintf("%d bytes", base))
	}
	h.root = binary.LittleEndian.Uint64(b[at+40:])
	return nil
}

// A message is one of an object header.
type message struct {
	kind uint16
	data []byte
}

// header returns the messages of an object.
func (h *hdf5) header(at uint64) ([]message, error) {
	b, err := h.bytes(at, 16)
	if err != nil {
		return nil, err
	}
	if b[0] != 1 {
		return nil, h.bad("an object of the HDF5 file is of the newer format", fmt.Sprintf("%.4q", b))
	}
	type block struct {
		at uint64
		n  int64
	}
	left := int(binary.LittleEndian.Uint16(b[2:]))
	blocks := []block{{at + 16, int64(binary.LittleEndian.Uint32(b[8:]))}}
	var out []message
	for k := 0; k < len(blocks) && k < mostHDF5Depth && left > 0; k++ {
		if blocks[k].n > mostHDF5Node {
			return nil, h.bad("an object header of the HDF5 file is too long", fmt.Sprintf("%d bytes", blocks[k].n))
		}
		b, err := h.bytes(blocks[k].at, blocks[k].n)
		if err != nil {
			return nil, err
		}
		for len(b) >= 8 && left > 0 && len(out) < mostMessages {
			kind, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
			if n > len(b)-8 {
				return nil, h.bad("a message of the HDF5 file is cut off", fmt.Sprintf("%d of %d bytes", len(b)-8, n))
			}
			m := message{kind, b[8 : 8+n]}
			left--
			if kind == 0x10 && n >= 16 {
				blocks = append(blocks, block{binary.LittleEndian.Uint64(m.data), int64(binary.LittleEndian.Uint64(m.data[8:]))})
			}
			out = append(out, m)
			b = b[8+n:]
		}
	}
	return out, nil
}

func find(all []message, kind uint16) []byte {
	for _, m := range all {
		if m.kind == kind {
			return m.data
		}
	}
	return nil
}

// An entry is an object by its name in a group.
type entry struct {
	name string
	at   uint64
}

// group lists what is in a group; ok is false for what is no group.
func (h *hdf5) group(at uint64) (list []entry, ok bool, err error) {
	all, err := h.header(at)
	if err != nil {
		return nil, false, err
	}
	m := find(all, 0x11)
	if len(m) < 16 {
		return nil, false, nil
	}
	heap, err := h.heap(binary.LittleEndian.Uint64(m[8:]))
	if err != nil {
		return nil, false, err
	}
	err = h.tree(binary.LittleEndian.Uint64(m), 0, 8, 0, func(_ []byte, child uint64) error {
		b, err := h.bytes(child, 8)
		if err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint16(b[6:]))
		if !bytes.HasPrefix(b, []byte("SNOD")) {
			return h.bad("a group of the HDF5 file is damaged", fmt.Sprintf("%.4q", b))
		}
		if b, err = h.bytes(child+8, 40*n); err != nil {
			return err
		}
		for ; len(b) >= 40; b = b[40:] {
			name := binary.LittleEndian.Uint64(b)
			if name > uint64(len(heap)) {
				return h.bad("a name of the HDF5 file is cut off", fmt.Sprint(name))
			}
			text, _, _ := bytes.Cut(heap[name:], []byte{0})
			list = append(list, entry{string(text), binary.LittleEndian.Uint64(b[8:])})
		}
		return nil
	})
	return list, true, err
}

// heap returns the names of a group.
func (h *hdf5) heap(at uint64) ([]byte, error) {
	b, err := h.bytes(at, 32)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(b[8:])
	if !bytes.HasPrefix(b, []byte("HEAP")) || n > mostHDF5Node*16 {
		return nil, h.bad("a group of the HDF5 file is damaged", fmt.Sprintf("%.4q", b))
	}
	return h.bytes(binary.LittleEndian.Uint64(b[24:]), int64(n))
}

// tree visits the leaves of a B-tree: the key before each, of so many bytes, and the address.
func (h *hdf5) tree(at uint64, kind byte, key, depth int, visit func(key []byte, child uint64) error) error {
	b, err := h.bytes(at, 24)
	if err != nil {
		return err
	}
	n := int(binary.LittleEndian.Uint16(b[6:]))
	if !bytes.HasPrefix(b, []byte("TREE")) || b[4] != kind || depth > mostHDF5Depth {
		return h.bad("a tree of the HDF5 file is damaged", fmt.Sprintf("%.6q", b))
	}
	level := b[5]
	if b, err = h.bytes(at+24, int64(n*(key+8))); err != nil {
		return err
	}
	for ; n > 0; n-- {
		child := binary.LittleEndian.Uint64(b[key:])
		if level > 0 {
			var below []byte
			if below, err = h.bytes(child, 6); err == nil && below[5] >= level {
				err = h.bad("a tree of the HDF5 file is damaged", "a node that is its own")
			}
			if err == nil {
				err = h.tree(child, kind, key, depth+1, visit)
			}
		} else {
			err = visit(b[:key], child)
		}
		if err != nil {
			return err
		}
		b = b[key+8:]
	}
	return nil
}

// lookup returns the address of an object by its path, such as obs/_index.
func (h *hdf5) lookup(path ...string) (uint64, bool, error) {
	at := h.root
	for _, name := range path {
		list, ok, err := h.group(at)
		if err != nil || !ok {
			return 0, false, err
		}
		k := slices.IndexFunc(list, func(e entry) bool { return e.name == name })
		if k < 0 {
			return 0, false, nil
		}
		at = list[k].at
	}
	return at, true, nil
}

// inflated unpacks what gzip has packed, of exactly so many bytes.
func inflated(z io.Reader, n int) ([]byte, error) {
	out := make([]byte, n)
	if _, err := io.ReadFull(z, out); err != nil {
		return nil, err
	}
	var more [1]byte
	if k, _ := z.Read(more[:]); k > 0 {
		return nil, errors.New("more bytes than the chunk has")
	}
	return out, nil
}

// noDataset is the problem of a dataset that is not there (E410).
func (h *hdf5) noDataset(name string, have []string) error {
	return &data.Problem{Code: codeForm, File: h.path, What: fmt.Sprintf("the HDF5 file has no dataset %q of two dimensions", name), Expected: `dataset = "NAME"`, Found: fmt.Sprintf("%q", have[:min(len(have), 20)]),
		Cause: "another name of the dataset", Fix: "name the dataset by the key dataset"}
}
