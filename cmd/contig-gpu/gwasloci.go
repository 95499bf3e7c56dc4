package main

import (
	"cmp"
	"context"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"contig-gpu/data/folder"
	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
	"contig-gpu/model/assoc"
)

// placesOf numbers chromosomes and says how often they are there.
func placesOf(sites []genotype.Variant) []assoc.Place {
	number, out := map[string]int{}, make([]assoc.Place, len(sites))
	named := map[string]string{}
	for v, s := range sites {
		c, ok := named[s.Chrom]
		if !ok {
			c = genome.Chromosome(s.Chrom)
			named[s.Chrom] = c
		}
		k, ok := number[c]
		if !ok {
			k = len(number)
			number[c] = k
		}
		out[v] = assoc.Place{Chromosome: k, Position: s.Pos}
		switch c {
		case "X":
			out[v].Ploidy = assoc.XLinked
		case "Y":
			out[v].Ploidy = assoc.YLinked
		case "MT":
			out[v].Ploidy = assoc.Haploid
		}
	}
	return out
}

// founders are whose linkage disequilibrium counts, as in plink: all of the fileset who have no parents named.
func founders(people []genotype.Person) assoc.Population {
	var p assoc.Population
	for i, x := range people {
		if x.Founder {
			p.Persons, p.Male = append(p.Persons, i), append(p.Male, x.Sex == 1)
		}
	}
	return p
}

// geneMargin is how far from a locus genes still count as its own, in base pairs.
const geneMargin = 10000

// loci makes clumps and writes loci.tsv.
func (g *gwas) loci(ctx context.Context, dir string) error {
	var err error
	if g.clumps, err = assoc.Clumps(ctx, g.set, founders(g.set.People), placesOf(g.set.Sites), g.lead, g.o.clump); err != nil {
		return err
	}
	g.summary.Loci = len(g.clumps)
	near, source, err := g.genes()
	if err != nil {
		return err
	}
	lines := [][]string{{"locus", "chrom", "pos", "id", "effect_allele", "other_allele", "feature_min", "neglog10p_min", "start", "end", "total", "members", "nearest_gene", "distance", "genes", "hla", "model_input", "genes_from"}}
	for i, c := range g.clumps {
		lines = append(lines, g.locus(i, c, near, source))
	}
	return folder.WriteFile(filepath.Join(dir, "loci.tsv"), 0o644, func(w io.Writer) error { return writeFields(w, lines) })
}

// genes are those of --genes, or the program's own where the genotypes are of their build, or nothing.
func (g *gwas) genes() (*genome.Neighbourhood, string, error) {
	if g.near != nil || g.noGenes {
		return g.near, g.source, nil
	}
	var err error
	g.near, g.source, err = g.readGenes()
	g.noGenes = g.near == nil
	return g.near, g.source, err
}

func (g *gwas) readGenes() (*genome.Neighbourhood, string, error) {
	if g.o.genes != "" {
		list, err := genome.ReadGenes(g.o.genes)
		return genome.NewNeighbourhood(list), filepath.Base(g.o.genes), err
	}
	if g.build == buildOfGenes {
		return genome.NewNeighbourhood(genome.Builtin()), genome.BuiltinVersion, nil
	}
	return nil, "NA", g.say("W954: loci have no genes: the program's own are of %s, and the genotypes are of %s. --genes names a table of their build, --build says which it is.", buildOfGenes, g.build)
}

