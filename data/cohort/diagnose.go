package cohort

import (
	"fmt"
	"slices"
	"strings"

	"contig-gpu/data"
)

// shownIDs is how many ids of each side a failed join shows.
const shownIDs = 3

// How a person is found in a source by something else than the id that is joined by, beside the forms.
const (
	byForm     = iota // and which: near.form
	byFID             // the manifest holds the FID
	byPair            // the manifest holds FID_IID
	byIID             // the manifest holds the IID, the join is by FID_IID
	waysToFind        // how many there are
)

// A near is a way in which persons would be found, and how many.
type near struct {
	way, form int
	persons   int
}

// what says it in words that follow "would be ".
func (n near) what() string {
	switch n.way {
	case byFID:
		return "by their FIDs"
	case byPair:
		return "as FID_IID"
	case byIID:
		return "by their IIDs alone"
	}
	return forms()[n.form].what
}

func (n near) explain() (cause, fix string) {
	switch n.way {
	case byFID:
		return "the manifest holds FIDs, the join is by IID", "write IIDs in the manifest"
	case byPair:
		return "the manifest holds FID_IID, the join is by IID", `set match = "fid_iid" in [ids]`
	case byIID:
		return "the manifest holds IIDs, the join is by FID_IID", `set match = "iid" in [ids]`
	}
	f := forms()[n.form]
	return f.cause, f.fix
}

// A lookout finds ids that were not matched among other ids that were not, by what they have in common: one look at each, however many forms
// there are, and one more look at those that it finds.
type lookout struct {
	open   map[string]string // of persons who were not found, by what their ids have in common
	pairs  bool              // one of them has the form A_B
	counts map[[2]int]int    // by way and form
}

// newLookout looks out for ids.
func newLookout(ids func(yield func(id string) bool)) *lookout {
	l := &lookout{open: map[string]string{}, counts: map[[2]int]int{}}
	for id := range ids {
		l.open[common(id)] = id
		l.pairs = l.pairs || strings.Contains(id, "_")
	}
	return l
}

// see counts the person whom an id finds, once.
func (l *lookout) see(id string, way int) bool {
	if len(l.open) == 0 {
		return false
	}
	key := common(id)
	person, ok := l.open[key]
	if !ok {
		return false
	}
	delete(l.open, key)
	which := 0
	if way == byForm {
		for i, f := range forms() {
			if f.undo(person) == f.undo(id) {
				which = i
				break
			}
		}
	}
	l.counts[[2]int{way, which}]++
	return true
}

// found returns what was counted, the most persons first.
func (l *lookout) found() []near {
	var out []near
	for way := range waysToFind {
		for f := range forms() {
			if n := l.counts[[2]int{way, f}]; n > 0 {
				out = append(out, near{way, f, n})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b near) int { return b.persons - a.persons })
	return out
}

// nearly looks at the rows of a source that are nobody's for the persons of the manifest who have none.
func (j *join) nearly(src source, at *joinedRows) []near {
	fid, iid := src.people()
	l := newLookout(func(yield func(string) bool) {
		for i, r := range at.row {
			if r < 0 && !yield(j.m.persons[i].id) {
				return
			}
		}
	})
	pair := j.cfg.IDs.Match == matchPair
	for r := range iid {
		if len(l.open) == 0 {
			break
		}
		if at.isTaken(r) {
			continue
		}
		id, _ := j.joinedRow(fid, iid, r)
		switch {
		case id == "" || l.see(id, byForm):
		case fid == nil:
		case pair && l.see(iid[r], byIID):
		case !pair && l.pairs && l.see(fid[r]+"_"+iid[r], byPair):
		case !pair && fid[r] != iid[r]:
			l.see(fid[r], byFID)
		}
	}
	return l.found()
}

// noteNearly warns of persons who are not found because their ids are written otherwise in the source.
func (j *join) noteNearly(name string, found []near) {
	for _, n := range found {
		j.note("W114: %s: %d persons of the manifest are not in it by their ids, but would be %s. They count as without it.", name, n.persons, n.what())
	}
}

// noOverlap explains why nobody of the manifest is in a source (E110).
func (j *join) noOverlap(name string, src source, found []near) error {
	var have []string
	for _, p := range j.m.persons[:min(shownIDs, len(j.m.persons))] {
		have = append(have, p.id)
	}
	_, iid := src.people()
	p := &data.Problem{Code: 110, File: src.file(), What: fmt.Sprintf("nobody of the manifest is in [%s]", name),
		Expected: "ids as in the manifest: " + strings.Join(have, ", "), Found: strings.Join(iid[:min(shownIDs, len(iid))], ", ")}
	a, b := lengthOf(iid), j.personLength()
	switch {
	case len(found) > 0:
		p.Cause, p.Fix = found[0].explain()
		p.Found += fmt.Sprintf("; %d of %d persons would be found %s", found[0].persons, len(j.m.persons), found[0].what())
	case mostlyNegative(iid):
		p.Cause, p.Fix = "the genetics have negative ids: withdrawn persons, or a placeholder .fam or .sample", "use the .fam of your own application"
	case a != b && a > 0 && b > 0:
		p.Cause, p.Fix = fmt.Sprintf("ids of %d and %d characters: the two files come from different applications or studies", b, a), bridgeFix
	default:
		p.Cause, p.Fix = "ids of different studies or applications", bridgeFix
	}
	return p
}

func mostlyNegative(ids []string) bool {
	n := 0
	for _, id := range ids {
		if strings.HasPrefix(id, "-") {
			n++
		}
	}
	return 2*n > len(ids)
}

func lengthOf(ids []string) int {
	for _, id := range ids {
		if len(id) != len(ids[0]) {
			return 0
		}
	}
	return len(ids[0])
}

func (j *join) personLength() int {
	ids := make([]string, len(j.m.persons))
	for i, p := range j.m.persons {
		ids[i] = p.id
	}
	return lengthOf(ids)
}
