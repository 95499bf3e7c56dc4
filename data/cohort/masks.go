package cohort

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genofile"
	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// masksConfig is a section whose burdens regenie has written (--write-mask): filesets whose variants are genes' masks.
type masksConfig struct {
	Masks       pathList `toml:"masks"`
	Mask        pathList `toml:"mask"` // names such as M1.0.01; none: all
	Standardize string   `toml:"standardize"`
	MinCarriers int      `toml:"min_carriers"`
}

// openMasks reads the masks of persons who are wanted; st names those that a checkpoint needs. Values are the copies of ALT, which is A1: regenie writes masks with REF last.
func (c *config) openMasks(s *section, st *data.Stats, only table.Selection) (source, []string, error) {
	prefixes, err := c.expand(s.masks.Masks, s.name, false)
	if err != nil {
		return nil, nil, err
	}
	if len(prefixes) == 0 {
		return nil, nil, c.bad(s.name, "masks", "masks is empty", "at least one fileset", "none")
	}
	set, err := genofile.Open(prefixes, genofile.Options{Progress: c.counting("variants listed")})
	if err != nil {
		return nil, nil, err
	}
	chosen, titles, err := c.chooseMasks(s, set, st)
	if err != nil {
		return nil, nil, err
	}
	about, _ := set.Files()
	if err := table.Columns(about[0].VariantsPath, 0, titles); err != nil {
		return nil, nil, err
	}
	w, err := maskTable(set, chosen, titles, about[0].PersonsPath, only)
	if err != nil {
		return nil, nil, err
	}
	note := fmt.Sprintf("%s: %d of %d masks in %d filesets, %d persons.", s.name, len(titles), len(set.Sites), len(prefixes), len(set.People))
	return &dense{wide: w, standardize: s.masks.Standardize == "train", minCarriers: s.masks.MinCarriers}, append(set.Notes, note), nil
}

// chooseMasks returns the variants that are the masks asked for.
func (c *config) chooseMasks(s *section, set *genotype.Set, st *data.Stats) (chosen []int, titles []string, err error) {
	named := map[string]bool{}
	if st != nil {
		for _, n := range st.Names {
			named[n] = true
		}
	}
	seen := map[string]int{} // of endings such as M1.0.01
	for i, v := range set.Sites {
		_, ending, _ := strings.Cut(v.ID, ".")
		seen[ending]++
		fits := len(s.masks.Mask) == 0 || slices.ContainsFunc(s.masks.Mask, func(m string) bool { return strings.HasSuffix(v.ID, "."+m) })
		if fits && (st == nil || named[v.ID]) {
			chosen, titles = append(chosen, i), append(titles, v.ID)
		}
	}
	if len(chosen) == 0 && st == nil {
		var have []string
		for e := range seen {
			have = append(have, e)
		}
		slices.Sort(have)
		return nil, nil, c.bad(s.name, "mask", "no variant of the filesets is of this mask", "one of "+strings.Join(have[:min(len(have), 10)], ", "), strings.Join(s.masks.Mask, ", "))
	}
	return chosen, titles, nil
}

func maskTable(set *genotype.Set, chosen []int, titles []string, path string, only table.Selection) (*table.Wide, error) {
	var rows []int
	row := make([]int, len(set.People))
	ids := func(i int) []string { return idsOf(set.People[i]) }
	for i := range set.People {
		row[i] = -1
		if only.Want == nil || only.Want(ids(i)) {
			row[i] = len(rows)
			rows = append(rows, i)
		}
	}
	if bytes := len(rows) * ((len(chosen) + 3) / 4); only.Room > 0 && bytes > only.Room {
		return nil, table.NoRoom(path, 0, fmt.Sprintf("%d persons with %d masks", len(rows), len(chosen)), bytes, only.Room)
	}
	packed, err := genotype.Read(context.Background(), set, chosen, rows, false, nil)
	if err != nil {
		return nil, err
	}
	at := -1
	only.Want = func([]string) bool { at++; return row[at] >= 0 }
	b := table.NewBuilder(path, titles, titles, only)
	values := make([]float64, len(titles))
	for i := range set.People {
		if row[i] >= 0 {
			for j := range values {
				values[j] = packed.Copies(row[i], j)
			}
		}
		if err := b.AddValues(0, ids(i), values); err != nil {
			return nil, err
		}
	}
	return b.Finish(nil)
}