func (g *gwas) locus(i int, c assoc.Clump, near *genome.Neighbourhood, source string) []string {
	site, v := g.set.Sites[c.Index], c.Index
	from, to := site.Pos, site.Pos
	var members []string
	for _, m := range c.All {
		from, to = min(from, g.set.Sites[m].Pos), max(to, g.set.Sites[m].Pos)
	}
	for _, m := range c.Members {
		members = append(members, g.uniqueID(m))
	}
	nearest, distance, genes := "NA", "NA", "NA"
	if near != nil {
		if x, d, ok := near.Nearest(g.chromosome(v), site.Pos); ok {
			nearest, distance = x.Name, strconv.Itoa(d)
		}
		var names []string
		for _, x := range near.Overlapping(g.chromosome(v), from-geneMargin, to+geneMargin) {
			names = append(names, x.Name)
		}
		genes = cmp.Or(strings.Join(names, ","), "NA")
	}
	hla := "0"
	if g.chromosome(v) == "6" && to >= 25e6 && from <= 34e6 {
		hla = "1"
	}
	return []string{strconv.Itoa(i + 1), g.chromosome(v), strconv.Itoa(site.Pos), g.uniqueID(v), site.Alt, site.Ref, g.traits[g.best[v]], string(appendValue(nil, g.lead[v])), strconv.Itoa(from), strconv.Itoa(to),
		strconv.Itoa(len(c.All)), cmp.Or(strings.Join(members, ","), "NA"), nearest, distance, genes, hla, g.isInput(v), source}
}

// A gwasSummary is summary.json. It names nobody.
type gwasSummary struct {
	Lambda  jsonNumber         `json:"lambda"` // the median of those of the traits
	Tested  int                `json:"tested"` // variants with at least one P
	Loci    int                `json:"loci"`
	Persons int                `json:"persons"`
	Rank    int                `json:"covariate_rank"` // with the constant
	Build   string             `json:"build"`
	Traits  []traitSummary     `json:"traits"`
	Dropped map[string]int     `json:"left_out"`
	Version string             `json:"version"`
	Clump   assoc.ClumpOptions `json:"clump"`
}

type traitSummary struct {
	Name        string     `json:"name"`
	Lambda      jsonNumber `json:"lambda"`
	PlinkLambda jsonNumber `json:"lambda_of_plink"` // the median by 0.456, at least 1
	Variance    jsonNumber `json:"share_of_variance"`
	Below       int        `json:"below_5e_8"` // variants, not corrected for the number of traits
}

// A jsonNumber is null where it is not defined.
type jsonNumber float64

// MarshalJSON writes null for NaN and infinities, which JSON does not have.
func (n jsonNumber) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(n), 'g', -1, 64), nil
}

// rank sorts the P of each trait.
func (g *gwas) rank() {
	g.ranked = make([]assoc.Ranking[float32], len(g.raw))
	next := make(chan int, len(g.raw))
	for k := range g.raw {
		next <- k
	}
	close(next)
	var wg sync.WaitGroup
	for range g.cpu.Threads() {
		wg.Go(func() {
			for k := range next {
				g.ranked[k] = assoc.Rank(g.raw[k])
			}
		})
	}
	wg.Wait()
}

// summarise fills in what the scan found.
func (g *gwas) summarise() {
	for _, p := range g.lead {
		if !math.IsNaN(p) {
			g.summary.Tested++
		}
	}
	g.summary.Build, g.summary.Version, g.summary.Clump = string(g.build), version+revision(), g.o.clump
	var lambdas []float64
	for k, t := range g.traits {
		r := g.ranked[k]
		s := traitSummary{Name: t, Variance: jsonNumber(math.NaN()), Lambda: jsonNumber(r.Lambda()), PlinkLambda: jsonNumber(r.PlinkLambda())}
		for i := len(r) - 1; i >= 0 && r[i] >= genomeWide; i-- {
			s.Below++
		}
		if g.pca != nil {
			s.Variance = jsonNumber(g.pca.Ratio[k])
		}
		if !math.IsNaN(float64(s.Lambda)) {
			lambdas = append(lambdas, float64(s.Lambda))
		}
		g.summary.Traits = append(g.summary.Traits, s)
	}
	g.summary.Lambda = jsonNumber(math.NaN())
	if n := len(lambdas); n > 0 {
		slices.Sort(lambdas)
		g.summary.Lambda = jsonNumber((lambdas[(n-1)/2] + lambdas[n/2]) / 2)
	}
}

// genomeWide is -log10 of 5e-8.
const genomeWide = 7.30103
