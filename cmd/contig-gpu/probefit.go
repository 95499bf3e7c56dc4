package main

import (
	"context"
	"fmt"
	"math"

	"contig-gpu/data"
	emb "contig-gpu/data/embedded"
	"contig-gpu/model/downstream"
	"contig-gpu/model/measure"
)

func nan() float64 { return math.NaN() }

// fitAll fits the first encoder on every fraction, and the others on the largest.
func (p *probing) fitAll(ctx context.Context) error {
	for _, f := range p.set.fractions {
		o, err := p.fit(ctx, p.first, nil, f)
		if err != nil {
			return err
		}
		p.found = append(p.found, o)
	}
	last := p.found[len(p.found)-1]
	for _, which := range p.set.against {
		other, err := p.open(ctx, which)
		if err != nil {
			return err
		}
		at, err := p.sameRows(other)
		if err == nil {
			var o *outcome
			if o, err = p.fit(ctx, other, at, last.fraction); err == nil {
				x := comparison{name: which, found: o}
				if last.undefined == "" && o.undefined == "" {
					x.diff = measure.Differences(last.test.metrics, o.test.metrics, last.test.units, len(last.test.rows))
				}
				p.against = append(p.against, x)
			}
		}
		other.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// sameRows returns the rows of other features that are of the persons, or images, of the first. Where one is missing they cannot be compared (E1013).
func (p *probing) sameRows(other *features) ([]int, error) {
	keys := func(f *features) []string {
		if p.labels.ByImage {
			return f.rows.Images
		}
		return f.rows.IDs
	}
	index := map[string]int{}
	for i, k := range keys(other) {
		index[k] = i
	}
	out := make([]int, len(p.rows))
	for k, i := range p.rows {
		at, ok := index[keys(p.first)[i]]
		if !ok {
			return nil, &data.Problem{Code: 1013, File: other.rows.Path, What: "the features to be compared with lack a labelled row of the others", Expected: fmt.Sprintf("a row for %q", keys(p.first)[i]),
				Cause: "features of another cohort", Fix: "embed the same images"}
		}
		out[k] = at
	}
	return out, nil
}

// fit fits on a fraction of the training persons and predicts the other splits; at are the features' rows of p.rows, nil: those of the first.
func (p *probing) fit(ctx context.Context, f *features, at []int, fraction float64) (*outcome, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if at == nil {
		at = p.rows
	}
	pick := func(rows []int) []int {
		out := make([]int, len(rows))
		for k, i := range rows {
			out[k] = at[i]
		}
		return out
	}
	rows := downstream.Fraction(p.task, indices(p.split, emb.Train), fraction, p.set.method.Seed)
	o := &outcome{fraction: fraction, fitted: len(rows), persons: measure.UnitsOf(p.task.Some(rows).Person).Len()}
	validation, test := indices(p.split, emb.Validation), indices(p.split, emb.Test)
	if o.undefined = p.task.Fittable(rows); o.undefined != "" {
		o.undefined = "training rows: " + o.undefined
		return o, nil
	}
	if err := fitsProbe(memory(), f, len(rows), len(validation)+len(test), len(p.task.Names)); err != nil {
		return nil, err
	}
	train, err := f.matrix(p.dev, pick(rows))
	if err != nil {
		return nil, err
	}
	defer train.Close()
	others, err := f.matrix(p.dev, pick(append(append([]int{}, validation...), test...)))
	if err != nil {
		return nil, err
	}
	defer others.Close()
	pred := downstream.Fit(train, p.task.Some(rows), others, p.set.method, func(what string) {
		p.line.Part(len(p.found)+len(p.against)+1, len(p.set.fractions)+len(p.set.against), fmt.Sprintf("fits, now %s, %d rows: %s", f.name, len(rows), what))
	})
	o.notes, o.chosen = pred.Notes, pred.Chosen
	o.validation = p.scored(validation, pred, 0)
	o.test = p.scored(test, pred, len(validation))
	return o, nil
}

// scored measures the predictions of a split, which begin at a row.
func (p *probing) scored(rows []int, pred *downstream.Predictions, from int) scored {
	s := scored{task: p.task.Some(rows), rows: rows}
	if len(rows) == 0 {
		return s
	}
	k := len(p.task.Names)
	own := *pred
	own.Score = pred.Score[from*k : (from+len(rows))*k]
	if pred.Grade != nil {
		own.Grade = pred.Grade[from : from+len(rows)]
	}
	s.pred, s.units = &own, measure.UnitsOf(s.task.Person)
	s.metrics = downstream.Metrics(s.task, s.pred)
	s.results = measure.Intervals(s.metrics, s.units, len(rows))
	return s
}
