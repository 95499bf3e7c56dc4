package burden

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
)

// Rules of what a person's variants come to.
const (
	Max       = "max"       // the most copies of one variant
	Sum       = "sum"       // copies of all
	Comphet   = "comphet"   // of all, and at most 2
	Indicator = "indicator" // 1 who has a copy of any, else 0
)

// Rules returns all rules, the first being regenie's.
func Rules() []string { return []string{Max, Sum, Comphet, Indicator} }

// DefaultBin is regenie's limit of the frequency of the alternative allele.
const DefaultBin = 0.01

// singletonName is what regenie calls the limit of variants of which there is one copy.
const singletonName = "singleton"

// Options say how variants are summed.
type Options struct {
	Bins    []float64        // limits of the frequency of ALT, ascending; singletons come before them
	Rule    string           // of Rules
	Without []bool           // of each person: counts in no frequency; nil: all count
	Given   map[string]Given // frequencies by id, which go before those that are counted
	Room    int              // bytes that may be taken; 0: not known
}

// A Given is the frequency of a variant as a file says it.
type Given struct {
	AAF       float64
	Singleton bool
	Says      bool // whether the file says who is a singleton
}

// A Column is one burden.
type Column struct {
	Name, Set, Mask, Limit string // Mask has the domain before it, where it is of one
	Variants               int
	Carriers               int
	sparse
}

// Unmatched counts what of the files met nothing, with the first of each.
type Unmatched struct {
	Kind  string // in words
	Count int
	First []string
}

const mostShown = 5

func (u *Unmatched) add(what string) {
	u.Count++
	if len(u.First) < mostShown {
		u.First = append(u.First, what)
	}
}

// A target is one mask of a set, of one domain or of all.
type target struct {
	set    int
	mask   int
	domain int // -1: all
	name   string
	limits []*building // singletons first, then by the bins
}

// A use is a variant in a set.
type use struct {
	variant int
	weight  float64
	targets []*target
}

// A plan is which variants are read and what they go into.
type plan struct {
	d         *Definitions
	o         Options
	uses      []use // by variant
	targets   [][]*target
	last      []int // of each set: its last variant
	unmatched []Unmatched
	found     int // variants of sets that there are
}

// newPlan matches sets, annotations and masks with each other and with the variants. Where nothing is left it is E421.
func newPlan(d *Definitions, x *genotype.Index, o Options) (*plan, error) {
	p := &plan{d: d, o: o, targets: make([][]*target, len(d.Sets)), last: make([]int, len(d.Sets))}
	absent, silent, outside, empty := Unmatched{Kind: "variants of sets that the genotypes do not have"}, Unmatched{Kind: "variants of sets without an annotation for the set"},
		Unmatched{Kind: "variants of sets whose category is in no mask"}, Unmatched{Kind: "sets without a variant in any mask"}
	total := 0
	for s := range d.Sets {
		set := &d.Sets[s]
		used := false
		seen := map[int]bool{}
		p.last[s] = -1
		for _, id := range set.Variants {
			total++
			v, err := find(x, id, d.setsPath, set.Line)
			if err != nil {
				return nil, err
			}
			if v < 0 {
				absent.add(id + " of " + set.Name)
				continue
			}
			p.found++
			n, ok := d.notes[set.Name][id]
			if !ok && !d.plain {
				silent.add(id + " of " + set.Name)
				continue
			}
			if !ok {
				n = note{domain: -1, weight: 1}
			}
			if seen[v] {
				continue
			}
			seen[v] = true
			t := p.targetsOf(s, n)
			if len(t) == 0 {
				outside.add(id + " of " + set.Name)
				continue
			}
			p.uses, used = append(p.uses, use{v, n.weight, t}), true
			p.last[s] = max(p.last[s], v)
		}
		if !used {
			empty.add(set.Name)
		}
	}
	p.unmatched = append(p.unmatched, absent, silent, outside, empty)
	p.unmatched = append(p.unmatched, d.strangers()...)
	p.unmatched = slices.DeleteFunc(p.unmatched, func(u Unmatched) bool { return u.Count == 0 })
	if len(p.uses) == 0 {
		return nil, p.nothing(total, x)
	}
	slices.SortStableFunc(p.uses, func(a, b use) int { return a.variant - b.variant })
	return p, nil
}

