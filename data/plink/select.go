package plink

import (
	"fmt"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// Every returns every k-th variant, beginning with the first; restart begins anew in every fileset, as the published
// ContIG code does.
func (s *Set) Every(k int, restart bool) []int {
	var out []int
	for _, f := range s.files {
		for v := range f.n {
			at := v
			if !restart {
				at += f.first
			}
			if at%k == 0 {
				out = append(out, f.first+v)
			}
		}
	}
	return out
}

// Extract returns the variants whose ids are the first fields of a file's lines, in the order of the filesets, and how many
// of those ids there are not. None at all is E210.
func (s *Set) Extract(path string) (variants []int, absent int, err error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer l.Close()
	want := map[string]bool{}
	for l.Next() {
		want[strings.Fields(l.Text())[0]] = true
	}
	if err := l.Err(); err != nil {
		return nil, 0, err
	}
	found := map[string]bool{}
	for i, v := range s.Variants {
		if want[v.ID] {
			variants = append(variants, i)
			found[v.ID] = true
		}
	}
	if len(variants) == 0 {
		return nil, 0, &data.Problem{Code: 210, File: path, What: "none of the listed variants is in the filesets",
			Expected: "ids as in the second column of the .bim, such as " + s.Variants[0].ID, Found: fmt.Sprintf("%d other ids", len(want)),
			Cause: "rsids against chromosome:position ids", Fix: "list the ids of the .bim"}
	}
	return variants, len(want) - len(found), nil
}

// Names returns a name for each variant of the set: its id, or its WrittenName where the id is "." or not unique. A name
// depends on the whole set and never on which variants are used, so that a checkpoint finds its variants again. Variants
// of one id, position and alleles have one name; who uses one of them must refuse it.
func (s *Set) Names() []string {
	count := make(map[string]int, len(s.Variants))
	for _, v := range s.Variants {
		count[v.ID]++
	}
	names := make([]string, len(s.Variants))
	for i, v := range s.Variants {
		names[i] = v.ID
		if v.ID == "." || count[v.ID] > 1 {
			names[i] = v.WrittenName()
		}
	}
	return names
}
