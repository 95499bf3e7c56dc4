package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"contig-gpu/model/explain"
	"contig-gpu/model/explain/rank"
)

// stabilityPersons is how many persons the order of features is compared over, at most.
const stabilityPersons = 256

// A stability is how little the order of features depends on who is in the reference.
type stability struct {
	rank.Stability
	persons     int
	best, worst []int // per feature: its rank by mean |A| over the parts of the reference, from 1
}

// measureStability repeats the first method with disjoint parts of the reference.
func (e *explanation) measureStability(ctx context.Context, p *part) error {
	n := e.set.Parts
	if n < 2 || len(p.reference) < 2*n || len(p.names()) < 2 {
		return ctx.Err()
	}
	var meanAbs [][]float64
	for k := range n {
		mean, err := e.meanAbs(ctx, p.withReference(k, n), k)
		if err != nil {
			return err
		}
		meanAbs = append(meanAbs, mean)
	}
	s := &stability{Stability: rank.StabilityOf(meanAbs), persons: min(len(p.persons), stabilityPersons), best: make([]int, len(p.names())), worst: make([]int, len(p.names()))}
	for k, mean := range meanAbs {
		for at, j := range rank.Largest(mean) {
			if s.worst[j] = max(s.worst[j], at+1); k == 0 || at+1 < s.best[j] {
				s.best[j] = at + 1
			}
		}
	}
	p.stability = s
	return nil
}

// withReference returns the modality with every n-th person of its reference, from the k-th on, and at most stabilityPersons to explain.
func (p *part) withReference(k, n int) *part {
	q := *p
	q.reference, q.image, q.genetics = nil, nil, nil
	for i := k; i < len(p.reference); i += n {
		q.reference, q.image, q.genetics = append(q.reference, p.reference[i]), append(q.image, p.image[i]), append(q.genetics, p.genetics[i])
	}
	q.persons = p.persons[:min(len(p.persons), stabilityPersons)]
	return &q
}

// meanAbs returns mean |A| of every feature by the first method.
func (e *explanation) meanAbs(ctx context.Context, p *part, k int) ([]float64, error) {
	g, end, err := e.genetics(p, e.set.methods[:1], nil)
	if err != nil {
		return nil, err
	}
	defer end()
	mean, done := make([]float64, len(p.names())), 0
	err = g.Run(ctx, p.persons, p, func(r explain.Result) error {
		for j, v := range r.A {
			mean[j] += max(v, -v) / float64(len(p.persons))
		}
		done++
		e.line.Part(done, len(p.persons), fmt.Sprintf("persons, part %d of the reference of %s", k+1, p.name))
		return nil
	})
	if errors.Is(err, explain.ErrNotFinite) {
		err = e.notFinite(p, "")
	}
	return mean, err
}

// ranks returns the best and the worst rank of a feature over parts of the reference, NA where they were not measured.
func (p *part) ranks(j int) []string {
	if p.stability == nil {
		return []string{"NA", "NA"}
	}
	return []string{strconv.Itoa(p.stability.best[j]), strconv.Itoa(p.stability.worst[j])}
}

// A stabilitySummary stands in explain.json.
type stabilitySummary struct {
	Parts    int   `json:"parts"`
	Persons  int   `json:"persons"`
	Spearman maybe `json:"spearman"` // of mean |A|, mean over pairs of parts
	Top      maybe `json:"top_20"`   // share of the 20 largest that two parts have in common
}

func (p *part) stabilitySummary() *stabilitySummary {
	if p.stability == nil {
		return nil
	}
	return &stabilitySummary{p.stability.Draws, p.stability.persons, maybe(p.stability.Spearman), maybe(p.stability.Overlap)}
}
