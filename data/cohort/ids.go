package cohort

import (
	"fmt"
	"path/filepath"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// isIDHeader says whether the first field of an id list is a header.
func isIDHeader(field string) bool {
	switch strings.ToLower(strings.TrimPrefix(field, "#")) {
	case "fid", "iid", "eid", "person_id", "id", "from":
		return true
	}
	return false
}

// readIDs reads a list: one id a line, or FID and IID; further columns are ignored. A list may be empty.
func (c *config) readIDs(path string) (map[string]bool, []string, error) {
	ids := map[string]bool{}
	l, err := table.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	pair, first := false, true
	var split table.Splitter
	var f []string
	for ; l.Next(); first = false {
		if first {
			split = table.SplitterFor(path, l.Text())
		}
		f = split.Split(l.Text(), f)
		if first {
			pair = len(f) > 1 && (!isIDHeader(f[0]) || strings.EqualFold(strings.TrimPrefix(f[0], "#"), "fid"))
			if isIDHeader(f[0]) {
				continue
			}
		}
		ids[strings.Clone(c.listed(f, pair))] = true
	}
	return ids, l.Notes(), l.Err()
}

func (c *config) listed(f []string, pair bool) string {
	if !pair || len(f) < 2 {
		return f[0]
	}
	return c.id(f[0], f[1])
}

// id is what persons are joined by.
func (c *config) id(fid, iid string) string {
	if c.IDs.Match == "fid_iid" {
		return fid + "_" + iid
	}
	return iid
}

// filter applies the keep and remove lists to the manifest.
func (c *config) filter(m *manifest) ([]bool, []string, error) {
	in := make([]bool, len(m.persons))
	for i := range in {
		in[i] = true
	}
	var notes []string
	for _, part := range []struct {
		list pathList
		keep bool
		verb string
	}{{c.IDs.Keep, true, "keep"}, {c.IDs.Remove, false, "remove"}} {
		for _, path := range part.list {
			ids, more, err := c.readIDs(c.resolve(path))
			if err != nil {
				return nil, nil, err
			}
			left := 0
			for i, p := range m.persons {
				in[i] = in[i] && ids[p.id] == part.keep
				if in[i] {
					left++
				}
			}
			notes = append(append(notes, more...), fmt.Sprintf("--%s %s: %d ids, %d persons remaining.", part.verb, filepath.Base(path), len(ids), left))
			if left == 0 {
				return nil, nil, &data.Problem{Code: 117, File: c.resolve(path), What: "the " + part.verb + " list leaves nobody of the manifest", Expected: "ids as in the manifest, such as " + m.persons[0].id,
					Found: fmt.Sprintf("%d ids", len(ids)), Cause: "ids of another application, or keep and remove swapped", Fix: "correct [ids]"}
			}
		}
	}
	return in, notes, nil
}

// readMap reads the ids of the genetics and what they are in the manifest: two columns, from and to.
func (c *config) readMap() (map[string]string, []string, error) {
	if c.IDs.Map == "" {
		return nil, nil, nil
	}
	path := c.resolve(c.IDs.Map)
	l, err := table.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	out := map[string]string{}
	ids := table.IDs{Path: path}
	var split table.Splitter
	var f []string
	for first := true; l.Next(); first = false {
		if first {
			split = table.SplitterFor(path, l.Text())
		}
		f = split.Split(l.Text(), f)
		if len(f) != 2 {
			return nil, nil, table.Ragged(path, l.Line(), 2, len(f), split)
		}
		if first && isIDHeader(f[0]) {
			continue
		}
		if err := ids.Add(strings.Clone(f[0]), l.Line()); err != nil {
			return nil, nil, err
		}
		out[strings.Clone(f[0])] = strings.Clone(f[1])
	}
	return out, append(l.Notes(), fmt.Sprintf("%s: %d ids mapped.", filepath.Base(path), len(out))), l.Err()
}

// joined returns what a person of a source is called in the manifest. ids are its IID, or its FID and IID.
func (c *config) joined(ids []string, bridge map[string]string) string {
	id := ids[len(ids)-1]
	if len(ids) == 2 {
		id = c.id(ids[0], id)
	}
	if to, ok := bridge[id]; ok {
		return to
	}
	return id
}

// rowsOf returns the row of each id that a source has, after the map and by the rule of [ids] match.
func (c *config) rowsOf(src source, bridge map[string]string) (map[string]int, error) {
	fid, iid := src.people()
	rows := make(map[string]int, len(iid))
	for r := range iid {
		ids := iid[r : r+1]
		if fid != nil {
			ids = []string{fid[r], iid[r]}
		}
		id := c.joined(ids, bridge)
		if first, dup := rows[id]; dup && !table.Placeholder(iid[r]) {
			return nil, &data.Problem{Code: 120, File: src.file(), What: fmt.Sprintf("the id %q is there twice", id), Expected: "one row a person",
				Found: fmt.Sprintf("rows %d and %d of the persons", first+1, r+1), Cause: "one IID in two families, or two ids mapped to one", Fix: `remove one, or set match = "fid_iid" in [ids]`}
		}
		rows[id] = r
	}
	return rows, nil
}
