package frame

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"contig-gpu/data"
	"contig-gpu/data/input"
	"contig-gpu/data/table"
)

// Problems of tables that are no text.
const (
	codeForm  = 410 // a file that is damaged, or of a kind that is not read
	codeShape = 411 // an array of another shape than its lists say
)

// Options say what beside the file is needed to read it.
type Options struct {
	IDs     string // a list of the persons of an array, in the order of its rows
	Names   string // a list of its features
	Dataset string // of HDF5; "": G, or the only one of two dimensions
	Orient  string // OrientAuto, OrientPersons or OrientFeatures
}

// Orientations of arrays.
const (
	OrientAuto     = "auto"     // as the lengths of the lists say; persons are rows where both fit
	OrientPersons  = "persons"  // persons are rows
	OrientFeatures = "features" // features are rows
)

// Read reads a table, whose form its first bytes tell. It keeps the rows of those who are wanted; all rows are checked.
func Read(path string, o Options, s table.Selection) (*table.Wide, error) {
	head, err := begin(path)
	if err != nil {
		return nil, err
	}
	array := bytes.HasPrefix(head, []byte("\x93NUMPY")) || bytes.HasPrefix(head, []byte("\x89HDF\r\n\x1a\n"))
	w, err := read(path, head, array, o, s)
	if w != nil && (array || bytes.HasPrefix(head, []byte("PAR1"))) {
		form := map[byte]string{'P': "Parquet", 0x93: "a NumPy array", 0x89: "HDF5"}[head[0]]
		w.Notes = append(w.Notes, fmt.Sprintf("%s is %s.", filepath.Base(path), form))
	}
	return w, err
}

func read(path string, head []byte, array bool, o Options, s table.Selection) (*table.Wide, error) {
	switch {
	case !array && (o.IDs != "" || o.Names != "" || o.Dataset != ""):
		return nil, &data.Problem{Code: codeForm, File: path, What: "lists of ids and names, and a dataset, are of arrays, and this is none", Expected: "a NumPy array (.npy) or HDF5", Found: fmt.Sprintf("a file that begins %.12q", head),
			Cause: "another file, or a table that has its ids within", Fix: "remove the keys ids, names and dataset, or name the array"}
	case bytes.HasPrefix(head, []byte("PAR1")):
		return readParquet(path, s)
	case bytes.HasPrefix(head, []byte("\x93NUMPY")):
		return readArray(path, o, s, openNPY)
	case array:
		return readArray(path, o, s, func(path string) (matrix, error) { return openHDF5(path, o.Dataset) })
	}
	return readText(path, s)
}

// begin returns the first bytes of a file.
func begin(path string) ([]byte, error) {
	f, err := input.Open(path, input.NoLimit)
	if err != nil {
		return nil, table.Unreadable(path, err)
	}
	defer f.Close()
	head := make([]byte, data.FormatBytes)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, table.Unreadable(path, err)
	}
	return head[:n], nil
}

// damaged is the problem of a file that does not hold what its own bytes say, or holds what is not read (E410).
func damaged(path, what, found, fix string) *data.Problem {
	return &data.Problem{Code: codeForm, File: path, What: what, Found: found, Cause: "a file cut short or damaged, or a kind of it that is not read", Fix: fix}
}
