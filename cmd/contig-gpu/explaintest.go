package main

import (
	"context"
	"fmt"
	"slices"

	"contig-gpu/model/explain"
	"contig-gpu/model/explain/claims"
	"contig-gpu/model/explain/heldout"
)

// The null hypotheses of the held-out test, which are named beside every q-value.
const (
	nullUses = "Null hypothesis of p and q: exchanging the feature's values between persons does not raise the expected loss of new persons, that is, this network does not use the feature. " +
		"Held-out persons, paired one-sided t-test, Benjamini-Hochberg over the features of this modality; where features are grouped, a feature's q is at least its group's, and every q is at least the p of the modality as a whole times the number of modalities. It says nothing about causes; a variant may carry the name of one that it is in linkage disequilibrium with."
	nullAdds = " Where units are correlated with others, only what the others do not predict is exchanged: their null is that they add nothing to all other features."
)

// test tests the features of a modality, and its groups, in held-out persons.
func (e *explanation) test(ctx context.Context, p *part) error {
	if e.set.Test == testNone {
		return nil
	}
	if !e.tested() {
		p.notes = append(p.notes, "No p- and q-values: they are of held-out persons (--persons test), and some of these were trained on or chose the checkpoint.")
		return nil
	}
	whole, err := heldout.Whole(e.heldout(p), p.embeddings())
	if err != nil {
		return err
	}
	p.whole = &whole
	if p.groupTest, err = e.testUnits(ctx, p, p.units, "groups"); err != nil {
		return err
	}
	least := p.leastQ(len(e.parts))
	p.groupTest.AtLeast(least, e.set.FDR)
	switch {
	case p.grouping == "feature":
		p.test = p.groupTest
	case featuresTested(e.set.Test, p.grouping, len(p.names())):
		if p.test, err = e.testUnits(ctx, p, claims.Single(p.names()), "features"); err != nil {
			return err
		}
		p.test.AtLeast(least, e.set.FDR)
		p.test.Within(p.units, p.groupTest, e.set.FDR)
	case e.set.Test == testAuto:
		p.notes = append(p.notes, fmt.Sprintf("The %d groups are tested, not each of the %d features: these are more than %d (--test all tests them, which takes as much longer).", len(p.units), len(p.names()), autoFeatures))
	}
	if least > e.set.FDR {
		p.notes = append(p.notes, fmt.Sprintf("Exchanging all of it between held-out persons does not measurably raise the loss (p = %.2g, of %d modalities): nothing of it is a discovery.", p.whole.P, len(e.parts)))
	}
	if p.note(p.test); p.test == nil {
		p.note(p.groupTest)
	}
	return nil
}

// leastQ is the least q that a unit of the modality can have, of so many modalities: where the network does not use the modality, what its units seem to do is chance. The
// p of a modality as a whole, after Bonferroni.
func (p *part) leastQ(modalities int) float64 {
	if v := p.whole.P * float64(modalities); v < 1 {
		return v
	}
	return 1 // also where it could not be tested
}

// embeddings are those of the persons' genetics.
func (p *part) embeddings() [][]float32 {
	var out [][]float32
	for _, i := range p.persons {
		out = append(out, p.geneticsOf[i])
	}
	return out
}

// autoFeatures is how many features of a modality that has groups are tested one by one unless that is asked for: the time grows with them.
const autoFeatures = 2000

// featuresTested reports whether single features are tested, beside groups.
func featuresTested(test, grouping string, features int) bool {
	return test == testAll || test == testAuto && (grouping == "feature" || features <= autoFeatures)
}

func (e *explanation) testUnits(ctx context.Context, p *part, units []claims.Unit, what string) (*heldout.Result, error) {
	o := e.heldout(p)
	o.Progress = func(done, total int) { e.line.Part(done, total, "persons, test of "+what+" of "+p.name) }
	return heldout.Test(ctx, o, units)
}

// heldout returns what tests of a modality are made from.
func (e *explanation) heldout(p *part) heldout.Options {
	_, tower := e.model.Towers(p.at)
	var image [][]float32
	for _, i := range p.persons {
		image = append(image, p.imageOf[i])
	}
	o := heldout.Options{Device: e.dev, DType: e.net.DType, Tower: explain.NewTower(tower), Table: p.table, Persons: p.persons, Image: image, Reference: p.genetics,
		Tau: e.model.Config().Tau, Group: func(i int) int { return e.cohort.Persons[i].Group }, Seed: e.set.Seed, Train: p.training(e), Q: e.set.FDR}
	if e.strata != nil {
		o.Stratum = func(i int) int { return e.strata[i] }
	}
	return o
}

// note keeps what a test has to say, of its power.
func (p *part) note(r *heldout.Result) {
	if r != nil && r.Note != "" && !slices.Contains(p.notes, "W904: "+r.Note) {
		p.notes = append(p.notes, "W904: "+r.Note)
	}
}
