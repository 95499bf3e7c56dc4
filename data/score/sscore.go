// Package score reads polygenic scores as plink2 --score writes them (.sscore): one row a person, one or more columns
// NAME_AVG or NAME_SUM; and as pgsc_calc gathers them, so or with one row for each person and score.
//
// Sources: plink2's documentation of the .sscore format (order of the columns), pgsc_calc's of aggregated_scores.txt.gz.
package score

import (
	"fmt"
	"path/filepath"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// Read joins the scores of several files of the same persons into one table, a column a score, in the order of paths. Rows of persons
// who are not wanted are checked and not kept. kind is "AVG" or "SUM". A file's only score is named by the file up to its first dot,
// several by their columns. Two scores of one name are E301. Files of different persons, or without the kind of column asked for, are E302; columns
// that may be scores or phenotypes are E305.
func Read(paths []string, kind string, only table.Selection) (*table.Wide, error) {
	if len(paths) == 0 {
		return &table.Wide{}, nil
	}
	found := only.Faults.Found()
	all, err := readFile(paths[0], kind, only)
	if err != nil {
		if err := only.Faults.Take(err); err != nil || len(paths) == 1 {
			return nil, err
		}
		return Read(paths[1:], kind, only)
	}
	j := &joined{all: all, faults: only.Faults, broken: only.Faults.Found() > found}
	if err := j.names(all); err != nil {
		return nil, err
	}
	for _, path := range paths[1:] {
		if err := only.Faults.Take(j.add(path, kind, only.Room)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// A joined table is made of the columns of several files.
type joined struct {
	all  *table.Wide
	row  map[person]int    // of all; nil while files have their rows in the same order
	from map[string]string // the file of each score

	faults *data.Faults
	broken bool // rows are left out for their faults: who has one is not known
}

type person struct{ fid, iid string }

// identity returns who has these ids. An FID of 0 says that there is none.
func identity(fid, iid string) person {
	if fid == "0" {
		fid = ""
	}
	return person{fid, iid}
}

func personOf(w *table.Wide, i int) person {
	if w.FID == nil {
		return person{"", w.IID[i]}
	}
	return identity(w.FID[i], w.IID[i])
}

// names takes the names of a file's scores, which must be unlike all others.
func (j *joined) names(one *table.Wide) error {
	if j.from == nil {
		j.from = map[string]string{}
	}
	for _, name := range one.Names {
		if first, dup := j.from[name]; dup {
			return sameName(one.Path, first, name)
		}
		j.from[name] = one.Path
	}
	return nil
}

// sameName is the problem of two scores of one name (E301). They may be one score's chromosomes, whose sum it is, or two scores: no name tells.
func sameName(path, first, name string) error {
	p := &data.Problem{Code: 301, File: path, What: fmt.Sprintf("two scores have the name %q", name), Expected: "a name for each score: that of its column, or of the file up to its first dot where it is the only one",
		Found: fmt.Sprintf("%s and %s", filepath.Base(first), filepath.Base(path)),
		Cause: "one file for each chromosome of a score, or two scores whose files have the same name up to the first dot",
		Fix: "score all chromosomes together (plink2 --pmerge-list), or sum the files' SUM columns of each person (cols=+scoresums; averages do not add up) into one file; " +
			"name the files of different scores differently before the first dot"}
	if first == path {
		p.Cause, p.Fix = "the file is named twice", "name it once"
	}
	return p
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
	only := table.Selection{Faults: j.faults, Want: func(ids []string) bool {
		at++
		fid := ""
		if len(ids) == 2 {
			fid = ids[0]
		}
		r, ok := j.find(identity(fid, ids[len(ids)-1]), at)
		return ok && j.all.Kept(r) >= 0
	}}
	if room > 0 {
		only.Room = max(1, room-j.all.Bytes())
	}
	found := j.faults.Found()
	one, err := readFile(path, kind, only)
	if err != nil {
		return err
	}
	if err := j.names(one); err != nil {
		return err
	}
	if j.broken || j.faults.Found() > found {
		return nil
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
	return nil
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
