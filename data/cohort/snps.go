package cohort

import (
	"context"
	"fmt"
	"math"

	"contig-gpu/data"
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
	g.packed, err = genotype.Read(context.Background(), g.set, g.selected, rows, g.cfg.Dosages == inBytes, g.progress)
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
	return append(notes, fmt.Sprintf("%d variants are kept.", c.kept))
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
