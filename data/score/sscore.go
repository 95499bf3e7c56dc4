// Package score reads polygenic scores as plink2 --score writes them (.sscore): one row a person, one or more columns
// NAME_AVG or NAME_SUM.
package score

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// dosageSum is a column of every .sscore that has the form of a score and is none.
const dosageSum = "NAMED_ALLELE_DOSAGE_SUM"

// Read joins the scores of several files of the same persons into one table, a column a score, in the order of paths. Rows of persons
// who are not wanted are checked and not kept. kind is "AVG" or "SUM". A file's only score is named by the file up to its first dot,
// several by their columns. Files of different persons, or without the kind of column asked for, are E302.
func Read(paths []string, kind string, only table.Selection) (*table.Wide, error) {
	if len(paths) == 0 {
		return &table.Wide{}, nil
	}
	all, err := readFile(paths[0], kind, only)
	if err != nil {
		return nil, err
	}
	if err := table.Columns(all.Path, 1, all.Names); err != nil {
		return nil, err
	}
	j := &joined{all: all}
	for _, path := range paths[1:] {
		if err := j.add(path, kind, only.Room); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// A joined table is made of the columns of several files.
type joined struct {
	all *table.Wide
	row map[person]int // of all; nil while files have their rows in the same order
}

type person struct{ fid, iid string }

func personOf(w *table.Wide, i int) person {
	if w.FID == nil {
		return person{"", w.IID[i]}
	}
	return person{w.FID[i], w.IID[i]}
}

// find returns the row of a person in all, who is probably in the i-th.
func (j *joined) find(p person, i int) (int, bool) {
	if i < len(j.all.IID) && personOf(j.all, i) == p {
		return i, true
	}
	if j.row == nil {
		j.row = make(map[person]int, len(j.all.IID))
		for i := range j.all.IID {
			j.row[personOf(j.all, i)] = i
		}
	}
	r, ok := j.row[p]
	return r, ok
}

func (j *joined) add(path, kind string, room int) error {
	at := -1
	only := table.Selection{Want: func(ids []string) bool {
		at++
		p := person{"", ids[len(ids)-1]}
		if len(ids) == 2 {
			p.fid = ids[0]
		}
		r, ok := j.find(p, at)
		return ok && j.all.Kept(r) >= 0
	}}
	if room > 0 {
		only.Room = max(1, room-j.all.Bytes())
	}
	one, err := readFile(path, kind, only)
	if err != nil {
		return err
	}
	order, ok := j.align(one)
	if !ok {
		return &data.Problem{Code: 302, File: path, What: "the file holds other persons than " + filepath.Base(j.all.Path),
			Expected: fmt.Sprintf("the same %d persons", len(j.all.IID)), Found: fmt.Sprintf("%d persons", len(one.IID)),
			Cause: "scores made from different filesets or --keep lists", Fix: "score all with the same persons"}
	}
	j.all.Beside(one, order)
	if n := j.all.Bytes(); room > 0 && n > room {
		return table.NoRoom(path, 0, fmt.Sprintf("%d persons with %d scores", len(order), len(j.all.Names)), n, room)
	}
	return table.Columns(path, 1, j.all.Names)
}

// align returns for each row that is kept of all the one of the same person in another table, and whether both are of the same
// persons.
func (j *joined) align(one *table.Wide) ([]int32, bool) {
	if len(one.IID) != len(j.all.IID) {
		return nil, false
	}
	order := make([]int32, len(one.IID))
	n := 0
	for i := range one.IID {
		r, ok := j.find(personOf(one, i), i)
		if !ok {
			return nil, false
		}
		if k := j.all.Kept(r); k >= 0 {
			order[k] = int32(one.Kept(i))
			n++
		}
	}
	return slices.Clone(order[:n]), true
}

func readFile(path, kind string, only table.Selection) (*table.Wide, error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	if !l.Next() {
		if err := l.Err(); err != nil {
			return nil, err
		}
		return nil, table.Empty(path, "the file has no header")
	}
	f := &file{path: path, split: table.SplitterFor(path, l.Text()), fid: -1, iid: -1}
	if err := f.header(l, kind); err != nil {
		return nil, err
	}
	return f.rows(l, only)
}

// A file is a .sscore being read.
type file struct {
	path     string
	split    table.Splitter
	names    []string // of all columns
	fid, iid int
	scores   []int    // columns
	titles   []string // of the scores
}

func (f *file) header(l *table.Lines, kind string) error {
	f.names = f.split.Split(l.Text(), nil)
	if err := table.Columns(f.path, l.Line(), f.names); err != nil {
		return err
	}
	form := regexp.MustCompile(`^(.+)_(AVG|SUM)$`)
	other := 0
	for i, n := range f.names {
		switch strings.TrimPrefix(n, "#") {
		case "IID":
			f.iid = i
		case "FID":
			f.fid = i
		}
		m := form.FindStringSubmatch(n)
		switch {
		case m == nil || n == dosageSum:
		case m[2] == kind:
			f.scores = append(f.scores, i)
			f.titles = append(f.titles, m[1])
		default:
			other++
		}
	}
	if len(f.scores) == 1 {
		f.titles[0], _, _ = strings.Cut(filepath.Base(f.path), ".")
	}
	return f.complete(l.Line(), kind, other)
}

func (f *file) complete(line int, kind string, other int) error {
	if f.iid < 0 {
		return &data.Problem{Code: 108, File: f.path, Line: line, What: "the header has no column IID", Expected: "#FID IID ... or #IID ...",
			Found: strings.Join(f.names[:min(4, len(f.names))], " "), Cause: "not a .sscore of plink2, or its header is missing", Fix: "use plink2 --score, or give the scores as a table"}
	}
	if len(f.scores) > 0 {
		return nil
	}
	p := &data.Problem{Code: 302, File: f.path, Line: line, What: "no score column ends in _" + kind, Expected: "NAME_" + kind,
		Found: strings.Join(f.names, " "), Cause: "not a .sscore of plink2", Fix: "use plink2 --score"}
	if other > 0 {
		p.Cause = "the file has the other of averages (AVG) and sums (SUM)"
		p.Fix = `set column = "AVG" or "SUM", or score again with cols=+scoresums`
	}
	return p
}

func (f *file) rows(l *table.Lines, only table.Selection) (*table.Wide, error) {
	columns := pick(nil, f.names, f.scores)
	b := table.NewBuilder(f.path, f.titles, columns, only)
	who := []int{f.iid}
	if f.fid >= 0 {
		who = []int{f.fid, f.iid}
	}
	var fields, ids, values []string
	for l.Next() {
		fields = f.split.Split(l.Text(), fields)
		if len(fields) != len(f.names) {
			return nil, table.Ragged(f.path, l.Line(), len(f.names), len(fields), f.split)
		}
		ids, values = pick(ids, fields, who), pick(values, fields, f.scores)
		if err := b.Add(l.Line(), ids, values); err != nil {
			return nil, err
		}
	}
	return b.Wide(l)
}

// pick returns some of the fields, reusing dst.
func pick(dst, fields []string, columns []int) []string {
	dst = dst[:0]
	for _, c := range columns {
		dst = append(dst, fields[c])
	}
	return dst
}
