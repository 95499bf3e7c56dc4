package cohort

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/plink"
)

// snps is a source of genotypes.
type snps struct {
	cfg      *filesConfig
	path     string // of the first fileset
	set      *plink.Set
	selected []int // variants
	names    []string
	packed   *plink.Packed
}

func (c *config) openSNPs(s *section, st *data.Stats) (source, []string, error) {
	prefixes, err := c.expand(s.files.Files, s.name, false)
	if err != nil {
		return nil, nil, err
	}
	if len(prefixes) == 0 {
		return nil, nil, c.bad(s.name, "files", "files is empty", "at least one fileset", "none")
	}
	set, err := plink.Check(prefixes, c.faults)
	if err != nil {
		return nil, nil, err
	}
	g := &snps{cfg: s.files, set: set, path: strings.TrimSuffix(prefixes[0], ".bed") + ".bim"}
	notes := append(set.Notes, fmt.Sprintf("%s: %d variants in %d filesets, %d persons.", s.name, len(set.Variants), len(prefixes), len(set.Samples)))
	if st != nil {
		return g, notes, g.selectNamed(st)
	}
	more, err := g.choose(c)
	if len(set.Variants) == 0 && c.faults.Collects() { // taken
		return g, notes, nil
	}
	err = c.faults.Take(err)
	for _, n := range more {
		notes = append(notes, s.name+": "+n)
	}
	return g, notes, err
}

// choose applies select or extract.
func (g *snps) choose(c *config) ([]string, error) {
	var notes []string
	switch {
	case g.cfg.Extract != "":
		v, absent, err := g.set.Extract(c.resolve(g.cfg.Extract))
		if err != nil {
			return nil, err
		}
		g.selected = v
		if absent > 0 {
			notes = append(notes, fmt.Sprintf("W210: %d listed variants are not in the filesets.", absent))
		}
	default:
		g.selected = g.set.Every(max(1, g.cfg.Select.every), g.cfg.Select.restart)
	}
	if err := g.name(g.set.Names()); err != nil {
		return nil, err
	}
	other := 0
	for _, v := range g.selected {
		if !autosome(g.set.Variants[v].Chrom) {
			other++
		}
	}
	notes = append(notes, fmt.Sprintf("%d variants selected.", len(g.selected)))
	if other > 0 {
		notes = append(notes, fmt.Sprintf("W216: %d selected variants are not on autosomes; counts there depend on sex.", other))
	}
	return notes, nil
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
	found := fmt.Sprintf("also on line %d", line)
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
	for i, v := range g.set.Variants {
		if !found[all[i]] && len(found) < len(want) {
			if full := v.FullName(); want[full] && !found[full] {
				all[i] = full
			}
		}
		if want[all[i]] {
			g.selected = append(g.selected, i)
		}
	}
	return g.name(all)
}

func (g *snps) people() (fid, iid []string) {
	n := len(g.set.Samples)
	fid, iid = make([]string, n), make([]string, n)
	for i, s := range g.set.Samples {
		fid[i], iid[i] = s.FID, s.IID
	}
	return fid, iid
}

func (g *snps) file() string { return strings.TrimSuffix(g.path, ".bim") + ".fam" }

// bytes is as plink.Read says: two bits a genotype.
func (g *snps) bytes(rows int) int { return rows * ((len(g.selected) + 3) / 4) }

func (g *snps) load(rows []int) error {
	var err error
	g.packed, err = g.set.Read(g.selected, rows)
	return err
}

func (g *snps) present(k int) bool { return g.packed.Typed(k) > 0 }

// alleles returns the counted and the other allele of the k-th selected variant.
func (g *snps) alleles(k int) (counted, other string) {
	v := g.set.Variants[g.selected[k]]
	if g.cfg.Count == "a2" {
		return v.A2, v.A1
	}
	return v.A1, v.A2
}

// copies returns how many copies of the counted allele each code means; a missing one is NaN.
func copies(countA1 bool) [4]float64 {
	if countA1 {
		return [4]float64{plink.HomA1: 2, plink.Missing: math.NaN(), plink.Het: 1, plink.HomA2: 0}
	}
	return [4]float64{plink.HomA1: 0, plink.Missing: math.NaN(), plink.Het: 1, plink.HomA2: 2}
}

