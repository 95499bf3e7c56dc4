package cohort

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"contig-gpu/data"
)

// splits are all splits, in their order.
const splits = 3

// A splitter assigns groups of persons to splits.
type splitter struct {
	m        *manifest
	persons  []int // kept, indices into m.persons
	fraction [splits]float64
	by       string
	seed     uint64
	group    []int // of each kept person, dense
	size     []int // of each group
	of       []int // split of each group, -1 while open
}

// key names a person's group so that no group's name can be a person's id.
func (s *splitter) key(i int) string {
	p := &s.m.persons[s.persons[i]]
	if p.group != "" {
		return "group " + p.group
	}
	return "person " + p.id
}

// assign splits the kept persons. The manifest's word counts first; the remaining groups, sorted by name and permuted by the
// seed, fill train, validation and test in this order. It depends on ids and seed alone, not on the order of the files.
func (s *splitter) assign(c *config, seed uint64) ([]data.Split, error) {
	s.fraction = [splits]float64{*c.Split.Train, *c.Split.Val, *c.Split.Test}
	s.seed, s.by = seed, c.Split.By
	if c.Split.Seed != nil {
		s.seed = uint64(*c.Split.Seed)
	}
	units := s.units()
	if err := s.fix(units); err != nil {
		return nil, err
	}
	s.draw()
	out := make([]data.Split, len(s.persons))
	for i, u := range units {
		out[i] = data.Split(s.of[u])
	}
	return out, s.checkEmpty(out)
}

// rule returns how the open groups were drawn.
func (s *splitter) rule() data.SplitRule {
	by := s.by
	if by == "" {
		by = "group"
	}
	return data.SplitRule{Seed: s.seed, Train: s.fraction[data.Train], Validation: s.fraction[data.Validation], Test: s.fraction[data.Test], By: by}
}

// source says where the splits come from: the manifest, or a draw by a seed.
func (s *splitter) source(c *config) string {
	fixed := 0
	for _, i := range s.persons {
		if s.m.persons[i].split != "" {
			fixed++
		}
	}
	if fixed == len(s.persons) {
		return "as the manifest says"
	}
	from := "--seed"
	if c.Split.Seed != nil {
		from = "data.toml"
	}
	text := fmt.Sprintf("drawn by seed %d of %s", s.seed, from)
	if fixed > 0 {
		text += fmt.Sprintf("; %d as the manifest says", fixed)
	}
	return text
}

// number numbers keys in sorted order.
func number(keys []string) []int {
	sorted := slices.Clone(keys)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	at := make(map[string]int, len(sorted))
	for i, k := range sorted {
		at[k] = i
	}
	out := make([]int, len(keys))
	for i, k := range keys {
		out[i] = at[k]
	}
	return out
}

// units numbers what is kept together: groups, or persons where data.toml says so. It sets group as well.
func (s *splitter) units() []int {
	groups := make([]string, len(s.persons))
	ids := make([]string, len(s.persons))
	for i := range s.persons {
		groups[i], ids[i] = s.key(i), s.m.persons[s.persons[i]].id
	}
	s.group = number(groups)
	if s.by == "person" {
		return number(ids)
	}
	return s.group
}

func (s *splitter) fix(units []int) error {
	n := 0
	if len(units) > 0 {
		n = slices.Max(units) + 1
	}
	s.size, s.of = make([]int, n), make([]int, n)
	first := make([]int, n)
	for u := range s.of {
		s.of[u] = -1
	}
	for i, u := range units {
		s.size[u]++
		p := &s.m.persons[s.persons[i]]
		if p.split == "" {
			continue
		}
		want := splitOf(p.split)
		if s.of[u] >= 0 && s.of[u] != want {
			two := &data.Problem{Code: 601, File: s.m.path, Line: p.line, What: fmt.Sprintf("the group %q is in two splits", p.group), Expected: "one split a group: " + data.Split(s.of[u]).String() + fmt.Sprintf(", as on line %d", first[u]),
				Found: p.split, Cause: "a split made by person, without regard to relatives", Fix: `split by group, or set by = "person" in [split]`}
			if err := s.m.faults.Take(two); err != nil {
				return err
			}
			continue
		}
		s.of[u], first[u] = want, p.line
	}
	return nil
}

func splitOf(name string) int {
	for i := range splits {
		if data.Split(i).String() == name {
			return i
		}
	}
	panic("cohort: no such split: " + name)
}

// splitStream keeps the split's random numbers apart from others of the same seed.
const splitStream = 0x73706c6974 // "split"

// draw fills the splits with the open groups.
func (s *splitter) draw() {
	var open []int
	total := 0
	for u, of := range s.of {
		if of < 0 {
			open = append(open, u)
			total += s.size[u]
		}
	}
	drawn := make([][]int, splits)
	done := 0
	for _, k := range rand.New(rand.NewPCG(s.seed, splitStream)).Perm(len(open)) {
		u := open[k]
		to := s.at((float64(done) + float64(s.size[u])/2) / float64(total))
		done += s.size[u]
		drawn[to] = append(drawn[to], u)
	}
	s.lend(drawn)
	for i, list := range drawn {
		for _, u := range list {
			s.of[u] = i
		}
	}
}

// at returns the split that a share of the persons falls in.
func (s *splitter) at(share float64) int {
	sum := 0.0
	last := 0
	for i, f := range s.fraction {
		sum += f
		if f > 0 {
			last = i
			if share <= sum {
				return i
			}
		}
	}
	return last
}

// lend gives a split that rounding left empty a group of the largest, so that small cohorts have all three.
func (s *splitter) lend(drawn [][]int) {
	for i := range drawn {
		if s.fraction[i] == 0 || len(drawn[i]) > 0 || slices.Contains(s.of, i) {
			continue
		}
		from := 0
		for k := range drawn {
			if len(drawn[k]) > len(drawn[from]) {
				from = k
			}
		}
		if n := len(drawn[from]); n > 1 {
			drawn[i] = append(drawn[i], drawn[from][n-1])
			drawn[from] = drawn[from][:n-1]
		}
	}
}

func (s *splitter) checkEmpty(of []data.Split) error {
	for i, f := range s.fraction {
		if f == 0 && i != int(data.Train) || slices.Contains(of, data.Split(i)) {
			continue
		}
		name := data.Split(i).String()
		key := [splits]string{"train", "val", "test"}[i]
		return &data.Problem{Code: 602, File: s.m.path, What: "the split " + name + " is empty", Expected: fmt.Sprintf("at least one person (%s = %g)", key, f), Found: fmt.Sprintf("none of %d persons in %d groups", len(of), len(s.size)),
			Cause: "too few persons or groups, or a split column that does not name it", Fix: fmt.Sprintf("name persons of it in the column split, or set %s = 0 in [split]", key)}
	}
	return nil
}
