package frame

import (
	"fmt"
	"slices"
)

// A sparse5 is a matrix of which only values that are not 0 are kept, as AnnData writes those of scipy: of each row (csr) or column (csc) where its values begin, and of each value its
// place in the row or column.
type sparse5 struct {
	begins        []int // one more than there are rows, or columns
	places, value *dataset
	rows, columns int
	byColumn      bool
}

// sparse reads the group of a sparse matrix with so many rows and columns; nil where the group is none.
func (h *hdf5) sparse(path []string, rows, columns int) (*sparse5, error) {
	var part [3]*dataset
	for k, name := range []string{"indptr", "indices", "data"} {
		at, ok, err := h.lookup(append(slices.Clone(path), name)...)
		if err != nil || !ok {
			return nil, err
		}
		if part[k], ok, err = h.dataset(at); err != nil {
			return nil, err
		}
		if d := part[k]; !ok || len(d.dims) != 1 || d.text != noText || k < 2 && d.num.float {
			return nil, h.bad("a part of a sparse matrix in an HDF5 file is no list of numbers", name)
		}
	}
	s := &sparse5{places: part[1], value: part[2], rows: rows, columns: columns}
	n := part[0].dims[0] - 1
	switch {
	case rows == columns:
		return nil, h.bad("a sparse matrix in an HDF5 file has as many rows as columns: which of them it is kept by is not read", fmt.Sprint(rows))
	case n == columns:
		s.byColumn = true
	case n != rows:
		return nil, h.bad("a sparse matrix in an HDF5 file has other sides than its lists", fmt.Sprintf("%d rows or columns, of %d and %d", n, rows, columns))
	}
	if part[1].dims[0] != part[2].dims[0] {
		return nil, h.bad("a sparse matrix in an HDF5 file has places of other values than it has", fmt.Sprintf("%d and %d", part[1].dims[0], part[2].dims[0]))
	}
	if int64(n)*int64(part[0].num.size) > mostTexts+mostTextRatio*h.size {
		return nil, h.bad("an HDF5 dataset is too large", fmt.Sprint(n))
	}
	var err error
	if s.begins, err = part[0].whole(0, n+1); err != nil {
		return nil, err
	}
	if !slices.IsSorted(s.begins) || s.begins[0] < 0 || s.begins[n] > part[1].dims[0] {
		return nil, h.bad("a sparse matrix in an HDF5 file is damaged: its rows overlap", "indptr")
	}
	return s, nil
}

// whole reads whole numbers of a list.
func (d *dataset) whole(lo, hi int) ([]int, error) {
	raw := make([]byte, (hi-lo)*d.num.size)
	if err := d.read(lo, hi, 0, 1, raw); err != nil {
		return nil, err
	}
	out := make([]int, hi-lo)
	for i := range out {
		out[i] = int(d.num.value(raw[i*d.num.size:][:d.num.size]))
	}
	return out, nil
}

// read is that of a matrix.
func (s *sparse5) read(r0, r1, c0, c1 int, dst []byte) error {
	clear(dst)
	lo, hi, from, to := r0, r1, c0, c1
	if s.byColumn {
		lo, hi, from, to = c0, c1, r0, r1
	}
	const most = 1 << 20 // values at a time
	size, major, beyond := s.value.num.size, lo, s.columns
	if s.byColumn {
		beyond = s.rows
	}
	for at := s.begins[lo]; at < s.begins[hi]; {
		n := min(most, s.begins[hi]-at)
		places, err := s.places.whole(at, at+n)
		if err != nil {
			return err
		}
		values := make([]byte, n*size)
		if err := s.value.read(at, at+n, 0, 1, values); err != nil {
			return err
		}
		for k, minor := range places {
			for at+k >= s.begins[major+1] {
				major++
			}
			if minor < 0 || minor >= beyond {
				return s.value.h.bad("a sparse matrix in an HDF5 file has a value outside of it", fmt.Sprintf("%d of %d", minor, beyond))
			}
			if minor < from || minor >= to {
				continue
			}
			r, c := major, minor
			if s.byColumn {
				r, c = minor, major
			}
			copy(dst[((r-r0)*(c1-c0)+c-c0)*size:][:size], values[k*size:])
		}
		at += n
	}
	return nil
}

// takeSparse takes AnnData's X, where it is a sparse matrix. false: it is none.
func (a *array5) takeSparse(path []string) (bool, error) {
	if _, ok, err := a.h.lookup(append(slices.Clone(path), "indptr")...); err != nil || !ok {
		return false, err
	}
	a.path = path
	l, err := a.labels()
	if err != nil {
		return false, err
	}
	if l == nil {
		return false, a.h.bad("a sparse matrix of an HDF5 file has no lists: those of AnnData, obs and var, are read", path[0])
	}
	a.sparse, err = a.h.sparse(path, len(l.iid), len(l.names))
	return a.sparse != nil, err
}
