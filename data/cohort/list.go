package cohort

import (
	"fmt"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// A list says whom a keep or remove list names.
type list struct {
	path    string
	m       *manifest
	has     []bool   // of each person of the manifest
	persons int      // of the manifest
	ids     int      // that are there, each once
	blank   int      // rows without an id
	others  []string // ids that are nobody's in the manifest
	notes   []string
}

// readList reads a list of persons. Its ids are those of one column, or FID and IID: of that which a header names or, where no header is understood, of
// that which holds most persons of the manifest. Where two columns hold persons of whom the other knows nothing, that is E124.
func (c *config) readList(path string, m *manifest) (*list, error) {
	l := &list{path: path, m: m, has: make([]bool, len(m.persons))}
	t, err := readCells(path, func(id string) bool { _, ok := m.index[id]; return ok })
	if err != nil {
		return nil, err
	}
	l.notes = t.notes
	ids, err := c.columnOf(t, m)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, id := range ids {
		if id == "" {
			l.blank++
			continue
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		l.ids++
		if p, ok := personOf(m, id); ok {
			if !l.has[p] {
				l.persons++
			}
			l.has[p] = true
			continue
		}
		if err := c.faults.Take(mangled(path, t.line[min(i, len(t.line)-1)], id)); err != nil {
			return nil, err
		}
		l.others = append(l.others, id)
	}
	return l, nil
}

// personOf finds an id of a list in the manifest, also where a program read the list's ids as numbers and wrote .0 after them.
func personOf(m *manifest, id string) (int, bool) {
	p, ok := m.index[id]
	if !ok {
		p, ok = m.index[whole(id)]
	}
	return p, ok
}

// mangled refuses an id that has lost digits (E102).
func mangled(path string, line int, id string) error {
	if p, ok := table.CheckID(path, line, whole(id)).(*data.Problem); ok && p.Code == 102 && whole(id) != "" && (id[0] >= '0' && id[0] <= '9') {
		return p
	}
	return nil
}

// nearly looks for persons of the manifest who are not listed by their ids, but by something that comes near.
func (l *list) nearly() []near {
	if len(l.others) == 0 || l.persons == len(l.m.persons) {
		return nil
	}
	out := newLookout(func(yield func(string) bool) {
		for i, p := range l.m.persons {
			if !l.has[i] && !yield(p.id) {
				return
			}
		}
	})
	for _, id := range l.others {
		out.see(id, byForm)
	}
	return out.found()
}

// A column is where ids of a list may be: in one place, or FID and IID in two.
type column struct {
	fid, iid int // fid is -1 where ids are in one place
	persons  map[int]bool
}

// columnOf returns the id of each row, "" where it has none; or the cells of a single row that is all of the list.
func (c *config) columnOf(t *cells, m *manifest) ([]string, error) {
	if len(t.rows) == 0 {
		return nil, nil
	}
	if row := t.rows[0]; len(t.rows) == 1 && t.header == nil && len(row) > pairs && (len(row) != famColumns || row[0] != row[1]) {
		return row, nil
	}
	places, named := c.columns(t)
	for i := range places {
		places[i].persons = map[int]bool{}
		for _, row := range t.rows {
			if p, ok := personOf(m, c.cell(row, places[i])); ok {
				places[i].persons[p] = true
			}
		}
	}
	best := c.best(places)
	if err := ambiguous(t, places, best, named); err != nil {
		return nil, err
	}
	if at := places[best]; at.iid > 1 && !named && len(at.persons) > 0 {
		t.note("the ids are taken from column %d.", at.iid+1)
	}
	out := make([]string, len(t.rows))
	for i, row := range t.rows {
		out[i] = c.cell(row, places[best])
	}
	return out, nil
}

// cell returns the id of a row.
func (c *config) cell(row []string, at column) string {
	if at.iid >= len(row) || row[at.iid] == "" {
		return ""
	}
	if at.fid < 0 {
		return row[at.iid]
	}
	return c.id(row[at.fid], row[at.iid])
}

// columns returns where ids may be, and whether a header says so.
func (c *config) columns(t *cells) (places []column, named bool) {
	width, fid, shift := t.width(), -1, 0
	if t.header != nil {
		shift = t.shift()
	}
	var ids []int
	for i, w := range t.header {
		switch at := i + shift; {
		case at >= width:
		case isFamilyWord(w):
			fid = at
		case isIDWord(w):
			ids = append(ids, at)
		}
	}
	named = len(ids) > 0
	if !named {
		for i := range width {
			if i != fid || width == 1 {
				ids = append(ids, i)
			}
		}
		if fid < 0 && width > 1 {
			fid = 0
		}
	}
	for _, i := range ids {
		if c.IDs.Match == matchPair && fid >= 0 && fid != i {
			places = append(places, column{fid: fid, iid: i})
		}
		places = append(places, column{fid: -1, iid: i})
	}
	return places, named
}

// best returns the place with the most persons. Of several it is the one of plink: the second column of FID and IID before the first, then the first.
func (c *config) best(places []column) int {
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if n := len(places[b].persons) - len(places[a].persons); n != 0 {
			return n
		}
		return rank(places[a]) - rank(places[b])
	})
	return order[0]
}

func rank(at column) int {
	switch {
	case at.fid >= 0:
		return 0
	case at.iid == 1:
		return 1
	case at.iid == 0:
		return 2
	}
	return 1 + at.iid
}

// The columns of a .fam, whose parents are no part of the list.
const (
	famColumns = 6
	pairs      = 2 // columns of FID and IID
)

// ambiguous refuses a list in which another column than the best holds persons of whom the best knows nothing (E124). FIDs may be
// ids of other persons, if they mostly are not.
func ambiguous(t *cells, places []column, best int, named bool) error {
	top := places[best]
	for i, at := range places {
		others := 0
		for p := range at.persons {
			if !top.persons[p] {
				others++
			}
		}
		family := !named && at.iid == 0 && top.iid == 1 && (t.width() == pairs || t.width() == famColumns) && 2*others < len(top.persons)
		parent := !named && t.width() == famColumns && at.iid > 1 && top.iid <= 1
		if i == best || others == 0 || family || parent {
			continue
		}
		return &data.Problem{Code: 124, File: t.path, Line: t.line[0], What: "two columns of the list hold ids of the manifest, of different persons",
			Expected: "one column of ids, or FID and IID", Found: fmt.Sprintf("%d persons in column %d, and %d others in column %d", len(top.persons), top.iid+1, others, at.iid+1),
			Cause: "several ids on a line, or another column of numbers that look like ids", Fix: "write one id a line, or a header that names the column IID"}
	}
	return nil
}
