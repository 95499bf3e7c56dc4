// Package score reads polygenic scores as plink2 --score writes them (.sscore): one row a person, one or more columns
// NAME_AVG or NAME_SUM.
package score

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// dosageSum is a column of every .sscore that has the form of a score and is none.
const dosageSum = "NAMED_ALLELE_DOSAGE_SUM"

// Read joins the scores of several files of the same persons into one table, a column a score, in the order of paths. kind
// is "AVG" or "SUM". A file's only score is named by the file up to its first dot, several by their columns. Files of
// different persons, or without the kind of column asked for, are E302.
func Read(paths []string, kind string) (*table.Wide, error) {
	all := &table.Wide{}
	var cols [][]float32
	for i, path := range paths {
		one, err := readFile(path, kind)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			all.Path, all.FID, all.IID = path, one.FID, one.IID
		}
		order, err := align(all, one)
		if err != nil {
			return nil, err
		}
		all.Notes = append(all.Notes, one.Notes...)
		cols = append(cols, pick(one, order))
		all.Names = append(all.Names, one.Names...)
		if err := table.Columns(path, 1, all.Names); err != nil {
			return nil, err
		}
	}
	all.Values = interleave(cols, len(all.IID), len(all.Names))
	return all, nil
}

// align returns for each person of all its row in one.
func align(all, one *table.Wide) ([]int, error) {
	row := make(map[[2]string]int, len(one.IID))
	for i := range one.IID {
		row[person(one, i)] = i
	}
	order := make([]int, len(all.IID))
	for i := range order {
		r, ok := row[person(all, i)]
		if !ok || len(one.IID) != len(all.IID) {
			return nil, &data.Problem{Code: 302, File: one.Path, What: "the file holds other persons than " + filepath.Base(all.Path),
				Expected: fmt.Sprintf("the same %d persons", len(all.IID)), Found: fmt.Sprintf("%d persons", len(one.IID)),
				Cause: "scores made from different filesets or --keep lists", Fix: "score all with the same persons"}
		}
		order[i] = r
	}
	return order, nil
}

func person(w *table.Wide, i int) [2]string {
	if w.FID == nil {
		return [2]string{"", w.IID[i]}
	}
	return [2]string{w.FID[i], w.IID[i]}
}

// pick returns the values of a table's rows in another order.
func pick(w *table.Wide, order []int) []float32 {
	out := make([]float32, 0, len(w.Values))
	for _, r := range order {
		out = append(out, w.Row(r)...)
	}
	return out
}

// interleave puts tables of the same rows side by side.
func interleave(parts [][]float32, rows, width int) []float32 {
	out := make([]float32, 0, rows*width)
	for i := range rows {
		for _, p := range parts {
			n := len(p) / rows
			out = append(out, p[i*n:(i+1)*n]...)
		}
	}
	return out
}

func readFile(path, kind string) (*table.Wide, error) {
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
	split := table.SplitterFor(path, l.Text())
	f := &file{w: &table.Wide{Path: path}, split: split, fid: -1, iid: -1}
	if err := f.header(l, kind); err != nil {
		return nil, err
	}
	if err := f.rows(l); err != nil {
		return nil, err
	}
	f.w.Notes = l.Notes()
	return f.w, nil
}

// A file is a .sscore being read.
type file struct {
	w        *table.Wide
	split    table.Splitter
	names    []string
	fid, iid int
	scores   []int // columns
}

func (f *file) header(l *table.Lines, kind string) error {
	f.names = f.split.Split(l.Text(), nil)
	if err := table.Columns(f.w.Path, l.Line(), f.names); err != nil {
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
			f.w.Names = append(f.w.Names, m[1])
		default:
			other++
		}
	}
	if len(f.scores) == 1 {
		f.w.Names[0], _, _ = strings.Cut(filepath.Base(f.w.Path), ".")
	}
	return f.complete(l.Line(), kind, other)
}

func (f *file) complete(line int, kind string, other int) error {
	if f.iid < 0 {
		return &data.Problem{Code: 108, File: f.w.Path, Line: line, What: "the header has no column IID", Expected: "#FID IID ... or #IID ...",
			Found: strings.Join(f.names[:min(4, len(f.names))], " "), Cause: "not a .sscore of plink2, or its header is missing", Fix: "use plink2 --score, or give the scores as a table"}
	}
	if len(f.scores) > 0 {
		return nil
	}
	p := &data.Problem{Code: 302, File: f.w.Path, Line: line, What: "no score column ends in _" + kind, Expected: "NAME_" + kind,
		Found: strings.Join(f.names, " "), Cause: "not a .sscore of plink2", Fix: "use plink2 --score"}
	if other > 0 {
		p.Cause = "the file has the other of averages (AVG) and sums (SUM)"
		p.Fix = `set column = "AVG" or "SUM", or score again with cols=+scoresums`
	}
	return p
}

func (f *file) rows(l *table.Lines) error {
	ids := table.IDs{Path: f.w.Path}
	var fields []string
	for l.Next() {
		fields = f.split.Split(l.Text(), fields)
		if len(fields) != len(f.names) {
			return table.Ragged(f.w.Path, l.Line(), len(f.names), len(fields), f.split)
		}
		if err := f.identify(&ids, fields, l.Line()); err != nil {
			return err
		}
		for _, c := range f.scores {
			v, ok := table.Number(fields[c])
			if !ok {
				return table.NotNumber(f.w.Path, l.Line(), f.names[c], fields[c])
			}
			f.w.Values = append(f.w.Values, v)
		}
	}
	if err := l.Err(); err != nil || len(f.w.IID) > 0 {
		return err
	}
	return table.Empty(f.w.Path, "the file has a header and no rows")
}

func (f *file) identify(ids *table.IDs, fields []string, line int) error {
	iid := strings.Clone(fields[f.iid])
	if err := table.CheckID(f.w.Path, line, iid); err != nil {
		return err
	}
	f.w.IID = append(f.w.IID, iid)
	if f.fid < 0 {
		return ids.Add(iid, line)
	}
	fid := strings.Clone(fields[f.fid])
	f.w.FID = append(f.w.FID, fid)
	return ids.Add(fid+"_"+iid, line)
}
