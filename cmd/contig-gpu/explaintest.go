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
		"Held-out persons, paired one-sided t-test, Benjamini-Hochberg over the features of this modality; where features are grouped, a feature's q is at least its group's. It says nothing about causes; a variant may carry the name of one that it is in linkage disequilibrium with."
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
	var err error
	if p.groupTest, err = e.testUnits(ctx, p, p.units, "groups"); err != nil {
		return err
	}
	switch {
	case p.grouping == "feature":
		p.test = p.groupTest
	case featuresTested(e.set.Test, p.grouping, len(p.names())):
		p.test, err = e.testUnits(ctx, p, claims.Single(p.names()), "features")
		if err == nil && p.groupTest != nil {
			p.test.Within(p.units, p.groupTest, e.set.FDR)
		}
	case e.set.Test == testAuto:
		p.notes = append(p.notes, fmt.Sprintf("The %d groups are tested, not each of the %d features: these are more than %d (--test all tests them, which takes as much longer).", len(p.units), len(p.names()), autoFeatures))
	}
	if p.note(p.test); p.test == nil {
		p.note(p.groupTest)
	}
	return err
}

// autoFeatures is how many features of a modality that has groups are tested one by one unless that is asked for: the time grows with them.
const autoFeatures = 2000

// featuresTested reports whether single features are tested, beside groups.
func featuresTested(test, grouping string, features int) bool {
	return test == testAll || test == testAuto && (grouping == "feature" || features <= autoFeatures)
}

func (e *explanation) testUnits(ctx context.Context, p *part, units []claims.Unit, what string) (*heldout.Result, error) {
	_, tower := e.model.Towers(p.at)
	var image [][]float32
	for _, i := range p.persons {
		image = append(image, p.imageOf[i])
	}
	o := heldout.Options{Device: e.dev, DType: e.net.DType, Tower: explain.NewTower(tower), Table: p.table, Persons: p.persons, Image: image, Reference: p.genetics,
		Tau: e.model.Config().Tau, Group: func(i int) int { return e.cohort.Persons[i].Group }, Seed: e.set.Seed, Train: p.training(e), Q: e.set.FDR,
		Progress: func(done, total int) { e.line.Step(done, total, "persons: test of "+what+" of "+p.name) }}
	if e.strata != nil {
		o.Stratum = func(i int) int { return e.strata[i] }
	}
	return heldout.Test(ctx, o, units)
}

// note keeps what a test has to say, of its power.
func (p *part) note(r *heldout.Result) {
	if r != nil && r.Note != "" && !slices.Contains(p.notes, "W904: "+r.Note) {
		p.notes = append(p.notes, "W904: "+r.Note)
	}
}
