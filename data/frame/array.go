package frame

import (
	"fmt"
	"path/filepath"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// A matrix is an array of two dimensions in a file.
type matrix interface {
	shape() (rows, columns int)
	// step is how many rows, and how many columns, are best read together.
	step() (rows, columns int)
	// read writes the values of some rows and columns, row after row, as the file has them.
	read(r0, r1, c0, c1 int, dst []byte) error
	numeric() numeric
	close() error
}

// lists have what an array has not itself.
type lists struct {
	fid, iid []string // fid is nil where the list has none
	names    []string
	lines    []int // of the ids, in their file
}

// A labelled matrix brings its own lists.
type labelled interface{ labels() (*lists, error) }

// stripBytes is what is read of an array at a time. Where its chunks hold features of all persons, each is unpacked once for every strip.
const stripBytes = 128 << 20

// readArray reads an array with its lists.
func readArray(path string, o Options, s table.Selection, open func(string) (matrix, error)) (*table.Wide, error) {
	m, err := open(path)
	if err != nil {
		return nil, err
	}
	defer m.close()
	l, err := listsOf(path, m, o)
	if err != nil {
		return nil, err
	}
	turned, note, err := orientation(path, m, l, o.Orient)
	if err != nil {
		return nil, err
	}
	chosen, err := s.Chosen(path, 0, l.names)
	if err != nil {
		return nil, err
	}
	titles := make([]string, len(chosen))
	for k, c := range chosen {
		titles[k] = l.names[c]
	}
	a := &strips{m: m, l: l, turned: turned, chosen: chosen, b: table.NewBuilder(path, titles, titles, s), row: make([]float64, len(chosen))}
	if err := a.all(); err != nil {
		return nil, err
	}
	return a.b.Finish(note)
}

// strips reads an array some persons at a time.
type strips struct {
	m      matrix
	l      *lists
	turned bool
	chosen []int // columns
	b      *table.Builder
	row    []float64
}

func (a *strips) all() error {
	size, width, persons := a.m.numeric().size, len(a.l.names), len(a.l.iid)
	step, features := a.m.step()
	if a.turned {
		step = features
	}
	height := min(persons, max(1, stripBytes/size/width))
	if height > step {
		height -= height % step
	}
	strip := make([]byte, height*width*size)
	for at := 0; at < persons; at += height {
		n := min(height, persons-at)
		part := strip[:n*width*size]
		var err error
		if a.turned {
			err = a.m.read(0, width, at, at+n, part)
		} else {
			err = a.m.read(at, at+n, 0, width, part)
		}
		if err == nil {
			err = a.rows(at, n, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rows hands on the n persons of a strip.
func (a *strips) rows(at, n int, part []byte) error {
	num, width := a.m.numeric(), len(a.l.names)
	for i := range n {
		from, step := i*width, 1
		if a.turned {
			from, step = i, n
		}
		for k, j := range a.chosen {
			a.row[k] = num.value(part[(from+j*step)*num.size:])
		}
		if err := a.b.AddValues(a.l.lines[at+i], a.l.ids(at+i), a.row); err != nil {
			return err
		}
	}
	return nil
}

func (l *lists) ids(i int) []string {
	if l.fid == nil {
		return l.iid[i : i+1]
	}
	return []string{l.fid[i], l.iid[i]}
}

// listsOf reads the lists that options name, or takes those of the file itself.
func listsOf(path string, m matrix, o Options) (*lists, error) {
	own, has := m.(labelled)
	if has && o.IDs == "" && o.Names == "" {
		if l, err := own.labels(); err != nil || l != nil {
			return l, err
		}
	}
	if o.IDs == "" || o.Names == "" {
		return nil, &data.Problem{Code: codeShape, File: path, What: "an array has no ids and names itself", Expected: `ids = "FILE" and names = "FILE", lists with a line each`, Found: fmt.Sprintf("ids %q, names %q", o.IDs, o.Names),
			Cause: "a key is not there", Fix: "name both lists"}
	}
	l := &lists{}
	if err := l.readIDs(o.IDs); err != nil {
		return nil, err
	}
	return l, l.readNames(o.Names)
}

// readIDs reads a list of IID, or of FID and IID; a header that says so is left out.
func (l *lists) readIDs(path string) error {
	t, err := table.Open(path)
	if err != nil {
		return err
	}
	defer t.Close()
	var f []string
	for t.Next() {
		f = table.Words(strings.ReplaceAll(t.Text(), ",", " "), f)
		if len(l.iid) == 0 && isHeader(f[len(f)-1]) {
			continue
		}
		if len(l.iid) == 0 && len(f) > 1 {
			l.fid = []string{}
		}
		if len(f) > 2 || (l.fid != nil) != (len(f) == 2) {
			return table.Ragged(path, t.Line(), 1, len(f), table.SplitterFor(path, t.Text()))
		}
		if l.fid != nil {
			l.fid = append(l.fid, strings.Clone(f[0]))
		}
		l.iid, l.lines = append(l.iid, strings.Clone(f[len(f)-1])), append(l.lines, t.Line())
	}
	if err := t.Err(); err != nil {
		return err
	}
	if len(l.iid) == 0 {
		return table.Empty(path, "the list has no ids")
	}
	return nil
}

func isHeader(word string) bool {
	switch strings.ToLower(strings.TrimPrefix(word, "#")) {
	case "iid", "person_id", "id", "eid", "sample", "sample_id":
		return true
	}
	return false
}

// readNames reads a list of features, the first field of each line.
func (l *lists) readNames(path string) error {
	t, err := table.Open(path)
	if err != nil {
		return err
	}
	defer t.Close()
	for t.Next() {
		name, _, _ := strings.Cut(strings.TrimSpace(t.Text()), "\t")
		l.names = append(l.names, strings.Clone(strings.Trim(name, `"`)))
	}
	if err := t.Err(); err != nil {
		return err
	}
	if len(l.names) == 0 {
		return table.Empty(path, "the list has no names")
	}
	return table.Columns(path, 0, l.names)
}

// orientation says whether features are rows of an array. Lists of other lengths than its sides are E411.
func orientation(path string, m matrix, l *lists, orient string) (turned bool, notes []string, err error) {
	rows, columns := m.shape()
	straight, turned := rows == len(l.iid) && columns == len(l.names), rows == len(l.names) && columns == len(l.iid)
	switch orient {
	case OrientPersons:
		turned = false
	case OrientFeatures:
		straight = false
	}
	base := filepath.Base(path)
	switch {
	case straight:
		if turned && orient != OrientPersons {
			notes = []string{fmt.Sprintf("%s has as many persons as features (%d): persons are taken for rows.", base, rows)}
		}
		return false, notes, nil
	case turned:
		return true, []string{fmt.Sprintf("%s has a row each feature and a column each person: it is turned.", base)}, nil
	}
	p := &data.Problem{Code: codeShape, File: path, What: "the array has another shape than its lists say", Expected: fmt.Sprintf("%d persons x %d features, or the other way round", len(l.iid), len(l.names)), Found: fmt.Sprintf("%d x %d", rows, columns),
		Cause: "lists of another array, or with a header that is taken for an entry", Fix: "give the lists that were written with the array"}
	if orient == OrientPersons && rows == len(l.names) && columns == len(l.iid) || orient == OrientFeatures && rows == len(l.iid) && columns == len(l.names) {
		p.Cause, p.Fix = `orient says the other`, `remove the key orient`
	}
	if rows == len(l.iid)-1 || columns == len(l.iid)-1 || rows == len(l.names)-1 || columns == len(l.names)-1 {
		p.Cause = "a list has a line more than the array has rows: a header"
		p.Fix = "remove the header of the list"
	}
	return false, nil, p
}