// fit computes allele frequencies on the training persons, drops what maf and max_missing refuse, and says how counts
// become features. Under 2pq, a variant that is monomorphic in training becomes 0.
func (g *snps) fit(train []int) (*data.Stats, []string, error) {
	st := &data.Stats{}
	var c snpCounts
	value := copies(g.cfg.Count == "a1")
	for k, n := range g.packed.Counts(train) {
		total := n[0] + n[1] + n[2] + n[3]
		f := frequency(n, value)
		switch {
		case float64(n[plink.Missing]) > *g.cfg.MaxMissing*float64(total):
			c.missing++
			continue
		case min(f, 1-f) < g.cfg.MAF:
			c.rare++
			continue
		case f == 0 || f == 1:
			c.mono++
		}
		if more(n[plink.Missing], total) {
			c.gappy++
		}
		center, scale := scaling(g.cfg.Standardize, f)
		fill := 2 * f
		if g.cfg.Impute == "mode" {
			fill = mode(n, value)
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

// frequency is of the counted allele; 0 where no genotype is known.
func frequency(n [4]int, value [4]float64) float64 {
	known := n[plink.HomA1] + n[plink.Het] + n[plink.HomA2]
	if known == 0 {
		return 0
	}
	sum := float64(n[plink.HomA1])*value[plink.HomA1] + float64(n[plink.Het]) + float64(n[plink.HomA2])*value[plink.HomA2]
	return sum / float64(2*known)
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
	r := &snpRows{packed: g.packed, columns: columns, lut: make([][4]float32, len(columns)), places: make([]data.Place, len(columns))}
	for i, j := range columns {
		v := g.set.Variants[g.selected[j]]
		r.places[i] = data.Place{Chromosome: v.Chrom, Position: v.Pos}
		countA1, err := g.orient(st, i, int(j))
		if err != nil {
			return nil, err
		}
		for code, v := range copies(countA1) {
			r.lut[i][code] = float32((v - st.Center[i]) * st.Scale[i])
		}
		r.lut[i][plink.Missing] = float32(st.Fill[i])
	}
	return r, nil
}

// unseen is plink's allele of a variant at which everybody has the other one.
const unseen = "0"

// orient says whether A1 is the allele that feature i counts; a variant with other alleles is E701.
func (g *snps) orient(st *data.Stats, i, j int) (bool, error) {
	v := g.set.Variants[g.selected[j]]
	if len(st.Allele) != len(st.Names) || len(st.Other) != len(st.Names) {
		return false, &data.Problem{Code: 701, File: g.path, What: "the checkpoint's features of this name are no variants", Expected: "a table or scores", Found: "filesets",
			Cause: "a section renamed since training", Fix: "name the sections as in training"}
	}
	fits := func(a, b string) bool { return a == b || a == unseen || b == unseen }
	counted, other := st.Allele[i], st.Other[i]
	switch {
	case v.A1 == counted && v.A2 == other:
		return true, nil
	case v.A2 == counted && v.A1 == other:
		return false, nil
	case v.A1 == other || v.A2 == counted:
		if fits(v.A2, counted) && fits(v.A1, other) {
			return false, nil
		}
	}
	if fits(v.A1, counted) && fits(v.A2, other) {
		return true, nil
	}
	bim, line := g.set.Where(g.selected[j])
	return false, &data.Problem{Code: 701, File: bim, Line: line, What: fmt.Sprintf("the variant %q has other alleles than in training", st.Names[i]),
		Expected: counted + " and " + other, Found: v.A1 + " and " + v.A2, Cause: "another strand or genome build, or a multiallelic variant", Fix: "align the filesets to the same reference"}
}

// snpRows decodes genotypes through one table of four values a variant.
type snpRows struct {
	packed  *plink.Packed
	columns []int32
	lut     [][4]float32
	places  []data.Place // of each column
}

func (r *snpRows) decode(k int, dst []float32) { r.packed.Decode(dst, k, r.columns, r.lut) }
