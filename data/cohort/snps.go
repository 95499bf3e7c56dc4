package cohort

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/genofile"
	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
)

// snps is a source of genotypes.
type snps struct {
	cfg      *filesConfig
	path     string // of the first file's list of variants
	set      *genotype.Set
	selected []int  // variants
	alt      []bool // of each, whether ALT is counted
	names    []string
	packed   *genotype.Packed
	progress func(done, total int)
}

func (c *config) openSNPs(s *section, st *data.Stats) (source, []string, error) {
	paths, err := c.expand(s.files.Files, s.name, false)
	if err != nil {
		return nil, nil, err
	}
	if len(paths) == 0 {
		return nil, nil, c.bad(s.name, "files", "files is empty", "at least one fileset", "none")
	}
	set, err := genofile.Open(paths, genofile.Options{Format: s.files.Format, RefLast: s.files.Ref == refLast, Faults: c.faults, Progress: c.counting("variants listed")})
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
		return g, notes, g.selectNamed(st)
	}
	more, err := g.choose(c)
	if len(set.Sites) == 0 && c.faults.Collects() { // taken
		return g, notes, nil
	}
	err = c.faults.Take(err)
	for _, n := range more {
		notes = append(notes, s.name+": "+n)
	}
	return g, notes, err
}

// filesNote says what a section's files are.
func filesNote(name string, about []genotype.About, variants []int, set *genotype.Set) []string {
	var kinds []string
	for _, a := range about {
		if !slices.Contains(kinds, a.Format) {
			kinds = append(kinds, a.Format)
		}
	}
	notes := []string{fmt.Sprintf("%s: %d variants in %d filesets (%s), %d persons.", name, len(set.Sites), len(about), strings.Join(kinds, ", "), len(set.People))}
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
	g.selected = g.set.All()
	if len(g.cfg.regions) > 0 || g.cfg.Bed != "" {
		bed := g.cfg.Bed
		if bed != "" {
			bed = c.resolve(bed)
		}
		if g.selected, err = g.set.Within(g.cfg.regions, bed, g.selected); err != nil {
			return nil, err
		}
		notes = append(notes, fmt.Sprintf("%d variants lie in the intervals.", len(g.selected)))
	}
	more, err := g.pick(c)
	if err != nil {
		return nil, err
	}
	notes = append(notes, more...)
	if err := g.name(g.set.Names()); err != nil {
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
		if first, ok := owner[n]; ok && first != v {
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
func (g *snps) selectNamed(st *data.Stats) error {
	want := make(map[string]bool, len(st.Names))
	for _, n := range st.Names {
		want[n] = true
	}
	all := g.set.Names()
	found := make(map[string]bool, len(want))
	for _, n := range all {
		if want[n] {
			found[n] = true
		}
	}
	for i, v := range g.set.Sites {
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

func (g *snps) people() (fid, iid []string) {
	n := len(g.set.People)
	iid = make([]string, n)
	families := false
	for i, p := range g.set.People {
		iid[i] = p.IID
		families = families || p.FID != ""
	}
	if !families {
		return nil, iid
	}
	fid = make([]string, n)
	for i, p := range g.set.People {
		fid[i] = p.FID
	}
	return fid, iid
}

func (g *snps) file() string {
	about, _ := g.set.Files()
	return about[0].PersonsPath
}

// bytes is as genotype.Packed says: two bits a hard call, and two bytes a dosage. A file that may have dosages is counted as if it had.
func (g *snps) bytes(rows int) int {
	dosed := 0
	for _, v := range g.selected {
		if g.set.Dosed(v) {
			dosed++
		}
	}
	return genotype.Bytes(rows, len(g.selected)-dosed, dosed)
}

func (g *snps) load(rows []int) error {
	var err error
	g.packed, err = genotype.Read(context.Background(), g.set, g.selected, rows, g.progress)
	return err
}

func (g *snps) present(k int) bool { return g.packed.Typed(k) > 0 }

// alleles returns the counted and the other allele of the k-th selected variant.
func (g *snps) alleles(k int) (counted, other string) {
	v := g.set.Sites[g.selected[k]]
	if g.alt[k] {
		return v.Alt, v.Ref
	}
	return v.Ref, v.Alt
}

// copies returns how many copies of the counted allele a hard call means; a missing one is NaN.
func copies(alt bool) [4]float64 {
	if alt {
		return [4]float64{0, 1, 2, genotype.Missing: math.NaN()}
	}
	return [4]float64{2, 1, 0, genotype.Missing: math.NaN()}
}

// fit computes allele frequencies on the training persons, drops what maf and max_missing refuse, and says how counts
// become features. Under 2pq, a variant that is monomorphic in training becomes 0.
func (g *snps) fit(train []int) (*data.Stats, []string, error) {
	st := &data.Stats{}
	var c snpCounts
	for k, n := range g.packed.Tallies(train) {
		total, missing := n.Total(), n.N[genotype.Missing]
		f := n.Frequency(g.alt[k])
		switch {
		case float64(missing) > *g.cfg.MaxMissing*float64(total):
			c.missing++
			continue
		case min(f, 1-f) < g.cfg.MAF:
			c.rare++
			continue
		case f == 0 || f == 1:
			c.mono++
		}
		if more(missing, total) {
			c.gappy++
		}
		center, scale := scaling(g.cfg.Standardize, f)
		fill := 2 * f
		if g.cfg.Impute == "mode" {
			fill = mode(n.N, copies(g.alt[k]))
		}
		appendFeature(st, g.names[k], center, scale, (fill-center)*scale)
		counted, other := g.alleles(k)
		st.Allele, st.Other = append(st.Allele, counted), append(st.Other, other)
	}
	if c.kept = len(st.Names); c.kept == 0 {
		return nil, nil, &data.Problem{Code: 210, File: g.path, What: "no variant is left", Expected: "at least one", Found: fmt.Sprintf("%d selected, %d below maf, %d above max_missing", len(g.names), c.rare, c.missing),
			Cause: "filters too strict for the cohort", Fix: "change select, maf or max_missing"}
	}
	return st, g.fitNotes(c, train), nil
}

// tolerated is the share of variants or genotypes beyond which a fault is worth a warning: 5 %, as GWAS quality control
// commonly has it.
const tolerated = 0.05

// more says whether n of all is more than what is tolerated.
func more(n, all int) bool { return float64(n) > tolerated*float64(all) }

// snpCounts count variants by what fitting found: dropped as missing or rare; of those kept, with one allele only, or with
// more of their genotypes missing than is tolerated.
type snpCounts struct{ missing, rare, kept, mono, gappy int }

func (g *snps) fitNotes(c snpCounts, train []int) []string {
	var notes []string
	note := func(n int, format string, a ...any) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf(format, append([]any{n}, a...)...))
		}
	}
	note(c.rare, "%d variants removed: minor allele frequency below %g among training persons.", g.cfg.MAF)
	note(c.missing, "%d variants removed: more than %g missing among training persons.", *g.cfg.MaxMissing)
	if more(c.mono, c.kept) {
		note(c.mono, "W211: %d of %d variants are monomorphic among training persons.", c.kept)
	}
	note(c.gappy, "W212: %d of %d variants have more than %g %% of their genotypes missing among training persons.", c.kept, 100*tolerated)
	gappy := 0
	for _, k := range train {
		if more(g.packed.Variants-g.packed.Typed(k), g.packed.Variants) {
			gappy++
		}
	}
	note(gappy, "W213: %d of %d training persons have more than %g %% of their genotypes missing.", len(train), 100*tolerated)
	return append(notes, fmt.Sprintf("%d variants pass.", c.kept))
}

// mode is the most common count, the lower of equals.
func mode(n [4]int, value [4]float64) float64 {
	best, most := 0.0, -1
	for _, want := range []float64{0, 1, 2} {
		for code, v := range value {
			if v == want && n[code] > most {
				best, most = want, n[code]
			}
		}
	}
	return best
}

func scaling(kind string, f float64) (center, scale float64) {
	switch kind {
	case "none":
		return 0, 1
	case "center":
		return 2 * f, 1
	}
	return 2 * f, inverse(math.Sqrt(2 * f * (1 - f)))
}

// table matches variants by name and counts the alleles that the statistics count, whichever is A1 here.
func (g *snps) table(st *data.Stats) (rowDecoder, error) {
	at := make(map[string]int, len(g.names))
	for j, n := range g.names {
		at[n] = j
	}
	columns, err := match(g.path, st, at)
	if err != nil {
		return nil, err
	}
	r := &snpRows{packed: g.packed, columns: columns, lines: make([]genotype.Line, len(columns)), places: make([]data.Place, len(columns))}
	for i, j := range columns {
		v := g.set.Sites[g.selected[j]]
		r.places[i] = data.Place{Chromosome: v.Chrom, Position: v.Pos}
		alt, err := g.orient(st, i, int(j))
		if err != nil {
			return nil, err
		}
		r.lines[i] = line(st.Center[i], st.Scale[i], st.Fill[i], alt)
	}
	return r, nil
}

// line says what the calls and dosages of ALT become, where alt says that it is the allele that is counted.
func line(center, scale, fill float64, alt bool) genotype.Line {
	l := genotype.Line{Center: center, Scale: scale}
	for code, v := range copies(alt) {
		l.Code[code] = float32((v - center) * scale)
	}
	l.Code[genotype.Missing] = float32(fill)
	if !alt { // ((2 - x) - center) scale
		l.Center, l.Scale = 2-center, -scale
	}
	return l
}

// orient says whether ALT is the allele that feature i counts; a variant with other alleles is E701.
func (g *snps) orient(st *data.Stats, i, j int) (bool, error) {
	v := g.set.Sites[g.selected[j]]
	if len(st.Allele) != len(st.Names) || len(st.Other) != len(st.Names) {
		return false, &data.Problem{Code: 701, File: g.path, What: "the checkpoint's features of this name are no variants", Expected: "a table or scores", Found: "filesets",
			Cause: "a section renamed since training", Fix: "name the sections as in training"}
	}
	fits := func(a, b string) bool { return a == b || a == genotype.Unseen || b == genotype.Unseen }
	counted, other := st.Allele[i], st.Other[i]
	switch {
	case v.Alt == counted && v.Ref == other:
		return true, nil
	case v.Ref == counted && v.Alt == other:
		return false, nil
	case v.Alt == other || v.Ref == counted:
		if fits(v.Ref, counted) && fits(v.Alt, other) {
			return false, nil
		}
	}
	if fits(v.Alt, counted) && fits(v.Ref, other) {
		return true, nil
	}
	bim, line := g.set.Where(g.selected[j])
	return false, &data.Problem{Code: 701, File: bim, Line: line, What: fmt.Sprintf("the variant %q has other alleles than in training", st.Names[i]),
		Expected: counted + " and " + other, Found: v.Alt + " and " + v.Ref, Cause: "another strand or genome build, or a multiallelic variant", Fix: "align the filesets to the same reference"}
}

// snpRows decodes genotypes.
type snpRows struct {
	packed  *genotype.Packed
	columns []int32
	lines   []genotype.Line
	places  []data.Place // of each column
}

func (r *snpRows) decode(k int, dst []float32) { r.packed.Decode(dst, k, r.columns, r.lines) }
