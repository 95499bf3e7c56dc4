package cohort

import (
	"fmt"
	"strings"

	"contig-gpu/data"
)

// shownIDs is how many ids of each side a failed join shows.
const shownIDs = 3

// A mismatch is what a failed join looks at.
type mismatch struct {
	persons  map[string]bool // of the manifest
	fid, iid []string        // of the source; fid may be nil
}

// noOverlap explains why nobody of the manifest is in a source (E110).
func noOverlap(m *manifest, s *section, src source) error {
	d := mismatch{persons: make(map[string]bool, len(m.persons))}
	var have []string
	for i, p := range m.persons {
		d.persons[p.id] = true
		if i < shownIDs {
			have = append(have, p.id)
		}
	}
	d.fid, d.iid = src.people()
	cause, fix := d.explain()
	return &data.Problem{Code: 110, File: src.file(), What: fmt.Sprintf("nobody of the manifest is in [%s]", s.name),
		Expected: "ids as in the manifest: " + strings.Join(have, ", "), Found: strings.Join(d.iid[:min(shownIDs, len(d.iid))], ", "), Cause: cause, Fix: fix}
}

// explain tries what commonly goes wrong with ids, the most certain first.
func (d mismatch) explain() (cause, fix string) {
	same := func(s string) string { return s }
	const bridge = "give the two kinds of ids as columns from, to in [ids] map"
	switch {
	case d.fid != nil && d.hits(d.fid, same, same) > 0:
		return "the manifest holds FIDs, the join is by IID", "write IIDs in the manifest"
	case d.fid != nil && d.hits(d.joined(), same, same) > 0:
		return "the manifest holds FID_IID, the join is by IID", `set match = "fid_iid" in [ids]`
	case d.hits(d.iid, half, same) > 0:
		return "the genetics have doubled ids X_X, as plink --vcf writes them", bridge
	case d.hits(d.iid, same, half) > 0:
		return "the manifest has doubled ids X_X", "write each id once in the manifest"
	case d.hits(d.iid, bare, bare) > 0:
		return "ids differ in leading zeros or in a trailing .0: a program read them as numbers", "write them as text, the same on both sides"
	case d.hits(d.iid, strings.ToLower, strings.ToLower) > 0:
		return "ids differ in upper and lower case", "write them the same on both sides"
	case d.negative():
		return "the genetics have negative ids: withdrawn persons, or a placeholder .fam or .sample", "use the .fam of your own application"
	}
	if a, b := lengthOf(d.iid), d.personLength(); a != b && a > 0 && b > 0 {
		return fmt.Sprintf("ids of %d and %d characters: the two files come from different applications or studies", b, a), bridge
	}
	return "ids of different studies or applications", bridge
}

func (d mismatch) joined() []string {
	out := make([]string, len(d.iid))
	for i := range out {
		out[i] = d.fid[i] + "_" + d.iid[i]
	}
	return out
}

// hits counts how many ids would match after both sides are changed.
func (d mismatch) hits(ids []string, change, changePerson func(string) string) int {
	persons := make(map[string]bool, len(d.persons))
	for p := range d.persons {
		persons[changePerson(p)] = true
	}
	n := 0
	for _, id := range ids {
		if persons[change(id)] {
			n++
		}
	}
	return n
}

// half returns X of X_X, others as they are.
func half(id string) string {
	n := len(id) / 2
	if len(id)%2 == 1 && id[n] == '_' && id[:n] == id[n+1:] {
		return id[:n]
	}
	return id
}

// bare returns an id without leading zeros and a trailing .0.
func bare(id string) string { return strings.TrimLeft(strings.TrimSuffix(id, ".0"), "0") }

func (d mismatch) negative() bool {
	n := 0
	for _, id := range d.iid {
		if strings.HasPrefix(id, "-") {
			n++
		}
	}
	return 2*n > len(d.iid)
}

func lengthOf(ids []string) int {
	for _, id := range ids {
		if len(id) != len(ids[0]) {
			return 0
		}
	}
	return len(ids[0])
}

func (d mismatch) personLength() int {
	ids := make([]string, 0, len(d.persons))
	for p := range d.persons {
		ids = append(ids, p)
	}
	return lengthOf(ids)
}
