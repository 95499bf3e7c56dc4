package frame

// An Array is a NumPy array of numbers in a file, of two dimensions, or of one, which is a column. Rows are read as they are asked for, so it may be larger
// than memory. Its methods are for one goroutine.
type Array struct {
	Rows, Columns int
	m             matrix
	buf           []byte
}

// OpenArray opens a NumPy array (.npy). A file that is damaged, has another size than its header says, or holds no real numbers is E410, an empty one E105.
func OpenArray(path string) (*Array, error) {
	m, err := openNPY(path)
	if err != nil {
		return nil, err
	}
	rows, columns := m.shape()
	return &Array{Rows: rows, Columns: columns, m: m}, nil
}

// Read writes the rows from lo to hi, hi not included, to dst: (hi - lo) x Columns values, row after row, NaN and infinite ones as they are.
func (a *Array) Read(lo, hi int, dst []float64) error {
	num := a.m.numeric()
	if need := (hi - lo) * a.Columns * num.size; cap(a.buf) < need {
		a.buf = make([]byte, need)
	}
	b := a.buf[:(hi-lo)*a.Columns*num.size]
	if err := a.m.read(lo, hi, 0, a.Columns, b); err != nil {
		return err
	}
	for i := range dst[:(hi-lo)*a.Columns] {
		dst[i] = num.value(b[i*num.size:])
	}
	return nil
}

// Close closes the file.
func (a *Array) Close() error { return a.m.close() }
