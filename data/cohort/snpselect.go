package cohort

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genofile"
	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
)

func (c *config) openSNPs(s *section, st *data.Stats) (source, []string, error) {
	paths, err := c.expand(s.files.Files, s.name, false)
	if err != nil {
		return nil, nil, err
	}
	if len(paths) == 0 {
		return nil, nil, c.bad(s.name, "files", "files is empty", "at least one fileset", "none")
	}
	before := c.faults.Found()
	o := c.genotypeOptions(s.files)
	if o.Chroms, err = c.chroms(s, len(paths)); err != nil {
		return nil, nil, err
	}
	set, err := genofile.Open(paths, o)
	if err != nil {
		return nil, nil, err
	}
	g := &snps{cfg: s.files, set: set, path: paths[0], progress: c.counting("variants read")}
	about, variants := set.Files()
	if len(about) == 0 { // all are at fault, and that was taken
		return nil, nil, nil
	}
	g.path = about[0].VariantsPath
	notes := append(slices.Clone(set.Notes), filesNote(s.name, about, variants, set)...)
	if st != nil {
		return g, notes, g.selectNamed(c, st)
	}
	more, err := g.choose(c)
	if len(set.Sites) == 0 && c.faults.Found() > before { // taken
		return g, notes, nil
	}
	err = c.faults.Take(err)
	for _, n := range more {
		notes = append(notes, s.name+": "+n)
	}
	return g, notes, err
}

func (c *config) genotypeOptions(f *filesConfig) genofile.Options {
	o := genofile.Options{Format: f.Format, RefLast: f.Ref == refLast, Faults: c.faults, Progress: c.counting("variants listed")}
	if f.Bed == "" { // whose intervals would have to be listed as well
		o.Regions = genotype.Disjoint(f.regions)
	}
	if f.Sample != "" {
		o.Sample = c.resolve(f.Sample)
	}
	return o
}

// filesNote says what a section's files are.
func filesNote(name string, about []genotype.About, variants []int, set *genotype.Set) []string {
	var kinds []string
	for _, a := range about {
		if !slices.Contains(kinds, a.Format) {
			kinds = append(kinds, a.Format)
		}
	}
	sets := "filesets"
	if len(about) == 1 {
		sets = "fileset"
	}
	notes := []string{fmt.Sprintf("%s: %d variants in %d %s (%s), %d persons.", name, len(set.Sites), len(about), sets, strings.Join(kinds, ", "), len(set.People))}
	places := make([]data.Place, len(set.Sites))
	for i, v := range set.Sites {
		places[i] = data.Place{Chromosome: v.Chrom, Position: v.Pos}
	}
	if b := genome.Detect(places); b != genome.Unknown {
		notes = append(notes, fmt.Sprintf("%s: genome build %s: the only one in which no variant lies beyond the end of its chromosome.", name, b))
	}
	return notes
}

// choose applies region, bed, extract or panel, and select.
func (g *snps) choose(c *config) ([]string, error) {
	var notes []string
	var err error
	if g.selected, err = g.inside(c); err != nil {
		return nil, err
	}
	if n := len(g.selected); n < len(g.set.Sites) {
		notes = append(notes, fmt.Sprintf("%d variants lie in the intervals.", n))
	}
	names := g.set.Names(g.selected)
	more, err := g.pick(c)
	if err != nil {
		return nil, err
	}
	notes = append(notes, more...)
	if err := g.name(names); err != nil {
		return nil, err
	}
	other := 0
	for _, v := range g.selected {
		if !autosome(g.set.Sites[v].Chrom) {
			other++
		}
	}
	notes = append(notes, fmt.Sprintf("%d variants selected.", len(g.selected)))
	if other > 0 {
		notes = append(notes, fmt.Sprintf("W216: %d selected variants are not on autosomes; counts there depend on sex.", other))
	}
	return notes, nil
}

