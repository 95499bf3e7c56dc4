package cohort

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"contig-gpu/data"
)

// A Summary is one line of the join table: how many persons of each split have a modality.
type Summary struct {
	Name     string
	Features int
	Persons  int    // of the cohort, with the modality
	Of       int    // persons of the cohort
	Split    [3]int // with the modality, by data.Split
	SplitOf  [3]int // persons of each split
	Shared   []int  // with each modality of the cohort as well, in its order
}

// Summarise counts who has what, one Summary a modality, in the cohort's order.
func Summarise(c *data.Cohort) []Summary {
	out := make([]Summary, len(c.Tables))
	for i, t := range c.Tables {
		s := Summary{Name: t.Name(), Features: t.Stats().Width(), Of: len(c.Persons), Shared: make([]int, len(c.Tables))}
		for p := range c.Persons {
			s.SplitOf[c.Persons[p].Split]++
			if !t.Has(p) {
				continue
			}
			s.Persons++
			s.Split[c.Persons[p].Split]++
			for k, other := range c.Tables {
				if other.Has(p) {
					s.Shared[k]++
				}
			}
		}
		out[i] = s
	}
	return out
}

func statNames(st map[string]*data.Stats) []string { return slices.Sorted(maps.Keys(st)) }

// hash digests ids, groups, splits, the names and sizes of the images, and the statistics with the features' names.
func (j *join) hash() string {
	h := sha256.New()
	for p, person := range j.c.Persons {
		fmt.Fprintf(h, "%q %d %d\n", person.ID, person.Group, person.Split)
		for _, k := range j.m.persons[j.kept[p]].images {
			fmt.Fprintf(h, "%q %d\n", j.m.names[k], j.m.sizes[k])
		}
		for _, t := range j.c.Tables {
			fmt.Fprintf(h, "%t\n", t.Has(p))
		}
	}
	for _, t := range j.c.Tables {
		text, err := json.Marshal(t.Stats())
		if err != nil {
			panic("cohort: statistics that are not finite: " + err.Error())
		}
		fmt.Fprintf(h, "%q\n%s\n", t.Name(), text)
	}
	return hex.EncodeToString(h.Sum(nil))
}
