package cohort

import (
	"fmt"
	"path/filepath"

	"contig-gpu/data"
)

// matchPair is the word of [ids] match by which the manifest's ids are FID_IID.
const matchPair = "fid_iid"

// id is what persons are joined by.
func (c *config) id(fid, iid string) string {
	if c.IDs.Match == matchPair {
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
			l, err := c.readList(c.resolve(path), m)
			if err := c.faults.Take(err); err != nil {
				return nil, nil, err
			}
			if l == nil { // taken: the list is as if it were not there
				continue
			}
			left := 0
			for i := range in {
				in[i] = in[i] && l.has[i] == part.keep
				if in[i] {
					left++
				}
			}
			more, err := l.judge(part.verb, left)
			notes = append(append(notes, l.notes...), more...)
			if err := c.faults.Take(err); err != nil {
				return nil, nil, err
			}
			if left == 0 { // taken
				for i := range in {
					in[i] = true
				}
			}
		}
	}
	return in, notes, nil
}

// judge says what came of a list. One that leaves nobody is E117; one that removes nobody, but would if its ids were written as in the manifest, E122.
func (l *list) judge(verb string, left int) ([]string, error) {
	base := filepath.Base(l.path)
	notes := []string{fmt.Sprintf("--%s %s: %d ids, %d persons of the manifest, %d persons remaining.", verb, base, l.ids, l.persons, left)}
	if l.blank > 0 {
		notes = append(notes, fmt.Sprintf("%s: %d rows have no id and are left out.", base, l.blank))
	}
	p := &data.Problem{Code: 117, File: l.path, What: "the " + verb + " list leaves nobody of the manifest", Expected: "ids as in the manifest, such as " + l.m.persons[0].id,
		Found: fmt.Sprintf("%d ids", l.ids), Cause: "ids of another application, or keep and remove swapped", Fix: "correct [ids]"}
	found := l.nearly()
	if len(found) > 0 {
		cause, _ := found[0].explain()
		p.Found += fmt.Sprintf("; %d persons would be found %s", found[0].persons, found[0].what())
		p.Cause, p.Fix = cause, "write the ids of the list as in the manifest"
	}
	switch {
	case left == 0:
		return nil, p
	case l.persons == 0 && len(found) > 0:
		return nil, &data.Problem{Code: 122, File: p.File, What: "the ids of the list are written otherwise than in the manifest", Expected: p.Expected, Found: p.Found, Cause: p.Cause, Fix: p.Fix}
	case l.persons == 0 && l.ids > 0:
		notes = append(notes, fmt.Sprintf("W112: --%s %s matches nobody: none of its %d ids is in the manifest. Is it of another application?", verb, base, l.ids))
	}
	for _, n := range found {
		notes = append(notes, fmt.Sprintf("W114: --%s %s: %d persons of the manifest are not in it by their ids, but would be %s. They count as not listed.", verb, base, n.persons, n.what()))
	}
	return notes, nil
}

// joined returns what a person of a source is called in the manifest, "" where the map says that there is no such id, and whether the map names the
// person. ids are its IID, or its FID and IID.
func (c *config) joined(ids []string, bridge map[string]string) (id string, named bool) {
	id = ids[len(ids)-1]
	if len(ids) == 2 {
		id = c.id(ids[0], id)
	}
	if to, ok := bridge[id]; ok {
		return to, true
	}
	return id, false
}

// joinedRow is who, of a row of a source.
func (j *join) joinedRow(fid, iid []string, r int) (id string, named bool) {
	if fid == nil {
		return j.who(iid[r : r+1])
	}
	return j.who([]string{fid[r], iid[r]})
}

// who is joined, but that FID 0 and no FID are the same: of 0_X and X it is what the manifest or the map has.
func (j *join) who(ids []string) (id string, named bool) {
	family, iid := noFamily, ids[len(ids)-1]
	if len(ids) == 2 {
		family = ids[0]
	}
	if family != noFamily || j.cfg.IDs.Match != matchPair {
		return j.cfg.joined(ids, j.bridge)
	}
	id, named = j.cfg.joined([]string{noFamily, iid}, j.bridge)
	if _, ok := j.m.index[id]; ok || named {
		return id, named
	}
	return j.cfg.joined([]string{iid}, j.bridge)
}

// noFamily is what plink writes for the FID of persons who have none.
const noFamily = "0"

// joinedRows say which row of a source is whose.
type joinedRows struct {
	row    []int    // of each person of the manifest, -1 where there is none
	taken  []uint64 // a bit for each row: it is somebody's
	found  int      // persons who have a row
	named  int      // rows that the map names
	passed int      // rows of persons of the manifest that it does not name
}

func (a *joinedRows) isTaken(r int) bool { return a.taken[r/64]>>(r%64)&1 != 0 }

// rowsOf finds the row of each person of the manifest in a source, after the map and by the rule of [ids] match. Two rows of one person are
// E120; of people who are not in the manifest nothing is asked.
func (j *join) rowsOf(src source) (*joinedRows, error) {
	fid, iid := src.people()
	a := &joinedRows{row: make([]int, len(j.m.persons)), taken: make([]uint64, (len(iid)+63)/64)}
	for i := range a.row {
		a.row[i] = -1
	}
	for r := range iid {
		id, named := j.joinedRow(fid, iid, r)
		if named {
			a.named++
		}
		i, ok := j.m.index[id]
		if !ok {
			continue
		}
		if first := a.row[i]; first >= 0 {
			twice := &data.Problem{Code: 120, File: src.file(), What: fmt.Sprintf("the id %q is there twice", id), Expected: "one row a person",
				Found: fmt.Sprintf("rows %d and %d of the persons", first+1, r+1), Cause: "one IID in two families, or two ids mapped to one", Fix: `remove one, or set match = "fid_iid" in [ids]`}
			if j.faults.Collects() && iid[first] == iid[r] && (fid == nil || fid[first] == fid[r]) {
				continue // the reader has said so
			}
			if err := j.faults.Take(twice); err != nil {
				return nil, err
			}
			continue
		}
		a.row[i] = r
		a.taken[r/64] |= 1 << (r % 64)
		a.found++
		if !named {
			a.passed++
		}
	}
	return a, nil
}

// unmapped warns of persons whom the map does not name and who are joined all the same, by an id that means somebody else where the map is between
// two applications.
func (j *join) unmapped(name string, a *joinedRows) {
	if a.named > 0 && a.passed > 0 {
		j.note("W116: %s: %d persons are not in %s and are joined by their ids as they are; the map names %d others.", name, a.passed, filepath.Base(j.cfg.IDs.Map), a.named)
	}
}
