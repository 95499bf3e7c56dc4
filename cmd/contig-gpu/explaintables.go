package main

import (
	"context"
	"fmt"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/genome"
	"contig-gpu/model/explain/claims"
	"contig-gpu/model/explain/decoys"
	"contig-gpu/model/explain/heldout"
	"contig-gpu/model/explain/rank"
)

// A found is what is known of a modality when its persons are explained.
type found struct {
	places   []data.Place // of features; nil: they have none
	build    genome.Build
	traits   []string // of features, "" where not known; nil: there is no table
	units    []claims.Unit
	grouping string   // what the units are, one of them: gene, trait, window, block, feature
	unitOf   []string // of each feature

	features  []rank.Feature
	groups    []rank.Group         // by unit
	whole     *claims.Increase     // of the modality as one unit; nil: nothing was tested
	test      *heldout.Result      // of features
	groupTest *heldout.Result      // of units; test's where every feature is one
	decoys    *decoys.Modality     // nil: there are none
	gaps      map[string][]float64 // by method, of persons
	agreement [][]float64          // of methods
	stability *stability           // nil: it was not measured
	notes     []string
}

// readTables reads the tables of genes, names and strata, before anything is computed.
func (e *explanation) readTables() (err error) {
	var genes []genome.Gene
	var names map[string]string
	if e.set.Genes != "" {
		if genes, err = genome.ReadGenes(e.set.Genes); err != nil {
			return err
		}
	}
	if e.set.Names != "" {
		if names, err = genome.ReadNames(e.set.Names); err != nil {
			return err
		}
	}
	if err := e.readStrata(); err != nil {
		return err
	}
	inGenes, named := 0, 0
	for _, p := range e.parts {
		p.locate(genome.Build(e.set.Build), e.note)
		inGenes += p.within(genes)
		named += p.called(names)
	}
	if genes != nil && inGenes == 0 {
		e.note("W901: no feature lies in one of the %d intervals of --genes; is it of the same genome build?", len(genes))
	} else if genes != nil {
		e.note("%d features lie in the intervals of --genes.", inGenes)
	}
	if names != nil && named == 0 {
		e.note("W902: no feature stands in the table of --names; are the names those of the table or score file?")
	} else if names != nil {
		e.note("%d features have a name in --names.", named)
	}
	return nil
}

// locate finds where features lie, and the build.
func (p *part) locate(stated genome.Build, note func(string, ...any)) {
	if p.places = data.PlacesOf(p.table); p.places == nil {
		return
	}
	if p.build = stated; stated == "auto" {
		p.build = genome.Detect(p.places)
		return
	}
	if n := stated.Beyond(p.places); n > 0 {
		note("W903: %s: %d positions lie beyond the end of their chromosome in %s.", p.name, n, stated)
	}
}

// within groups features by gene, and returns how many lie in one.
func (p *part) within(genes []genome.Gene) int {
	if genes == nil || p.places == nil {
		return 0
	}
	of := genome.Within(genes, p.places)
	n := 0
	for _, g := range of {
		if g != "" {
			n++
		}
	}
	if n > 0 {
		p.groupBy("gene", of)
	}
	return n
}

// called names features by a table, groups them by trait where they have no place, and returns how many it names.
func (p *part) called(names map[string]string) int {
	if names == nil {
		return 0
	}
	n := 0
	of := make([]string, len(p.names()))
	for i, f := range p.names() {
		if of[i] = names[f]; of[i] != "" {
			n++
		}
	}
	if n > 0 {
		p.traits = of
		if p.places == nil {
			p.groupBy("trait", of)
		}
	}
	return n
}

func (p *part) names() []string { return p.table.Stats().Names }

// groupBy makes units of features that are of the same name; one without is a unit of its own.
func (p *part) groupBy(kind string, of []string) {
	p.grouping, p.units = kind, nil
	at := map[string]int{}
	for i, g := range of {
		name := g
		if g == "" {
			name = p.names()[i]
		}
		k, ok := at[g]
		if g == "" || !ok {
			k = len(p.units)
			p.units = append(p.units, claims.Unit{Name: name})
			if g != "" {
				at[g] = k
			}
		}
		p.units[k].Features = append(p.units[k].Features, i)
	}
}