// inside returns the variants that lie in the intervals of region and bed, all where there are none.
func (g *snps) inside(c *config) ([]int, error) {
	all, bed := g.set.All(), g.cfg.Bed
	if len(g.cfg.regions) == 0 && bed == "" {
		return all, nil
	}
	if bed != "" {
		bed = c.resolve(bed)
	}
	return g.set.Within(g.cfg.regions, bed, all)
}

// pick applies panel, extract or select, and says which allele is counted.
func (g *snps) pick(c *config) ([]string, error) {
	var absent, others int
	var err error
	switch {
	case g.cfg.Panel != "":
		g.selected, g.alt, absent, others, err = g.set.Panel(c.resolve(g.cfg.Panel), g.selected)
	case g.cfg.Extract != "":
		g.selected, absent, err = g.set.Extract(c.resolve(g.cfg.Extract), g.selected)
	default:
		g.selected = g.set.Every(max(1, g.cfg.Select.every), g.cfg.Select.restart, g.selected)
	}
	if err != nil {
		return nil, err
	}
	if g.alt == nil {
		g.countAll()
	}
	var notes []string
	if absent > 0 {
		notes = append(notes, fmt.Sprintf("W210: %d listed variants are not in the filesets.", absent))
	}
	if others > 0 {
		notes = append(notes, fmt.Sprintf("W210: %d listed variants have other alleles than the panel's.", others))
	}
	return notes, nil
}

// countAll counts the allele of data.toml at every variant.
func (g *snps) countAll() {
	g.alt = make([]bool, len(g.selected))
	for k := range g.alt {
		g.alt[k] = g.cfg.Count == countALT
	}
}

// name gives the selected variants their names, all being those of the whole set. Where one fits another variant too,
// selected or not, that is E120: on the same files a checkpoint could not say which of them it was trained on.
func (g *snps) name(all []string) error {
	owner := make(map[string]int, len(g.selected))
	for _, v := range g.selected {
		g.names = append(g.names, all[v])
		owner[all[v]] = v
	}
	for v, n := range all {
		if first, ok := owner[n]; ok && n != "" && first != v {
			return g.twice(n, min(first, v), max(first, v))
		}
	}
	return nil
}

func (g *snps) twice(name string, first, second int) error {
	was, line := g.set.Where(first)
	found := "also before it"
	if line > 0 {
		found = fmt.Sprintf("also on line %d", line)
	}
	bim, line := g.set.Where(second)
	if bim != was {
		found += " of " + filepath.Base(was)
	}
	return &data.Problem{Code: 120, File: bim, Line: line, What: fmt.Sprintf("the variant %q is there twice, with the same position and alleles", name),
		Expected: "every variant once", Found: found, Cause: "filesets merged without care", Fix: "plink2 --rm-dup force-first"}
}

const lastAutosome = 22

// autosome reads 6 and chr6, and no more: chr6_alt, for one, is another sequence.
func autosome(chrom string) bool {
	n, err := strconv.ParseUint(strings.TrimPrefix(chrom, "chr"), 10, 8)
	return err == nil && n >= 1 && n <= lastAutosome
}

// selectNamed selects the variants that a checkpoint names, of those that are there. A full name is also that of a
// variant whose id is unique here and was not in training.
func (g *snps) selectNamed(c *config, st *data.Stats) error {
	inside, err := g.inside(c)
	if err != nil {
		return err
	}
	want := make(map[string]bool, len(st.Names))
	for _, n := range st.Names {
		want[n] = true
	}
	all := g.set.Names(inside)
	found := make(map[string]bool, len(want))
	for _, n := range all {
		if n != "" && want[n] {
			found[n] = true
		}
	}
	for _, i := range inside {
		v := g.set.Sites[i]
		if !found[all[i]] && len(found) < len(want) {
			for _, full := range []string{v.FullName(), v.WrittenName()} {
				if want[full] && !found[full] {
					all[i] = full
					break
				}
			}
		}
		if want[all[i]] {
			g.selected = append(g.selected, i)
		}
	}
	g.countAll()
	return g.name(all)
}
