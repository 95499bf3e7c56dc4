package table

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"contig-gpu/data"
)

// A Selection says what of a table is kept. The zero Selection is all of it.
type Selection struct {
	Want   func(ids []string) bool // of a row, by its IID, or its FID and IID, as in the file, once for each in their order; the slice is reused. nil: all
	Column func(name string) bool  // whether a feature is read, by its name; others are not even looked at. nil: all
	Room   int                     // bytes that the values may take; 0: not known, so as many as they need
	Faults *data.Faults            // takes what is wrong with rows, and the reading goes on; nil: the first fault ends it
}

// A Builder makes a Wide of rows as they are read.
type Builder struct {
	w       *Wide
	only    Selection
	ids     IDs
	columns []string // as the header names them
	row     []float64
	rows    *Rows
	n       int // rows kept
	before  int // faults found before this table
}

// NewBuilder begins a table of the file at path, whose features have names, and whose columns are called columns in errors.
func NewBuilder(path string, names, columns []string, only Selection) *Builder {
	r := NewRows(len(names))
	return &Builder{w: &Wide{Path: path, Names: names, parts: []part{{Rows: r}}}, only: only, ids: IDs{Path: path}, columns: columns, row: make([]float64, len(names)), rows: r, before: only.Faults.Found()}
}

// Add takes the row of a line: ids are its IID, or its FID and IID, values its other fields, one for each column. The ids are checked
// (E102, E120, E121), and the values (E107), whether the row is wanted or not. Values that take more than the room there is are E403.
func (b *Builder) Add(line int, ids, values []string) error {
	found := b.only.Faults.Found()
	if err := b.only.Faults.Take(b.identify(line, ids)); err != nil {
		return err
	}
	for j, f := range values {
		v, ok := Number(f)
		if !ok {
			if err := b.only.Faults.Take(NotNumber(b.w.Path, line, b.columns[j], f)); err != nil {
				return err
			}
			v = math.NaN()
		}
		b.row[j] = v
	}
	return b.keep(line, ids, found)
}

// keep takes b.row, where it is wanted and nothing was found wrong with it.
func (b *Builder) keep(line int, ids []string, found int) error {
	if b.only.Want != nil && !b.only.Want(ids) || b.only.Faults.Found() > found { // a faulty row is checked and not kept
		b.w.kept = append(b.w.kept, -1)
		return nil
	}
	b.w.kept = append(b.w.kept, int32(b.n))
	b.n++
	return b.fits(line, b.rows.Add(b.row))
}

// AddValues is Add, of a row whose values are numbers already, NaN where missing. Infinite ones, and those beyond single precision, are E107. values is not kept.
func (b *Builder) AddValues(line int, ids []string, values []float64) error {
	found := b.only.Faults.Found()
	if err := b.only.Faults.Take(b.identify(line, ids)); err != nil {
		return err
	}
	for j, v := range values {
		if math.IsInf(float64(float32(v)), 0) {
			if err := b.only.Faults.Take(NotNumber(b.w.Path, line, b.columns[j], strconv.FormatFloat(v, 'g', -1, 64))); err != nil {
				return err
			}
			v = math.NaN()
		}
		b.row[j] = v
	}
	return b.keep(line, ids, found)
}

// Finish returns the table of rows that were not read from Lines; E105 where there was none.
func (b *Builder) Finish(notes []string) (*Wide, error) {
	if len(b.w.IID) == 0 && b.only.Faults.Found() == b.before {
		return nil, Empty(b.w.Path, "the table has no rows")
	}
	if err := b.fits(0, b.rows.Close()); err != nil {
		return nil, err
	}
	b.w.Notes = notes
	return b.w, nil
}

// identify keeps the ids of a row. With families, only the pair must be unlike all others here.
func (b *Builder) identify(line int, ids []string) error {
	iid, fid := strings.Clone(ids[len(ids)-1]), ""
	if len(ids) == 2 {
		fid = strings.Clone(ids[0])
		b.w.FID = append(b.w.FID, fid)
	}
	b.w.IID = append(b.w.IID, iid)
	return b.ids.AddPerson(fid, iid, line)
}

func (b *Builder) fits(line, bytes int) error {
	if b.only.Room == 0 || bytes <= b.only.Room {
		return nil
	}
	return NoRoom(b.w.Path, line, fmt.Sprintf("%d persons with %d features", b.n, len(b.w.Names)), bytes, b.only.Room)
}

// Wide returns the table once l has no more lines, or what ended them (E105 where there was none).
func (b *Builder) Wide(l *Lines) (*Wide, error) {
	if err := l.Err(); err != nil {
		return nil, err
	}
	if len(b.w.IID) == 0 && b.only.Faults.Found() == b.before {
		return nil, Empty(b.w.Path, "the table has a header and no rows")
	}
	if err := b.fits(l.Line(), b.rows.Close()); err != nil {
		return nil, err
	}
	b.w.Notes = l.Notes()
	return b.w, nil
}

// NoRoom is the problem of values that take more bytes than there is room for (E403); so many of them are said in words.
func NoRoom(path string, line int, have string, bytes, room int) *data.Problem {
	return &data.Problem{Code: 403, File: path, Line: line, What: "the values take more memory than is free",
		Expected: fmt.Sprintf("at most %.1f MiB", mib(room)), Found: fmt.Sprintf("%.1f MiB for %s", mib(bytes), have),
		Cause: "more persons or features than this machine has memory for, or other programs use it", Fix: "fewer persons (keep in [ids]) or features, or a machine with more memory"}
}

func mib(bytes int) float64 { return float64(bytes) / (1 << 20) }
