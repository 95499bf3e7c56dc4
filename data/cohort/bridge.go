package cohort

import (
	"fmt"
	"path/filepath"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// readMap reads the ids of the genetics and what they are in the manifest: two columns, from and to, or those that a header names so. "" is what people have
// whose partner is missing: they are not in the manifest.
func (c *config) readMap(m *manifest) (map[string]string, []string, error) {
	if c.IDs.Map == "" {
		return nil, nil, nil
	}
	path := c.resolve(c.IDs.Map)
	t, err := readCells(path, func(id string) bool { _, ok := m.index[id]; return ok })
	if err != nil {
		return nil, nil, err
	}
	from, to := mapColumns(t)
	b := bridging{path: path, to: map[string]string{}, ids: table.IDs{Path: path}}
	for i, row := range t.rows {
		if len(row) > to+1 && to == 1 && t.header == nil || len(row) <= from {
			other := &data.Problem{Code: 106, File: path, Line: t.line[i], What: "the row of a map has another number of fields than two", Expected: "from and to, or a header with these names",
				Found: fmt.Sprint(len(row)), Cause: "another file, or more columns than two", Fix: "write a header that names the two columns from and to"}
			if err := c.faults.Take(other); err != nil {
				return nil, nil, err
			}
			continue
		}
		if err := c.faults.Take(b.add(row, t.line[i], from, to)); err != nil {
			return nil, nil, err
		}
	}
	notes := append(t.notes, fmt.Sprintf("%s: %d ids mapped.", filepath.Base(path), len(b.to)-b.without))
	if b.without+b.blank > 0 {
		notes = append(notes, fmt.Sprintf("%s: %d people have no id to be mapped to, %d rows no id to be mapped from; they are left out.", filepath.Base(path), b.without, b.blank))
	}
	return b.to, notes, b.turned(m)
}

// mapColumns returns where a map has its ids.
func mapColumns(t *cells) (from, to int) {
	from, to = slices.Index(t.header, "from"), slices.Index(t.header, "to")
	if from < 0 || to < 0 {
		from, to = 0, 1
	}
	if t.header != nil && len(t.rows) > 0 {
		from, to = from+t.shift(), to+t.shift()
	}
	return from, to
}

// A bridging is a map being read.
type bridging struct {
	path           string
	to             map[string]string
	ids            table.IDs
	blank, without int
}

func (b *bridging) add(row []string, line, from, to int) error {
	id := whole(row[from])
	if id == "" {
		b.blank++
		return nil
	}
	if err := b.ids.Add(id, line); err != nil {
		return err
	}
	if to >= len(row) || row[to] == "" {
		b.to[id] = ""
		b.without++
		return nil
	}
	if err := mangled(b.path, line, row[to]); err != nil {
		return err
	}
	b.to[id] = whole(row[to])
	return nil
}

// turned refuses a map whose first column is the manifest's (E124).
func (b *bridging) turned(m *manifest) error {
	there, here := 0, 0
	for from, to := range b.to {
		if _, ok := m.index[to]; ok {
			there++
		}
		if _, ok := m.index[from]; ok {
			here++
		}
	}
	if there > 0 || here == 0 {
		return nil
	}
	return &data.Problem{Code: 124, File: b.path, What: "the map leads away from the manifest: its first column holds the manifest's ids", Expected: "from as in the genetics, to as in the manifest",
		Found: fmt.Sprintf("%d persons of the manifest in the column from, none in to", here), Cause: "the two columns are in the other order", Fix: "swap them, or their names"}
}
