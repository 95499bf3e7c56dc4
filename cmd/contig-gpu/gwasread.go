package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/covariate"
	rowsof "contig-gpu/data/embedded"
	"contig-gpu/data/genome"
	"contig-gpu/data/genotype"
	"contig-gpu/data/input"
	"contig-gpu/gpu"
	"contig-gpu/model/assoc"
	"contig-gpu/model/checkpoint"

	"github.com/urfave/cli/v2"
)

// Numbers of docs/errors.md that belong to gwas.
const (
	codeNoJoin   = 950 // nobody has features, genotypes and covariates
	codeTooFew   = 951 // more covariates than persons
	codeConstant = 952 // features that do not vary enough
	codeEyes     = 954 // no eyes to compare
)

// A gwas is one call of the verb.
type gwas struct {
	c           *cli.Context
	o           gwasOptions
	cpu, device *gpu.Device

	set     *genotype.Set
	ids     []string // of variants, unique
	build   genome.Build
	rows    *rowsof.Rows
	persons []gwasPerson // who is analysed
	table   *covariate.Table
	design  [][]float64 // covariates, by column and person
	names   []string    // of the columns of design
	inputs  map[string]bool
	known   bool // whether inputs are known

	pca     *assoc.PCA
	traits  []string
	values  [][]float64 // by trait and person, as tested
	scan    *assoc.Scan
	summary gwasSummary

	lead   []float64   // by variant: -log10 of the smallest P over traits times their number
	best   []int32     // by variant: the trait of that P, -1 where nothing is defined
	raw    [][]float32 // by trait and variant: -log10 P
	ranked []assoc.Ranking[float32]

	packers []gwasPacker // by thread
	clumps  []assoc.Clump

	near    *genome.Neighbourhood
	noGenes bool
	source  string // of the genes
}

// A gwasPerson is where a person is found.
type gwasPerson struct{ features, genotypes, covariates int }

func (g *gwas) say(format string, a ...any) error {
	_, err := fmt.Fprintf(g.c.App.Writer, format+"\n", a...)
	return err
}

// read opens everything and joins it by id.
func (g *gwas) read() error {
	var err error
	if g.rows, err = rowsof.Persons(g.o.features); err != nil {
		return err
	}
	if g.set, err = openGenotypes(g.c); err != nil {
		return err
	}
	g.ids = g.set.Names(g.set.All())
	if g.o.covariates != "" {
		if g.table, err = covariate.Read(g.o.covariates, g.o.categorical); err != nil {
			return err
		}
	}
	if g.build = g.o.build; g.build == genome.Unknown {
		g.build = genome.Detect(placesIn(g.set))
	}
	if err := g.say("genome build: %s", buildText(g.build)); err != nil {
		return err
	}
	if err := g.join(); err != nil {
		return err
	}
	return g.modelInputs()
}

func placesIn(set *genotype.Set) []data.Place {
	out := make([]data.Place, 0, len(set.Sites))
	for _, v := range set.Sites {
		out = append(out, data.Place{Chromosome: v.Chrom, Position: v.Pos})
	}
	return out
}

// join finds who has features, genotypes and covariates, by id, and is in a split that is asked for. Persons are in the order of the genotypes.
func (g *gwas) join() error {
	rowOf := map[string]int{}
	left := map[string]int{}
	for i, id := range g.rows.IDs {
		if slices.Contains(g.o.splits, g.rows.Splits[i]) {
			rowOf[id] = i
		} else {
			left[g.rows.Splits[i]]++
		}
	}
	absent, err := g.absent()
	if err != nil {
		return err
	}
	covariates := map[string]int{}
	if g.table != nil {
		for i, id := range g.table.IDs {
			covariates[id] = i
		}
	}
	without, twice := 0, map[string]bool{}
	for i, p := range g.set.Persons() {
		row, ok := rowOf[p.IID]
		if !ok || absent[row] {
			continue
		}
		if twice[p.IID] {
			return &data.Problem{Code: 120, File: personsPath(g.set), What: fmt.Sprintf("the id %q is there twice", p.IID), Expected: "one row a person", Found: "two families",
				Cause: "files merged together", Fix: "keep one of them"}
		}
		twice[p.IID] = true
		at := -1
		if g.table != nil {
			if at, ok = covariates[p.IID]; !ok {
				without++
				continue
			}
		}
		g.persons = append(g.persons, gwasPerson{row, i, at})
	}
	g.summary.Dropped = map[string]int{"other splits": len(g.rows.IDs) - len(rowOf), "without features": len(absent), "without genotypes": len(rowOf) - len(absent) - len(g.persons) - without, "without covariates": without}
	return g.joined(rowOf, left)
}

