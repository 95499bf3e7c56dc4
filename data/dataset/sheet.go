package dataset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// A sheet is a table of labels.
type sheet struct {
	path  string
	stem  string
	names []string
	rows  [][]string
	lines []int
}

// readSheet reads a table, of whose rows those are kept that keep wants, nil: all. Empty columns at the end, as spreadsheets leave them, are none.
func readSheet(f file, keep func(names, row []string) bool) (*sheet, error) {
	l, err := table.OpenTable(f.path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	s := &sheet{path: f.path, stem: f.stem}
	if l.Next() {
		s.names = cut(l.Fields(nil))
	}
	for l.Next() {
		row := cut(l.Fields(nil))
		if len(row) > len(s.names) {
			return nil, l.Ragged(len(s.names), row)
		}
		if len(row) == 0 {
			continue
		}
		for len(row) < len(s.names) {
			row = append(row, "")
		}
		if keep == nil || keep(s.names, row) {
			for i := range row {
				row[i] = strings.Clone(row[i])
			}
			s.rows, s.lines = append(s.rows, row), append(s.lines, l.Line())
		}
	}
	return s, l.Err()
}

// cut takes white space off fields, and empty fields off the end.
func cut(fields []string) []string {
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	for len(fields) > 0 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	return fields
}

// column returns the place of a column by any of its names, in any case; -1 where there is none.
func (s *sheet) column(names ...string) int {
	return slices.IndexFunc(s.names, func(n string) bool {
		return slices.ContainsFunc(names, func(want string) bool { return strings.EqualFold(n, want) })
	})
}

// tables returns the tables that have one of some columns.
func (b *builder) tables(names ...string) ([]*sheet, error) {
	var out []*sheet
	for _, f := range b.files {
		if !f.isTable() {
			continue
		}
		s, err := readSheet(f, nil)
		if err != nil {
			return nil, err
		}
		if s.column(names...) >= 0 {
			out = append(out, s)
		}
	}
	return out, nil
}

// grade is a grade from 0 to a highest one. Programs that have a missing value in a column write 2.0 for 2. Others than grades are E1041.
func (b *builder) grade(s *sheet, row, column, highest int) (string, error) {
	v := s.rows[row][column]
	if data.Missing(v) {
		return unknown, nil
	}
	g, err := strconv.ParseFloat(v, 64)
	if err != nil || g != float64(int(g)) || g < 0 || int(g) > highest {
		return "", b.problem(codeTable, s.path, s.lines[row], "a value is none of "+s.names[column], fmt.Sprintf("a whole number from 0 to %d, or nothing", highest), fmt.Sprintf("%.60q", v), "columns out of order, or another table", "correct the table")
	}
	return strconv.Itoa(int(g)), nil
}

// lookup finds images by their names without ending, in any case. Two images of one name are E1042.
func (b *builder) lookup(images []file) (func(id string) (file, bool), error) {
	index := make(map[string]file, len(images))
	for _, f := range images {
		key := strings.ToLower(f.stem)
		if old, there := index[key]; there {
			return nil, b.problem(codeFiles, f.path, 0, "two images have the same name", "one file an image", fmt.Sprintf("%q and %q", old.rel, f.rel), "a folder of copies, or of two versions of the set", "name the folder of one version, or move the copies away")
		}
		index[key] = f
	}
	return func(id string) (file, bool) {
		f, there := index[strings.ToLower(id)]
		if !there { // with its ending
			if at := strings.LastIndexByte(id, '.'); at > 0 {
				f, there = index[strings.ToLower(id[:at])]
			}
		}
		return f, there
	}, nil
}

// look is a lookup that counts.
func (b *builder) look(find func(string) (file, bool), id string) (file, bool) {
	f, there := find(id)
	if there {
		b.met++
	} else {
		b.missing = append(b.missing, id)
	}
	return f, there
}