// find returns the variant of an id: by the id itself, or where the id is chromosome:position:alleles, by that; -1 where there is none, or it has several alternative alleles and the id does not say which. Several are E422.
func find(x *genotype.Index, id, path string, line int) (int, error) {
	found := x.ByID(nil, id)
	if len(found) == 0 {
		chrom, pos, alleles, ok := genotype.PlaceOf(id)
		if !ok || len(alleles) != 2 {
			return -1, nil
		}
		for _, v := range x.At(nil, chrom, pos) {
			if r, a := x.Variants[v].Ref, x.Variants[v].Alt; r == alleles[0] && a == alleles[1] || r == alleles[1] && a == alleles[0] {
				found = append(found, v)
			}
		}
	}
	switch {
	case len(found) == 0:
		return -1, nil
	case len(found) == 1:
		return int(found[0]), nil
	case !slices.ContainsFunc(found, func(v int32) bool { return !x.Variants[v].Split() }): // one, whose id does not say which allele
		return -1, nil
	}
	return 0, &data.Problem{Code: codeTwice, File: path, Line: line, What: fmt.Sprintf("%d variants of the genotypes have the id %q", len(found), id), Expected: "one",
		Cause: "genotypes whose ids are not unique, such as rsids of multiallelic variants", Fix: "give every variant an id of its own: plink2 --set-all-var-ids '@:#:$r:$a', and in the sets too"}
}

// targetsOf returns the masks of a set that a variant is in, of its domain and of all.
func (p *plan) targetsOf(set int, n note) []*target {
	if p.targets[set] == nil {
		for m := range p.d.Masks {
			for domain := range p.d.domainList {
				p.targets[set] = append(p.targets[set], &target{set: set, mask: m, domain: domain, name: p.d.domainList[domain] + "." + p.d.Masks[m].Name})
			}
			p.targets[set] = append(p.targets[set], &target{set: set, mask: m, domain: -1, name: p.d.Masks[m].Name})
		}
	}
	var out []*target
	for _, t := range p.targets[set] {
		if (p.d.plain || p.d.Masks[t.mask].of[n.category]) && (t.domain < 0 || t.domain == n.domain) {
			out = append(out, t)
		}
	}
	return out
}

// strangers are sets that annotations name and the sets do not, categories that no mask has, and categories of masks that no annotation has.
func (d *Definitions) strangers() []Unmatched {
	sets, categories, unknown := Unmatched{Kind: "genes of annotations that are no sets"}, Unmatched{Kind: "categories that no mask has"}, Unmatched{Kind: "categories of masks that no annotation has"}
	have := map[string]bool{}
	for _, s := range d.Sets {
		have[s.Name] = true
	}
	for _, name := range sorted(d.notes) {
		if !have[name] {
			sets.add(name)
		}
	}
	for _, name := range sorted(d.categories) {
		if !slices.ContainsFunc(d.Masks, func(m Mask) bool { return m.of[d.categories[name]] }) {
			categories.add(name)
		}
	}
	for _, m := range d.Masks {
		for _, c := range m.Categories {
			if _, ok := d.categories[c]; !ok && !d.plain {
				unknown.add(c + " of " + m.Name)
			}
		}
	}
	return []Unmatched{sets, categories, unknown}
}

func sorted[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// nothing is the problem of files that have nothing in common (E421).
func (p *plan) nothing(total int, x *genotype.Index) error {
	q := &data.Problem{Code: codeNothing, File: p.d.setsPath, What: "no variant of any set is in a mask and in the genotypes", Expected: "at least one", Found: fmt.Sprintf("%d variants of %d sets, %d of them in the genotypes", total, len(p.d.Sets), p.found),
		Cause: "ids of another kind: the files must name variants as the genotypes do, or as chromosome:position:alleles", Fix: "write the ids of the genotypes into annotations and sets"}
	if p.found > 0 {
		q.Cause, q.Fix = "annotations of other genes or ids than the sets have, or masks of other categories", "write genes, ids and categories alike in all three files"
	}
	for _, u := range p.unmatched {
		q.Found += fmt.Sprintf("\n%s: %d, %s", u.Kind, u.Count, strings.Join(u.First, ", "))
	}
	if len(x.Variants) > 0 {
		q.Found += "\nthe genotypes have, for one, " + x.Variants[0].ID
	}
	return q
}

// limitName writes a limit as regenie does, whose streams have six digits.
func limitName(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
