package embedded

import (
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/frame"
)

// A Matrix is one of a folder, open to be read. Its methods are for one goroutine.
type Matrix struct {
	Width int // values of a row
	rows  *Rows
	path  string
	a     *frame.Array
}

// Features is the name of the matrix of the image encoder's features.
const Features = "features"

// Open opens the matrix of a name: Features, or a modality's name with .image or .genetics behind it. One that is not there, or is damaged, is E104 or E410; one with fewer
// rows than the list has, or without the rows that it names, E1002.
func (r *Rows) Open(name string) (*Matrix, error) {
	path := filepath.Join(r.dir, url.PathEscape(name)+".npy")
	a, err := frame.OpenArray(path)
	if err != nil {
		return nil, err
	}
	m := &Matrix{Width: a.Columns, rows: r, path: path, a: a}
	if err := m.fits(); err != nil {
		a.Close()
		return nil, err
	}
	return m, nil
}

func (m *Matrix) fits() error {
	last := slices.Max(m.rows.at) + 1
	if m.a.Rows == len(m.rows.at) && last == m.a.Rows || m.rows.numbered && last <= m.a.Rows {
		return nil
	}
	return &data.Problem{Code: codeRows, File: m.path, What: "the matrix has other rows than the list " + filepath.Base(m.rows.Path), Expected: fmt.Sprintf("a row for each of %d lines", len(m.rows.at)),
		Found: fmt.Sprintf("%d rows; the list names row %d as the last", m.a.Rows, last-1), Cause: "files of two embeddings in one folder, or one that was copied in part", Fix: "write the folder again with `contig-gpu embed`"}
}

// Len returns how many rows there are.
func (m *Matrix) Len() int { return len(m.rows.at) }

// Read writes the rows from lo to hi, hi not included, to dst: (hi - lo) x Width values, in the order of the list. What is missing is NaN.
func (m *Matrix) Read(lo, hi int, dst []float64) error {
	for i := lo; i < hi; {
		n := 1 // rows that lie behind each other in the file
		for i+n < hi && m.rows.at[i+n] == m.rows.at[i]+n {
			n++
		}
		at := m.rows.at[i]
		if err := m.a.Read(at, at+n, dst[(i-lo)*m.Width:(i-lo+n)*m.Width]); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// Some writes the rows of the given numbers to dst, one behind the other.
func (m *Matrix) Some(rows []int, dst []float64) error {
	for k := 0; k < len(rows); {
		n := 1
		for k+n < len(rows) && rows[k+n] == rows[k]+n {
			n++
		}
		if err := m.Read(rows[k], rows[k]+n, dst[k*m.Width:(k+n)*m.Width]); err != nil {
			return err
		}
		k += n
	}
	return nil
}

// Close closes the file.
func (m *Matrix) Close() error { return m.a.Close() }

// stripValues is how many values Gaps holds at a time.
const stripValues = 1 << 20

// Gaps say what of a matrix is NaN, and which columns tell rows apart.
type Gaps struct {
	Absent   []int // rows of which every value is NaN, such as the genetics of persons who have none
	Partly   []int // rows with some
	Columns  []int // columns with a NaN in a row that is not absent
	Constant []int // columns with one value in all rows that are not absent
}

// Gaps reads the whole matrix once, some rows at a time. An infinite value is E1003.
func (m *Matrix) Gaps() (*Gaps, error) {
	g, n, width := &Gaps{}, m.Len(), m.Width
	step := max(1, stripValues/width)
	buf := make([]float64, min(step, n)*width)
	hole, varies, first := make([]bool, width), make([]bool, width), make([]float64, 0, width)
	for lo := 0; lo < n; lo += step {
		hi := min(n, lo+step)
		if err := m.Read(lo, hi, buf); err != nil {
			return nil, err
		}
		for i := lo; i < hi; i++ {
			row := buf[(i-lo)*width:][:width]
			missing, err := m.look(i, row)
			if err != nil {
				return nil, err
			}
			switch {
			case missing == width:
				g.Absent = append(g.Absent, i)
				continue
			case missing > 0:
				g.Partly = append(g.Partly, i)
				for j, v := range row {
					hole[j] = hole[j] || math.IsNaN(v)
				}
			}
			if len(first) == 0 {
				first = append(first, row...)
			}
			for j, v := range row {
				varies[j] = varies[j] || v != first[j]
			}
		}
	}
	for j := range hole {
		if hole[j] {
			g.Columns = append(g.Columns, j)
		}
		if !varies[j] && len(first) > 0 {
			g.Constant = append(g.Constant, j)
		}
	}
	return g, nil
}

// look counts the NaN of a row.
func (m *Matrix) look(i int, row []float64) (missing int, err error) {
	for j, v := range row {
		if math.IsInf(v, 0) {
			return 0, &data.Problem{Code: codeFinite, File: m.path, What: "a value is infinite", Expected: "finite values, NaN where missing", Found: fmt.Sprintf("%g in column %d of row %d", v, j, m.rows.at[i]),
				Cause: "features that another program computed in 16 bits, or a division by zero", Fix: "write the features again"}
		}
		if math.IsNaN(v) {
			missing++
		}
	}
	return missing, nil
}