// absent are the rows of whom there are no features.
func (g *gwas) absent() (map[int]bool, error) {
	m, err := g.rows.Open(rowsof.Features)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	gaps, err := m.Gaps()
	if err != nil {
		return nil, err
	}
	out := map[int]bool{}
	for _, i := range append(gaps.Absent, gaps.Partly...) {
		if slices.Contains(g.o.splits, g.rows.Splits[i]) {
			out[i] = true
		}
	}
	if len(gaps.Constant) == m.Width {
		return nil, &data.Problem{Code: codeConstant, File: g.o.features, What: "no feature varies", Expected: "features that tell persons apart", Found: fmt.Sprintf("%d features of one value each", m.Width),
			Cause: "an encoder that has collapsed, or a matrix of zeros", Fix: "look at the training, or write the features again"}
	}
	return out, nil
}

// joined says who is analysed, and refuses where that is nobody or too few.
func (g *gwas) joined(rowOf map[string]int, left map[string]int) error {
	d := g.summary.Dropped
	if err := g.say("%d persons are analysed; left out: %d of other splits, %d without features, %d without genotypes, %d without a row of covariates", len(g.persons), d["other splits"], d["without features"],
		d["without genotypes"], d["without covariates"]); err != nil {
		return err
	}
	if len(g.persons) > 0 {
		return g.enough()
	}
	p := &data.Problem{Code: codeNoJoin, File: personsPath(g.set), What: "nobody has features, genotypes and covariates", Expected: "ids of the features that are IIDs of the genotypes, and in the covariates",
		Cause: "genotypes or covariates of another application, or ids written otherwise", Fix: "give files with the ids of the features"}
	switch {
	case len(rowOf) == 0:
		p.File, p.What, p.Expected = g.rows.Path, "nobody is of a split that is asked for", strings.Join(g.o.splits, ", ")
		for s, n := range left {
			p.Found += fmt.Sprintf("%d of %s ", n, s)
		}
		p.Cause, p.Fix = "features of the persons that the encoder was trained on alone", "embed held-out persons; --split says which are analysed"
	case d["without covariates"] > 0:
		p.File, p.Found = g.o.covariates, fmt.Sprintf("%d persons with features and genotypes, none with covariates", d["without covariates"])
	default:
		p.Found = fmt.Sprintf("%d persons with features, such as %.40q; genotypes such as %.40q", len(rowOf), g.rows.IDs[0], firstID(g.set))
	}
	return p
}

func firstID(set *genotype.Set) string {
	if len(set.People) == 0 {
		return ""
	}
	return set.People[0].IID
}

// enough makes the design, and refuses where it leaves nothing to test.
func (g *gwas) enough() error {
	rows := make([]int, len(g.persons))
	for i, p := range g.persons {
		rows[i] = p.covariates
	}
	if g.table != nil {
		g.design, g.names = g.table.Design(rows)
	}
	complete := 0
	for i := range g.persons {
		if !slices.ContainsFunc(g.design, func(c []float64) bool { return math.IsNaN(c[i]) }) {
			complete++
		}
	}
	if g.summary.Persons = complete; complete > len(g.design)+2 {
		return nil
	}
	return &data.Problem{Code: codeTooFew, File: g.o.covariates, What: "there are too few persons for the covariates", Expected: fmt.Sprintf("more than %d persons for %d columns of covariates", len(g.design)+2, len(g.design)),
		Found: fmt.Sprintf("%d persons, of whom %d have all covariates", len(g.persons), complete), Cause: "a small split, a column that hardly anybody has, or a category for each person", Fix: "take columns out of the covariates, or analyse more persons"}
}

// modelInputs finds the names of the genetic features that the encoder was trained with.
func (g *gwas) modelInputs() error {
	path := g.o.checkpoint
	if path == "" {
		text, err := input.Read(filepath.Join(g.o.features, "embedding.json"), 1<<20)
		var about aboutEmbedding
		if err != nil || json.Unmarshal(text, &about) != nil || about.Checkpoint == "" {
			return g.say("W951: it is not known which variants the encoder was trained with: the folder of features names no checkpoint; --checkpoint says which.")
		}
		if path = about.Checkpoint; !exists(path) {
			return g.say("W951: it is not known which variants the encoder was trained with: the checkpoint that the features name is not there; --checkpoint says which.")
		}
	}
	m, err := checkpoint.ReadHeader(path)
	if err != nil {
		return err
	}
	g.inputs, g.known = map[string]bool{}, true
	for _, s := range m.Stats {
		for _, n := range s.Names {
			g.inputs[n] = true
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
