package score

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

func readFile(path, kind string, only table.Selection) (*table.Wide, error) {
	l, err := table.OpenTable(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	l.Collect(only.Faults)
	if !l.Next() {
		if err := l.Err(); err != nil {
			return nil, err
		}
		return nil, table.Empty(path, "the file has no header")
	}
	f := &file{path: path, kind: kind, line: l.Line(), names: l.Fields(nil)}
	if err := f.people(); err != nil {
		return nil, err
	}
	if f.isLong() {
		if err := table.Columns(path, f.line, f.names); err != nil {
			return nil, err
		}
		return f.long(l, only)
	}
	if err := f.choose(); err != nil {
		return nil, err
	}
	if err := f.unlike(); err != nil {
		return nil, err
	}
	return f.wide(l, only)
}

// A file is a table of scores being read.
type file struct {
	path, kind string
	line       int      // of the header
	names      []string // of all columns
	who        []int    // columns of IID, or FID and IID
	set        int      // column sampleset, -1 where there is none
	left       int      // rows of the reference panel
	scores     []int    // columns
	titles     []string // of the scores
}

// Columns that pgsc_calc writes beside plink2's.
const (
	setName   = "sampleset"
	reference = "reference" // the sampleset of the panel that persons are compared with
	pgsName   = "PGS"       // of a long table: the score that the row is about
)

// column returns where a column is, -1 where it is not there. The first may begin with #.
func (f *file) column(name string) int {
	return slices.IndexFunc(f.names, func(n string) bool { return strings.TrimPrefix(n, "#") == name })
}

// isLong says whether rows are about a person and a score each. A .sscore may have a phenotype called PGS.
func (f *file) isLong() bool {
	return f.column(pgsName) >= 0 && (f.column("SUM") >= 0 || f.column("AVG") >= 0) && len(f.candidates(0)) == 0
}

func (f *file) people() error {
	fid, iid := f.column("FID"), f.column("IID")
	f.set = -1
	if f.names[0] == setName { // elsewhere it is a phenotype
		f.set = 0
	}
	if iid < 0 {
		return &data.Problem{Code: 108, File: f.path, Line: f.line, What: "the header has no column IID", Expected: "#FID IID ... or #IID ...",
			Found: strings.Join(f.names[:min(4, len(f.names))], " "), Cause: "not a .sscore of plink2, or its header is missing", Fix: "use plink2 --score, or give the scores as a table"}
	}
	f.who = []int{iid}
	if fid >= 0 {
		f.who = []int{fid, iid}
	}
	return nil
}

// unlike checks that the columns that are used have names unlike each other's (E108). A phenotype may be called as a score is.
func (f *file) unlike() error {
	names := make([]string, len(f.names))
	for i := range names {
		names[i] = fmt.Sprintf(" %d", i) // of a column that is not used: no field begins with a blank
	}
	for _, i := range append(slices.Clone(f.who), f.scores...) {
		names[i] = f.names[i]
	}
	return table.Columns(f.path, f.line, names)
}

// ids returns the ids of a row, reusing dst, and whether it is to be left out: one of the reference panel.
func (f *file) ids(fields, dst []string) ([]string, bool) {
	if f.set >= 0 && fields[f.set] == reference {
		f.left++
		return dst, true
	}
	return pick(dst, fields, f.who), false
}

func (f *file) notes(w *table.Wide) *table.Wide {
	if f.left > 0 {
		w.Notes = append(w.Notes, fmt.Sprintf("%s: %d rows of the reference panel left out.", filepath.Base(f.path), f.left))
	}
	return w
}

func (f *file) wide(l *table.Lines, only table.Selection) (*table.Wide, error) {
	b := table.NewBuilder(f.path, f.titles, pick(nil, f.names, f.scores), only)
	var fields, ids, values []string
	for l.Next() {
		if fields = l.Fields(fields); len(fields) != len(f.names) {
			if err := only.Faults.Take(l.Ragged(len(f.names), fields)); err != nil {
				return nil, err
			}
			continue
		}
		var out bool
		if ids, out = f.ids(fields, ids); out {
			continue
		}
		values = pick(values, fields, f.scores)
		if err := b.Add(l.Line(), ids, values); err != nil {
			return nil, err
		}
	}
	w, err := b.Wide(l)
	if err != nil {
		return nil, err
	}
	return f.notes(w), nil
}

// pick returns some of the fields, reusing dst.
func pick(dst, fields []string, columns []int) []string {
	dst = dst[:0]
	for _, c := range columns {
		dst = append(dst, fields[c])
	}
	return dst
}
