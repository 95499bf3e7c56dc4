package main

import (
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"contig-gpu/data/genome"
	"contig-gpu/model/assoc"
)

// files are the tables that are written while the variants are tested. Alleles: ALT is the effect allele everywhere.
func (g *gwas) files(dir string) []*gwasFile {
	list := []*gwasFile{{path: filepath.Join(dir, "assoc.tsv.gz"), head: g.assocHead(), line: g.assocLine}}
	if slices.Contains(g.o.tables, "fuma") {
		list = append(list, &gwasFile{path: filepath.Join(dir, "fuma.tsv.gz"), head: "CHROM\tPOS\tSNP\tA1\tA2\tP\tN", line: g.fumaLine})
	}
	if slices.Contains(g.o.tables, "locuszoom") {
		list = append(list, &gwasFile{path: filepath.Join(dir, "locuszoom.tsv.gz"), head: "chrom\tpos\tref\talt\tneg_log_pvalue\talt_allele_freq", line: g.zoomLine})
	}
	for k, t := range g.traits {
		if slices.Contains(g.o.tables, "ssf") {
			list = append(list, &gwasFile{path: filepath.Join(dir, "ssf."+t+".tsv.gz"),
				head: "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\tstandard_error\teffect_allele_frequency\tneg_log_10_p_value\trsid\tn",
				line: func(dst []byte, v int, r []assoc.Result) []byte { return g.ssfLine(dst, v, r[k]) }})
		}
	}
	return list
}

func (g *gwas) assocHead() string {
	head := "chrom\tpos\tid\teffect_allele\tother_allele\teaf\tn"
	for _, t := range g.traits {
		head += "\tbeta_" + t + "\tse_" + t + "\tneglog10p_" + t
	}
	return head + "\tneglog10p_min\tfeature_min\tmodel_input"
}

// assocLine: neglog10p_min is of the smallest P times the number of traits.
func (g *gwas) assocLine(dst []byte, v int, r []assoc.Result) []byte {
	site := g.set.Sites[v]
	dst = append(append(dst, g.chromosome(v)...), '\t')
	dst = append(strconv.AppendInt(dst, int64(site.Pos), 10), '\t')
	dst = append(append(dst, orDot(site.ID)...), '\t')
	dst = append(append(dst, site.Alt...), '\t')
	dst = append(append(dst, site.Ref...), '\t')
	dst = append(appendValue(dst, r[0].Frequency), '\t')
	dst = strconv.AppendInt(dst, int64(r[0].N), 10)
	for _, x := range r {
		dst = appendValue(append(dst, '\t'), x.Beta)
		dst = appendValue(append(dst, '\t'), x.SE)
		dst = appendValue(append(dst, '\t'), x.NegLog10P)
	}
	dst = appendValue(append(dst, '\t'), g.lead[v])
	dst = append(dst, '\t')
	if g.best[v] < 0 {
		dst = append(dst, "NA"...)
	} else {
		dst = append(dst, g.traits[g.best[v]]...)
	}
	return append(append(append(dst, '\t'), g.isInput(v)...), '\n')
}

func orDot(id string) string {
	if id == "" {
		return "."
	}
	return id
}

// isInput says whether the encoder was trained with the variant: its feature is named by the id, or by the full name.
func (g *gwas) isInput(v int) string {
	site := g.set.Sites[v]
	switch {
	case !g.known:
		return "NA"
	case g.inputs[site.ID] || g.inputs[site.FullName()]:
		return "1"
	}
	return "0"
}

// smallestText is the least P that programs read as more than 0.
const smallestText = 300

// fumaLine: P of 1e-300 stands for all below, which would be read as 0; variants without P are left out.
func (g *gwas) fumaLine(dst []byte, v int, r []assoc.Result) []byte {
	if math.IsNaN(g.lead[v]) {
		return dst
	}
	site := g.set.Sites[v]
	dst = append(append(dst, g.chromosome(v)...), '\t')
	dst = append(strconv.AppendInt(dst, int64(site.Pos), 10), '\t')
	dst = append(append(append(dst, g.uniqueID(v)...), '\t'), site.Alt...)
	dst = append(append(append(dst, '\t'), site.Ref...), '\t')
	dst = append(strconv.AppendFloat(dst, math.Pow(10, -min(g.lead[v], smallestText)), 'g', assocDigits, 64), '\t')
	return append(strconv.AppendInt(dst, int64(r[0].N), 10), '\n')
}

// uniqueID is the id, or the full name where it is absent or not unique.
func (g *gwas) uniqueID(v int) string { return g.ids[v] }

func (g *gwas) zoomLine(dst []byte, v int, r []assoc.Result) []byte {
	if math.IsNaN(g.lead[v]) {
		return dst
	}
	site := g.set.Sites[v]
	dst = append(append(dst, g.chromosome(v)...), '\t')
	dst = append(strconv.AppendInt(dst, int64(site.Pos), 10), '\t')
	dst = append(append(append(dst, site.Ref...), '\t'), site.Alt...)
	dst = appendValue(append(dst, '\t'), g.lead[v])
	return append(appendValue(append(dst, '\t'), r[0].Frequency), '\n')
}

// ssfLine is a row of GWAS-SSF (GWAS Catalog, 2023): chromosomes are numbers, X 23, Y 24 and MT 25.
func (g *gwas) ssfLine(dst []byte, v int, r assoc.Result) []byte {
	site, c := g.set.Sites[v], g.chromosome(v)
	if n := map[string]string{"X": "23", "XY": "23", "Y": "24", "MT": "25"}[c]; n != "" {
		c = n
	}
	dst = append(append(dst, c...), '\t')
	dst = append(strconv.AppendInt(dst, int64(site.Pos), 10), '\t')
	dst = append(append(append(dst, site.Alt...), '\t'), site.Ref...)
	for _, x := range []float64{r.Beta, r.SE, r.Frequency, r.NegLog10P} {
		if dst = append(dst, '\t'); math.IsNaN(x) {
			dst = append(dst, "#NA"...)
		} else {
			dst = appendValue(dst, x)
		}
	}
	dst = append(append(dst, '\t'), orDot(site.ID)...)
	return append(strconv.AppendInt(append(dst, '\t'), int64(r.N), 10), '\n')
}

// buildOfGenes is that of the table in the program.
const buildOfGenes = genome.GRCh38
