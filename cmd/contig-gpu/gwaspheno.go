package main

import (
	"fmt"

	"contig-gpu/data"
	rowsof "contig-gpu/data/embedded"
	"contig-gpu/model/assoc"
)

// fewValues is the most different values of a trait that plink takes for cases and controls.
const fewValues = 3

// phenotypes makes the traits.
func (g *gwas) phenotypes() error {
	m, err := g.rows.Open(rowsof.Features)
	if err != nil {
		return err
	}
	defer m.Close()
	at := make([]int, len(g.persons))
	for i, p := range g.persons {
		at[i] = p.features
	}
	f := assoc.Features{N: len(at), D: m.Width, Read: func(lo, hi int, dst []float64) error { return m.Some(at[lo:hi], dst) }}
	columns, prefix, err := g.columns(f)
	if err != nil {
		return err
	}
	for k, c := range columns {
		if g.constant(c) {
			continue
		}
		g.traits, g.values = append(g.traits, fmt.Sprintf("%s%d", prefix, k+1)), append(g.values, g.transformedAmong(c, g.design))
	}
	if len(g.traits) == 0 {
		return g.noVariation(f, "0")
	}
	if left := len(columns) - len(g.traits); left > 0 {
		return g.say("W952: %d features are left out: they have at most %d values, or the covariates explain them.", left, fewValues)
	}
	return nil
}

// columns are the components, or the features themselves.
func (g *gwas) columns(f assoc.Features) ([][]float64, string, error) {
	if g.o.pca == 0 {
		out := make([][]float64, f.D)
		for k := range out {
			out[k] = make([]float64, f.N)
		}
		row := make([]float64, f.D)
		for i := range f.N {
			if err := f.Read(i, i+1, row); err != nil {
				return nil, "", err
			}
			for k, v := range row {
				out[k][i] = v
			}
		}
		return out, "F", nil
	}
	p, err := assoc.NewPCA(g.cpu, f, g.o.pca)
	if err != nil {
		return nil, "", err
	}
	if p.K() < g.o.pca {
		return nil, "", g.noVariation(f, fmt.Sprint(p.K()))
	}
	g.pca = p
	scores, err := p.Scores(f)
	share := 0.0
	for _, r := range p.Ratio {
		share += r
	}
	if err == nil {
		err = g.say("%d components have %.1f %% of the variance of %d features", p.K(), 100*share, f.D)
	}
	return scores, "PC", err
}

func (g *gwas) noVariation(f assoc.Features, found string) error {
	return &data.Problem{Code: codeConstant, File: g.o.features, What: "the features do not vary enough", Expected: fmt.Sprintf("%d components of %d features of %d persons", max(1, g.o.pca), f.D, f.N),
		Found: found + " components that vary", Cause: "fewer persons than components, an encoder that has collapsed, or copies of the same features", Fix: "a smaller --pca, more persons, or other features"}
}

// constant says whether a column has too few values, among those with all covariates, to be a trait.
func (g *gwas) constant(c []float64) bool {
	seen := map[float64]bool{}
	for _, v := range c {
		if seen[v] = true; len(seen) > fewValues {
			break
		}
	}
	if len(seen) <= fewValues {
		return true
	}
	y, who := completeOf(c, g.design)
	var columns [][]float64
	for _, x := range g.design {
		var some []float64
		for _, i := range who {
			some = append(some, x[i])
		}
		columns = append(columns, some)
	}
	var left, all float64
	for i, r := range assoc.NewSpan(len(y), columns).Residual(y) {
		left, all = left+r*r, all+y[i]*y[i]
	}
	return left <= 1e-16*all
}
