package table

import (
	"fmt"
	"strings"

	"contig-gpu/data"
)

// Chosen returns which of the features a Selection reads. None at all is E401.
func (s Selection) Chosen(path string, line int, names []string) ([]int, error) {
	var out []int
	for i, n := range names {
		if s.Column == nil || s.Column(n) {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return nil, &data.Problem{Code: 401, File: path, Line: line, What: "none of the columns asked for is in the table", Expected: "names as in the header", Found: fmt.Sprintf("%.200s", strings.Join(names, " ")),
			Cause: "a misspelling, or another table", Fix: "correct the key columns"}
	}
	return out, nil
}

// readSome is ReadWide once the header was read, of some of the features.
func readSome(l *Lines, names []string, first int, s Selection) (*Wide, error) {
	chosen, err := s.Chosen(l.Path(), l.Line(), names[first:])
	if err != nil {
		return nil, err
	}
	titles, values := make([]string, len(chosen)), make([]string, len(chosen))
	for k, c := range chosen {
		titles[k] = names[first+c]
	}
	b := NewBuilder(l.Path(), titles, titles, s)
	var fields []string
	for l.Next() {
		if fields = l.Fields(fields); len(fields) != len(names) {
			if err := s.Faults.Take(l.Ragged(len(names), fields)); err != nil {
				return nil, err
			}
			continue
		}
		for k, c := range chosen {
			values[k] = fields[first+c]
		}
		if err := b.Add(l.Line(), fields[:first], values); err != nil {
			return nil, err
		}
	}
	return b.Wide(l)
}