// group makes units of what has none yet: windows or blocks where features have places, else each feature.
func (p *part) group(window int, training []int) error {
	if p.units == nil {
		var err error
		switch {
		case p.places == nil:
			p.grouping, p.units = "feature", claims.Single(p.names())
		case window > 0:
			p.grouping, p.units = "window", claims.Windows(p.names(), p.claimPlaces(), window)
		default:
			p.grouping = "block"
			p.units, err = claims.LDBlocks(p.names(), p.claimPlaces(), func(features []int) ([][]float32, error) { return heldout.Columns(p.table, training, features), nil })
		}
		if err != nil {
			return err
		}
	}
	p.unitOf = make([]string, len(p.names()))
	for _, u := range p.units {
		for _, f := range u.Features {
			p.unitOf[f] = u.Name
		}
	}
	return nil
}

func (p *part) claimPlaces() []claims.Place {
	out := make([]claims.Place, len(p.places))
	for i, x := range p.places {
		out[i] = claims.Place{Chromosome: genome.Chromosome(x.Chromosome), Position: x.Position}
	}
	return out
}

// sum reads the finished attributions of a modality and fills its tables.
func (e *explanation) sum(ctx context.Context, i int) error {
	p := e.parts[i]
	if err := p.group(e.set.Window, p.training(e)); err != nil {
		return err
	}
	width := len(p.names())
	p.gaps = map[string][]float64{}
	var meanAbs [][]float64
	for k, m := range e.set.methods {
		acc, x := rank.New(width, 0, e.set.Seed), make([]float32, width)
		if k > 0 {
			acc = rank.New(width, 1, e.set.Seed) // only the means are wanted
		}
		err := e.work.each(i, p.files(), width, m, func(r *record) error {
			if m.Complete() {
				p.gaps[m.String()] = append(p.gaps[m.String()], r.gap())
			}
			p.table.Row(r.person, x)
			return acc.Add([]int{r.person}, r.a, x)
		})
		if err != nil {
			return err
		}
		if k == 0 {
			p.features, p.groups = acc.Table(), acc.Groups(p.units)
		}
		meanAbs = append(meanAbs, acc.MeanAbs())
	}
	p.agreement = make([][]float64, len(meanAbs))
	for a := range meanAbs {
		for b := range meanAbs {
			p.agreement[a] = append(p.agreement[a], rank.Spearman(meanAbs[a], meanAbs[b]))
		}
	}
	return e.measureStability(ctx, p)
}

// training returns training persons who have the modality, in whom correlations are measured.
func (p *part) training(e *explanation) []int {
	var out []int
	for i, x := range e.cohort.Persons {
		if x.Split == data.Train && p.table.Has(i) {
			out = append(out, i)
		}
	}
	return out[:min(len(out), correlationPersons)]
}

// correlationPersons is how many persons correlations are measured in: their standard error is then 0.02 or so, and fits to a thousand features have persons enough.
const correlationPersons = 2048

// readStrata reads --strata: a stratum for everybody who is explained.
func (e *explanation) readStrata() error {
	if e.set.Strata == "" {
		return nil
	}
	rows, err := e.keyed(e.set.Strata, "--strata", 2)
	if err != nil {
		return err
	}
	number := map[string]int{}
	e.strata = map[int]int{}
	for _, p := range e.persons {
		f, ok := rows[p]
		if !ok {
			return &data.Problem{Code: codeStrangers, File: e.set.Strata, What: "--strata lacks a person who is explained", Expected: fmt.Sprintf("all %d persons", len(e.persons)),
				Found: fmt.Sprintf("%d persons, not %q", len(rows), e.cohort.Persons[p].ID), Cause: "a table of others", Fix: "give every person a stratum"}
		}
		if _, ok := number[f[1]]; !ok {
			number[f[1]] = len(number)
		}
		e.strata[p] = number[f[1]]
	}
	e.note("strata: %d; values are exchanged within them.", len(number))
	return nil
}

// tested reports whether those explained are held out: neither trained on, nor used to choose the checkpoint.
func (e *explanation) tested() bool {
	return !slices.ContainsFunc(e.persons, func(p int) bool { return e.cohort.Persons[p].Split != data.Test })
}

// discoveries lists the units or features with q at most fdr.
func discoveries(r *heldout.Result) int {
	if r == nil {
		return 0
	}
	return len(r.Claimed)
}
