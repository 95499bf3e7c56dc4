package table

import (
	"fmt"
	"math"
	"strings"

	"contig-gpu/data"
)

// A Wide is a table with one row a person and one column a feature.
type Wide struct {
	Path     string
	FID, IID []string // FID is nil where the table has none
	Names    []string // of the features
	Values   []float32
	Notes    []string
}

// ReadWide reads a table whose first column is person_id or IID, or whose first two are FID and IID, and whose
// others are all numbers. Values is [rows, features], NaN where missing.
func ReadWide(path string) (*Wide, error) {
	l, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	w := &Wide{Path: path}
	split, first, err := w.header(l)
	if err != nil {
		return nil, err
	}
	if err := w.rows(l, split, first); err != nil {
		return nil, err
	}
	w.Notes = l.Notes()
	return w, nil
}

// header returns how lines are cut and the index of the first feature's column.
func (w *Wide) header(l *Lines) (Splitter, int, error) {
	if !l.Next() {
		return Splitter{}, 0, orEmpty(l, "the table has no header")
	}
	split := SplitterFor(w.Path, l.Text())
	names := split.Split(l.Text(), nil)
	first := firstFeature(names)
	if first == 0 {
		return split, 0, noIDColumn(w.Path, l.Line(), names, split)
	}
	if err := Columns(w.Path, l.Line(), names); err != nil {
		return split, 0, err
	}
	if len(names) == first {
		return split, 0, &data.Problem{Code: 401, File: w.Path, Line: l.Line(), What: "the table has ids and no features",
			Expected: "one column a feature after the id", Found: fmt.Sprintf("%d columns", len(names)),
			Cause: "another separator than the file's name says", Fix: "use tabs in .tsv and commas in .csv"}
	}
	w.Names = names[first:]
	return split, first, nil
}

func firstFeature(names []string) int {
	is := func(i int, want ...string) bool {
		for _, s := range want {
			if i < len(names) && strings.TrimPrefix(names[i], "#") == s {
				return true
			}
		}
		return false
	}
	switch {
	case is(0, "person_id", "IID"):
		return 1
	case is(0, "FID") && is(1, "IID"):
		return 2
	}
	return 0
}

func noIDColumn(path string, line int, names []string, split Splitter) error {
	p := &data.Problem{Code: 108, File: path, Line: line, What: "the first column is not person_id or IID",
		Expected: "a header that begins with person_id, IID, or FID and IID, separated by " + split.String(),
		Found:    fmt.Sprintf("%.60q", names[0]), Cause: "the header line is missing, or the columns are in another order",
		Fix: "put the id first and name it person_id"}
	for i, n := range names {
		if n == "person_id" || n == "IID" {
			p.Cause = fmt.Sprintf("columns swapped: %s is column %d", n, i+1)
		}
	}
	if len(names) == 1 && strings.ContainsAny(names[0], ",;\t") {
		p.Cause = "another separator than the file's name says"
		p.Fix = "use tabs in .tsv and commas in .csv"
	}
	return p
}

func orEmpty(l *Lines, what string) error {
	if err := l.Err(); err != nil {
		return err
	}
	return Empty(l.Path(), what)
}

func (w *Wide) rows(l *Lines, split Splitter, first int) error {
	ids := IDs{Path: w.Path}
	var fields []string
	for l.Next() {
		fields = split.Split(l.Text(), fields)
		if len(fields) != first+len(w.Names) {
			return Ragged(w.Path, l.Line(), first+len(w.Names), len(fields), split)
		}
		if err := w.identify(&ids, fields[:first], l.Line()); err != nil {
			return err
		}
		for j, f := range fields[first:] {
			v, ok := Number(f)
			if !ok {
				return NotNumber(w.Path, l.Line(), w.Names[j], f)
			}
			w.Values = append(w.Values, v)
		}
	}
	if err := l.Err(); err != nil || len(w.IID) > 0 {
		return err
	}
	return Empty(w.Path, "the table has a header and no rows")
}

// identify keeps the ids of a row. With families, only the pair must be unlike all others here.
func (w *Wide) identify(ids *IDs, fields []string, line int) error {
	iid := strings.Clone(fields[len(fields)-1])
	if err := CheckID(w.Path, line, iid); err != nil {
		return err
	}
	key := iid
	if len(fields) == 2 {
		fid := strings.Clone(fields[0])
		key = fid + "_" + iid
		w.FID = append(w.FID, fid)
	}
	w.IID = append(w.IID, iid)
	return ids.Add(key, line)
}

// Row returns the values of a row; it aliases the table.
func (w *Wide) Row(i int) []float32 { return w.Values[i*len(w.Names) : (i+1)*len(w.Names)] }

// Missing reports whether a value is missing.
func Missing(v float32) bool { return math.IsNaN(float64(v)) }
