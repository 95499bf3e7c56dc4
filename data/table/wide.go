package table

import (
	"fmt"
	"math"
	"strings"

	"contig-gpu/data"
)

// A Wide is a table with one row a person and one column a feature: who has a row, and the values of those who were wanted.
type Wide struct {
	Path     string
	FID, IID []string // of all rows of the file; FID is nil where the table has none
	Names    []string // of the features
	Notes    []string

	kept  []int32 // of each row of the file: its number among those that were wanted, -1 for others
	parts []part
}

// A part is some of the columns.
type part struct {
	*Rows
	order []int32 // of each row that was wanted: where it lies in Rows; nil: in their order
}

// Kept returns the number of a row of the file among those that were wanted, -1 where it was not.
func (w *Wide) Kept(row int) int { return int(w.kept[row]) }

// Row writes the values of the k-th row that was wanted, NaN where missing; dst is [features]. It may be called from several
// goroutines.
func (w *Wide) Row(k int, dst []float64) {
	for _, p := range w.parts {
		at := k
		if p.order != nil {
			at = int(p.order[k])
		}
		p.Rows.Row(at, dst[:p.width])
		dst = dst[p.width:]
	}
}

// Bytes returns the memory that the values take.
func (w *Wide) Bytes() int {
	n := 0
	for _, p := range w.parts {
		n += p.Bytes() + 4*len(p.order)
	}
	return n
}

// Beside puts the columns of another table to the right. order holds, for each row that was wanted of w, the number of its row
// among those that were wanted of x.
func (w *Wide) Beside(x *Wide, order []int32) {
	w.Names, w.Notes = append(w.Names, x.Names...), append(w.Notes, x.Notes...)
	for i, k := range order {
		if int(k) != i {
			w.parts = append(w.parts, part{x.parts[0].Rows, order})
			return
		}
	}
	w.parts = append(w.parts, part{Rows: x.parts[0].Rows})
}

// Missing reports whether a value is missing.
func Missing(v float64) bool { return math.IsNaN(v) }

// ReadWide reads a table whose first column is person_id, IID or eid, or whose first two are FID and IID, and whose
// others are all numbers. It keeps the rows of those who are wanted; all rows are checked.
func ReadWide(path string, s Selection) (*Wide, error) {
	l, err := OpenTable(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.Collect(s.Faults)
	names, first, err := wideHeader(l)
	if err != nil {
		return nil, err
	}
	if s.Column != nil {
		return readSome(l, names, first, s)
	}
	b := NewBuilder(path, names[first:], names[first:], s)
	var fields []string
	for l.Next() {
		if fields = l.Fields(fields); len(fields) != len(names) {
			if err := s.Faults.Take(l.Ragged(len(names), fields)); err != nil {
				return nil, err
			}
			continue
		}
		if err := b.Add(l.Line(), fields[:first], fields[first:]); err != nil {
			return nil, err
		}
	}
	return b.Wide(l)
}

// wideHeader returns the names of the columns and the index of the first feature's.
func wideHeader(l *Lines) ([]string, int, error) {
	if !l.Next() {
		return nil, 0, orEmpty(l, "the table has no header")
	}
	names := l.Fields(nil)
	first := firstFeature(names)
	if first == 0 {
		return nil, 0, noIDColumn(l.Path(), l.Line(), names, l.Splitter())
	}
	if err := Columns(l.Path(), l.Line(), names); err != nil {
		return nil, 0, err
	}
	if len(names) == first {
		return nil, 0, &data.Problem{Code: 401, File: l.Path(), Line: l.Line(), What: "the table has ids and no features",
			Expected: "one column a feature after the id", Found: fmt.Sprintf("%d columns", len(names)),
			Cause: "another separator than the file's name says", Fix: "use tabs in .tsv and commas in .csv"}
	}
	return names, first, nil
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
	case is(0, "person_id", "IID", "eid", "participant.eid"): // the last two are of biobank exports
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
	switch {
	case len(names) > 1 && names[0] == "":
		p.Found = "a first column without a name"
		p.Cause, p.Fix = "an index or row names, as pandas and R write them", "write the table without them: index=False in pandas, row.names = FALSE in R"
	case strings.HasPrefix(names[0], "'") || strings.HasPrefix(names[0], "`"):
		p.Cause, p.Fix = "quotes that are no double quotes", "write the table with double quotes, or without"
	case strings.HasPrefix(names[0], "#") && firstFeature([]string{names[0], "IID"}) == 0:
		p.Cause, p.Fix = "a comment line, or the header of another kind of file", "begin comments with ## or with # and a space, before the header"
	case otherSeparator(names):
		p.Cause, p.Fix = "another separator than the file's name says", "use tabs in .tsv and commas in .csv"
	}
	return p
}

// otherSeparator says whether a header that was cut wrongly begins with the name of an id column, or is all in one field.
func otherSeparator(names []string) bool {
	const separators = ",;\t |:"
	for _, id := range []string{"person_id", "IID", "FID"} {
		rest, ok := strings.CutPrefix(strings.TrimLeft(names[0], `#"`), id)
		if rest = strings.TrimLeft(rest, `"`); ok && rest != "" && strings.Contains(separators, rest[:1]) {
			return true
		}
	}
	return len(names) == 1 && strings.ContainsAny(names[0], separators)
}

func orEmpty(l *Lines, what string) error {
	if err := l.Err(); err != nil {
		return err
	}
	return Empty(l.Path(), what)
}
