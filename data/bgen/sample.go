package bgen

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// readSample reads a .sample: a header, a line of types, and a line each person. The columns are ID_1, ID_2, missing and others, or one of ids.
func readSample(path string, faults *data.Faults) ([]genotype.Person, []string, error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	l.Collect(faults)
	s := &sampleReader{path: path, ids: table.IDs{Path: path}}
	for n := 0; l.Next(); n++ {
		f := table.Words(l.Text(), nil)
		var err error
		switch n {
		case 0:
			err = s.header(f, l.Line())
			if err != nil {
				return nil, nil, err
			}
		case 1:
			if s.types = f; f[0] != "0" {
				err = s.bad(l.Line(), "the second line of a .sample has the types of the columns", "0 0 0 and others", strings.Join(f[:min(len(f), 5)], " "))
			}
		default:
			err = s.person(f, l.Line())
		}
		if err := faults.Take(err); err != nil {
			return nil, nil, err
		}
	}
	if err := l.Err(); err != nil {
		return nil, nil, err
	}
	if len(s.out) == 0 {
		return nil, nil, table.Empty(path, "the .sample lists no persons")
	}
	notes := l.Notes()
	if s.gone > 0 {
		notes = append(notes, fmt.Sprintf("%s: %d persons have negative ids: withdrawn, or placeholders.", filepath.Base(path), s.gone))
	}
	return s.out, notes, nil
}

type sampleReader struct {
	path          string
	fid, iid, sex int // columns, -1 where there is none
	types         []string
	ids           table.IDs
	out           []genotype.Person
	gone          int
}

func (s *sampleReader) bad(line int, what, expected, found string) error {
	return &data.Problem{Code: code, File: s.path, Line: line, What: what, Expected: expected, Found: found, Cause: "another file, or one without its two lines of header", Fix: "write the .sample again"}
}

func (s *sampleReader) header(f []string, line int) error {
	lower := make([]string, len(f))
	for i, w := range f {
		lower[i] = strings.ToLower(w)
	}
	s.fid, s.iid, s.sex = -1, 0, slices.Index(lower, "sex")
	if i := slices.Index(lower, "id_2"); i > 0 {
		s.fid, s.iid = 0, i
	}
	if !slices.Contains([]string{"id_1", "id", "iid", "sample_id"}, lower[0]) {
		return s.bad(line, "the first line of a .sample names its columns", "ID_1 ID_2 missing, or ID_1", strings.Join(f[:min(len(f), 5)], " "))
	}
	return nil
}

func (s *sampleReader) person(f []string, line int) error {
	p := genotype.Person{Founder: true}
	if s.iid >= len(f) {
		s.out = append(s.out, p)
		return s.bad(line, "the line has too few fields", fmt.Sprintf("%d or more", s.iid+1), fmt.Sprint(len(f)))
	}
	p.IID = f[s.iid]
	if s.fid >= 0 {
		p.FID = f[s.fid]
	}
	if s.sex >= 0 && s.sex < len(f) {
		switch f[s.sex] {
		case "1", "M", "m", "male":
			p.Sex = 1
		case "2", "F", "f", "female":
			p.Sex = 2
		}
	}
	if table.Placeholder(p.IID) {
		s.gone++
	}
	s.out = append(s.out, p)
	return s.ids.AddPerson(p.FID, p.IID, line)
}
