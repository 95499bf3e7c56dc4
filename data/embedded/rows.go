package embedded

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// Problems of folders of features.
const (
	codeFolder = 1001 // the folder is no embedding, or its list of rows is not one
	codeRows   = 1002 // a matrix has other rows than the list
	codeFinite = 1003 // a feature is infinite
)

// Splits that a row may be in. New rows are of persons whom the run has never seen; unknown is said of all where that is not known.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
	New        = "new"
	Unknown    = "unknown"
)

// Rows are whose the rows of a folder's matrices are: of persons, or of images.
type Rows struct {
	Path   string   // persons.tsv or images.tsv
	IDs    []string // of the person of each row; of images a person may be there several times
	Images []string // as in the manifest; nil where rows are persons
	Splits []string // of each row: one of the words above

	dir      string
	at       []int // of each row: its number in the matrices
	numbered bool  // the list says which; else its lines are in their order
}

// Persons reads whose the rows of the folder's matrices are. A folder without persons.tsv, or with one that lacks person_id, has a row of a matrix twice or a split that is not known is
// E1001; an id that is there twice E120.
func Persons(dir string) (*Rows, error) { return read(dir, "persons.tsv", false) }

// Images reads whose the rows of the matrices per-image/ are; errors as of Persons, but for E120: an image that is there twice is E1001.
func Images(dir string) (*Rows, error) {
	return read(filepath.Join(dir, "per-image"), "images.tsv", true)
}

func read(dir, name string, images bool) (*Rows, error) {
	path := filepath.Join(dir, name)
	l, err := table.OpenTable(path)
	if err != nil {
		return nil, notEmbedding(path, err)
	}
	defer l.Close()
	r := &reader{Rows: Rows{Path: path, dir: dir}, ids: table.IDs{Path: path}, images: images}
	if err := r.header(l); err != nil {
		return nil, err
	}
	for l.Next() {
		if err := r.line(l); err != nil {
			return nil, err
		}
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	if len(r.IDs) == 0 {
		return nil, table.Empty(path, "the list has a header and no rows")
	}
	return &r.Rows, r.check()
}

// notEmbedding says what a folder is to hold, where its list of rows is not there or cannot be read.
func notEmbedding(path string, err error) error {
	return &data.Problem{Code: codeFolder, File: path, What: "the list of rows cannot be read", Err: err, Expected: "a folder that `contig-gpu embed` wrote",
		Cause: "another folder, or one that was copied in part", Fix: "name the folder of `embed --out`"}
}

// A reader reads a list of rows.
type reader struct {
	Rows
	ids                   table.IDs
	images                bool
	columns               int
	id, image, split, row int // columns, -1 where there is none
	fields                []string
	seen                  map[string]int // line of an image
}

func (r *reader) header(l *table.Lines) error {
	if !l.Next() {
		if err := l.Err(); err != nil {
			return err
		}
		return table.Empty(r.Path, "the list has no header")
	}
	names := l.Fields(nil)
	if err := table.Columns(r.Path, l.Line(), names); err != nil {
		return err
	}
	at := func(name string) int { return slices.Index(names, name) }
	r.columns, r.id, r.image, r.split, r.row = len(names), at("person_id"), at("image"), at("split"), at("row")
	r.numbered = r.row >= 0
	if r.id < 0 || r.images && r.image < 0 {
		want := "person_id"
		if r.images {
			want += ", image"
		}
		return r.bad(l.Line(), "the list lacks a column", "a header with "+want+", and split and row where there are", fmt.Sprintf("%.200s", strings.Join(names, " ")))
	}
	return nil
}

func (r *reader) bad(line int, what, expected, found string) error {
	return &data.Problem{Code: codeFolder, File: r.Path, Line: line, What: what, Expected: expected, Found: found,
		Cause: "the list was edited, or written by another program", Fix: "write it again with `contig-gpu embed`, or as docs/run-folder.md says"}
}

func (r *reader) line(l *table.Lines) error {
	f := l.Fields(r.fields)
	if r.fields = f; len(f) != r.columns {
		return l.Ragged(r.columns, f)
	}
	if r.images {
		if err := table.CheckID(r.Path, l.Line(), f[r.id]); err != nil {
			return err
		}
		if r.seen == nil {
			r.seen = map[string]int{}
		}
		name := strings.Clone(f[r.image])
		if first, dup := r.seen[name]; dup {
			return r.bad(l.Line(), "an image is there twice", "one row an image", fmt.Sprintf("%q on lines %d and %d", name, first, l.Line()))
		}
		r.seen[name] = l.Line()
		r.Images = append(r.Images, name)
	} else if err := r.ids.Add(strings.Clone(f[r.id]), l.Line()); err != nil {
		return err
	}
	split := Unknown
	if r.split >= 0 {
		split = strings.Clone(f[r.split])
	}
	if !slices.Contains([]string{Train, Validation, Test, New, Unknown}, split) {
		return r.bad(l.Line(), "the split is not known", strings.Join([]string{Train, Validation, Test, New, Unknown}, ", "), fmt.Sprintf("%.60q", split))
	}
	row := len(r.IDs)
	if r.row >= 0 {
		var err error
		if row, err = strconv.Atoi(f[r.row]); err != nil || row < 0 {
			return r.bad(l.Line(), "the number of the row in the matrices is none", "a whole number from 0 on", fmt.Sprintf("%.60q", f[r.row]))
		}
	}
	r.IDs, r.Splits, r.at = append(r.IDs, strings.Clone(f[r.id])), append(r.Splits, split), append(r.at, row)
	return nil
}

// check refuses a row of the matrices that two lines name.
func (r *reader) check() error {
	line := make(map[int]int, len(r.at))
	for i, at := range r.at {
		if first, dup := line[at]; dup {
			return r.bad(0, "two lines have the same row of the matrices", "a row of its own for each", fmt.Sprintf("%d, of entries %d and %d", at, first+1, i+1))
		}
		line[at] = i
	}
	return nil
}
