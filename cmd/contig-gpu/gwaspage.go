package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/data/folder"
	"contig-gpu/data/genome"
	"contig-gpu/model/assoc"
)

// writeSummary writes summary.json.
func (g *gwas) writeSummary(dir string) error {
	g.rank()
	g.summarise()
	text, err := json.MarshalIndent(g.summary, "", "  ")
	if err != nil {
		return err
	}
	return folder.WriteFile(filepath.Join(dir, "summary.json"), 0o644, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err })
}

// writePage writes report.html.
func (g *gwas) writePage(w io.Writer) error {
	p := report.Association{Title: "contig-gpu gwas", Threshold: genomeWide, Traits: len(g.traits)}
	p.Summary = append(p.Summary, fmt.Sprintf("%d variants were tested with %d traits in %d persons; %d loci have P of at most %s. P is the smallest over the traits, times their number.", g.summary.Tested, len(g.traits), g.summary.Persons, len(g.clumps), strings.Replace(fmt.Sprintf("%g", g.o.clump.P1), "e-0", "e-", 1)))
	if slices.Contains(g.o.splits, "train") || slices.Contains(g.o.splits, "validation") {
		p.Caveat = "Persons whom the encoder was trained on, together with their genetics, are among those analysed: what is found is no evidence."
	}
	lengths := map[string]int{}
	var c, written string
	for v, site := range g.set.Sites {
		if v == 0 || site.Chrom != written {
			written, c = site.Chrom, g.chromosome(v)
		}
		lengths[c] = max(lengths[c], site.Pos)
		if !math.IsNaN(g.lead[v]) {
			p.Points = append(p.Points, report.GenomePoint{Chromosome: c, Position: site.Pos, Y: g.lead[v]})
		}
	}
	for c, n := range lengths {
		p.Axis = append(p.Axis, report.Chromosome{Name: c, Length: max(n, g.build.Length(c))})
	}
	slices.SortFunc(p.Axis, func(a, b report.Chromosome) int {
		if d := genome.Order(a.Name) - genome.Order(b.Name); d != 0 {
			return d
		}
		return map[bool]int{true: -1, false: 1}[a.Name < b.Name]
	})
	near, _, err := g.genes()
	if err != nil {
		return err
	}
	for _, c := range g.clumps {
		l := report.Locus{Chromosome: g.chromosome(c.Index), Position: g.set.Sites[c.Index].Pos, Name: g.uniqueID(c.Index), Y: g.lead[c.Index], Trait: g.traits[g.best[c.Index]], Variants: len(c.All) + 1, Input: g.isInput(c.Index) == "1"}
		if near != nil {
			if x, _, ok := near.Nearest(l.Chromosome, l.Position); ok {
				l.Gene = x.Name
			}
		}
		p.Loci = append(p.Loci, l)
	}
	p.QQs = g.qqsOf()
	return report.WriteAssociation(w, p)
}

// qqPoints is how many points of a QQ plot there are: more lie in the same pixel.
const qqPoints = 400

// qqsOf compares each trait with what is expected.
func (g *gwas) qqsOf() []report.QQ {
	var out []report.QQ
	var last *assoc.QQ
	for k, t := range g.summary.Traits {
		r := g.ranked[k]
		ranks := qqRanks(len(r))
		if len(ranks) == 0 {
			out = append(out, report.QQ{Name: t.Name, Lambda: math.NaN()})
			continue
		}
		last = r.QQ(ranks, last)
		out = append(out, report.QQ{Name: t.Name, Lambda: last.Lambda, Observed: last.Observed, Expected: last.Expected, Low: last.BandLow, High: last.BandHigh})
	}
	return out
}

// qqRanks are ranks of n values, evenly on the axis of logarithms.
func qqRanks(n int) []int {
	var ranks []int
	for i, last := 0, 0; i <= qqPoints && n > 0; i++ {
		if r := int(math.Round(math.Pow(float64(n), float64(i)/qqPoints))); r > last {
			ranks, last = append(ranks, r), r
		}
	}
	return ranks
}
