package frame

import (
	"encoding/binary"
	"fmt"
	"strings"

	"contig-gpu/data/table"
)

// An array5 is a dataset of numbers as a matrix, in a file that may have the lists of AnnData.
type array5 struct {
	h      *hdf5
	d      *dataset
	path   []string // of the dataset
	sparse *sparse5 // nil: a dense one
}

// publishedName is what the published burden pipeline calls its dataset, annDataName what AnnData does.
const (
	publishedName = "G"
	annDataName   = "X"
)

// openHDF5 opens the dataset of a name, or where that is "" G, X, or the only one of two dimensions in the root group.
func openHDF5(path, name string) (matrix, error) {
	h, err := openFile5(path)
	if err != nil {
		return nil, err
	}
	a := &array5{h: h}
	if err := a.choose(strings.Trim(name, "/")); err != nil {
		h.f.Close()
		return nil, err
	}
	return a, nil
}

func (a *array5) choose(name string) error {
	if name != "" {
		return a.take(name, strings.Split(name, "/"))
	}
	list, _, err := a.h.group(a.h.root)
	if err != nil {
		return err
	}
	var arrays, all []string
	for _, e := range list {
		all = append(all, e.name)
		d, ok, err := a.h.dataset(e.at)
		if err == nil && ok && d.text == noText && len(d.dims) == 2 {
			arrays = append(arrays, e.name)
		}
	}
	for _, n := range []string{publishedName, annDataName} {
		for _, have := range all {
			if have == n {
				return a.take(n, []string{n})
			}
		}
	}
	if len(arrays) == 1 {
		return a.take(arrays[0], arrays)
	}
	return a.h.noDataset(publishedName, all)
}

func (a *array5) take(name string, path []string) error {
	at, ok, err := a.h.lookup(path...)
	if err != nil {
		return err
	}
	if ok {
		if a.d, ok, err = a.h.dataset(at); err != nil {
			return err
		}
	}
	if !ok {
		if is, err := a.takeSparse(path); is || err != nil {
			return err
		}
	}
	if !ok || a.d.text != noText {
		list, _, err := a.h.group(a.h.root)
		if err != nil {
			return err
		}
		var have []string
		for _, e := range list {
			have = append(have, e.name)
		}
		return a.h.noDataset(name, have)
	}
	a.path = path
	return nil
}

func (a *array5) shape() (rows, columns int) {
	if a.sparse != nil {
		return a.sparse.rows, a.sparse.columns
	}
	if len(a.d.dims) == 1 {
		return a.d.dims[0], 1
	}
	return a.d.dims[0], a.d.dims[1]
}

func (a *array5) step() (rows, columns int) {
	if a.sparse != nil {
		return 1, 1
	}
	switch len(a.d.chunk) {
	case 0:
		return 1, 1
	case 1:
		return a.d.chunk[0], 1
	}
	return a.d.chunk[0], a.d.chunk[1]
}

func (a *array5) numeric() numeric {
	if a.sparse != nil {
		return a.sparse.value.num
	}
	return a.d.num
}

func (a *array5) close() error { return a.h.f.Close() }

func (a *array5) read(r0, r1, c0, c1 int, dst []byte) error {
	if a.sparse != nil {
		return a.sparse.read(r0, r1, c0, c1, dst)
	}
	return a.d.read(r0, r1, c0, c1, dst)
}

// read writes the values of some rows and columns, row after row.
func (d *dataset) read(r0, r1, c0, c1 int, dst []byte) error {
	size, columns := d.num.size, 1
	if len(d.dims) == 2 {
		columns = d.dims[1]
	}
	if d.chunk != nil {
		return d.readChunks(r0, r1, c0, c1, dst)
	}
	width := (c1 - c0) * size
	for r := r0; r < r1; r++ {
		row, from := dst[(r-r0)*width:(r-r0+1)*width], (int64(r)*int64(columns)+int64(c0))*int64(size)
		switch {
		case d.compact != nil:
			copy(row, d.compact[from:])
		case d.at == undefined:
			d.blank(row)
		default:
			if _, err := d.h.f.ReadAt(row, int64(d.at)+from); err != nil {
				return table.Unreadable(d.h.path, err)
			}
		}
	}
	return nil
}

// blank writes the value of what was never written.
func (d *dataset) blank(dst []byte) {
	clear(dst)
	if d.fill != nil {
		for i := 0; i+len(d.fill) <= len(dst); i += len(d.fill) {
			copy(dst[i:], d.fill)
		}
	}
}

func (d *dataset) readChunks(r0, r1, c0, c1 int, dst []byte) error {
	size, high, wide := d.num.size, d.chunk[0], 1
	if len(d.chunk) == 2 {
		wide = d.chunk[1]
	}
	for i := r0 / high; i*high < r1; i++ {
		for j := c0 / wide; j*wide < c1; j++ {
			b, err := d.load([2]int{i, j})
			if err != nil {
				return err
			}
			lo, hi := max(c0, j*wide), min(c1, (j+1)*wide)
			for r := max(r0, i*high); r < min(r1, (i+1)*high); r++ {
				at := ((r-r0)*(c1-c0) + lo - c0) * size
				row := dst[at : at+(hi-lo)*size]
				if b == nil {
					d.blank(row)
					continue
				}
				copy(row, b[((r-i*high)*wide+lo-j*wide)*size:])
			}
		}
	}
	return nil
}

// labels returns the lists that AnnData keeps beside X: the index of obs, and that of var.
func (a *array5) labels() (*lists, error) {
	if len(a.path) == 0 || a.path[0] != annDataName {
		return nil, nil
	}
	persons, err := a.index("obs")
	if err != nil || persons == nil {
		return nil, err
	}
	names, err := a.index("var")
	if err != nil || names == nil {
		return nil, err
	}
	l := &lists{iid: persons, names: names, lines: make([]int, len(persons))}
	for i := range l.lines {
		l.lines[i] = i + 1
	}
	return l, table.Columns(a.h.path, 0, names)
}

// index reads the texts of a group's dataset _index or index, nil where there is none.
func (a *array5) index(group string) ([]string, error) {
	for _, name := range []string{"_index", "index"} {
		at, ok, err := a.h.lookup(group, name)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		d, ok, err := a.h.dataset(at)
		if err != nil {
			return nil, err
		}
		if ok && d.text != noText && len(d.dims) == 1 {
			return d.texts()
		}
	}
	return nil, nil
}

// What texts may take: some for any file, and what gzip can have packed into it.
const (
	mostTexts     = 64 << 20
	mostTextRatio = 1024
)

func (d *dataset) texts() ([]string, error) {
	n, size := d.dims[0], d.num.size
	if int64(n)*int64(size) > mostTexts+mostTextRatio*d.h.size {
		return nil, d.h.bad("an HDF5 dataset has too many texts", fmt.Sprint(n))
	}
	raw := make([]byte, n*size)
	if err := d.read(0, n, 0, 1, raw); err != nil {
		return nil, err
	}
	out := make([]string, n)
	heap := &heapTexts{h: d.h}
	for i := range out {
		b := raw[i*size : (i+1)*size]
		if d.text == fixedText {
			out[i] = strings.TrimRight(string(b), "\x00 ")
			continue
		}
		var err error
		if out[i], err = heap.text(binary.LittleEndian.Uint64(b[4:]), binary.LittleEndian.Uint32(b[12:]), int(binary.LittleEndian.Uint32(b))); err != nil {
			return nil, err
		}
	}
	return out, nil
}
