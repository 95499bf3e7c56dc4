package score

import (
	"fmt"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// A longTable is made of rows that are each about a person and a score.
type longTable struct {
	scores map[string]int // by name, in their order
	titles []string
	person map[person]int
	people []entry
}

// An entry is a person, with the scores that were read.
type entry struct {
	line   int      // of the first score
	ids    []string // IID, or FID and IID
	values []string // of the scores, in their order
	given  []bool
}

// long reads a table of one row for each person and score, as pgsc_calc writes it: columns IID, PGS, SUM or AVG, and others that are not read. Every
// person must have every score once.
func (f *file) long(l *table.Lines, only table.Selection) (*table.Wide, error) {
	value := f.column(f.kind)
	if value < 0 {
		return nil, &data.Problem{Code: 302, File: f.path, Line: f.line, What: "a table with a column PGS has no column " + f.kind, Expected: "sampleset IID PGS " + f.kind, Found: strings.Join(f.names, " "),
			Cause: "a table of pgsc_calc that holds sums only, or averages only", Fix: `set column = "SUM" or "AVG", as the table has it`}
	}
	t := &longTable{scores: map[string]int{}, person: map[person]int{}}
	pgs := f.column(pgsName)
	var fields, ids []string
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
		if !t.add(l.Line(), ids, fields[pgs], fields[value]) {
			twice := &data.Problem{Code: 120, File: f.path, Line: l.Line(), What: fmt.Sprintf("the id %q has the score %q twice", ids[len(ids)-1], fields[pgs]), Expected: "one row for each person and score",
				Found: "another row of the same sampleset or of another", Cause: "files pasted together, or several cohorts in one table", Fix: "keep one row for each person and score"}
			if err := only.Faults.Take(twice); err != nil {
				return nil, err
			}
		}
	}
	return f.gather(l, t, only)
}

// add takes a row, and says whether it is the first of its person and score.
func (t *longTable) add(line int, ids []string, name, value string) bool {
	k, old := t.scores[name]
	if !old {
		k = len(t.titles)
		name = strings.Clone(name)
		t.scores[name], t.titles = k, append(t.titles, name)
	}
	fid := ""
	if len(ids) == 2 {
		fid = ids[0]
	}
	who := identity(fid, ids[len(ids)-1])
	i, old := t.person[who]
	if !old {
		i = len(t.people)
		own := make([]string, len(ids))
		for c, id := range ids {
			own[c] = strings.Clone(id)
		}
		t.person[identity(strings.Clone(fid), own[len(own)-1])] = i
		t.people = append(t.people, entry{line: line, ids: own})
	}
	e := &t.people[i]
	for len(e.values) <= k {
		e.values, e.given = append(e.values, ""), append(e.given, false)
	}
	if e.given[k] {
		return false
	}
	e.values[k], e.given[k] = strings.Clone(value), true
	return true
}

// lacks returns the first of n scores that a person does not have, -1 where all are there.
func (e *entry) lacks(n int) int {
	for k := range n {
		if k >= len(e.given) || !e.given[k] {
			return k
		}
	}
	return -1
}

func (f *file) gather(l *table.Lines, t *longTable, only table.Selection) (*table.Wide, error) {
	titles, columns := t.titles, make([]string, len(t.titles))
	for k, name := range titles {
		columns[k] = f.kind + " of " + name
	}
	if len(titles) == 1 {
		titles = []string{stem(f.path)}
	}
	b := table.NewBuilder(f.path, titles, columns, only)
	for _, e := range t.people {
		if k := e.lacks(len(titles)); k >= 0 {
			lacking := &data.Problem{Code: 302, File: f.path, Line: e.line, What: fmt.Sprintf("a person lacks the score %q", t.titles[k]), Expected: "a row for each person and score",
				Found: "none for this person and score", Cause: "a table cut short, or scores of different persons pasted together", Fix: "write the table again"}
			if err := only.Faults.Take(lacking); err != nil {
				return nil, err
			}
			continue
		}
		if err := b.Add(e.line, e.ids, e.values); err != nil {
			return nil, err
		}
	}
	w, err := b.Wide(l)
	if err != nil {
		return nil, err
	}
	return f.notes(w), nil
}
