package main

import (
	"fmt"
	"math"

	"contig-gpu/data"
	"contig-gpu/data/embedded"
	"contig-gpu/model/assoc"
)

// fewValues is the most different values of a trait that plink takes for cases and controls.
const fewValues = 3

// phenotypes makes the traits.
func (g *gwas) phenotypes() error {
	m, err := g.rows.Open(embedded.Features)
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
		g.traits, g.values = append(g.traits, fmt.Sprintf("%s%d", prefix, k+1)), append(g.values, g.transformed(c))
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
	y, _ := g.complete(c)
	r := g.span().Residual(y)
	var left, all float64
	for i := range r {
		left, all = left+r[i]*r[i], all+y[i]*y[i]
	}
	return left <= 1e-16*all
}

// complete are the values of those who have all covariates, and who they are.
func (g *gwas) complete(c []float64) (values []float64, who []int) {
	for i, v := range c {
		ok := true
		for _, x := range g.design {
			ok = ok && !math.IsNaN(x[i])
		}
		if ok {
			values, who = append(values, v), append(who, i)
		}
	}
	return values, who
}

// span is of the covariates of those who have all.
func (g *gwas) span() *assoc.Span {
	_, who := g.complete(make([]float64, len(g.persons)))
	var columns [][]float64
	for _, x := range g.design {
		var c []float64
		for _, i := range who {
			c = append(c, x[i])
		}
		columns = append(columns, c)
	}
	return assoc.NewSpan(len(who), columns)
}

// transformed is a column as it is tested: NaN for who lacks a covariate, which leaves that person out.
func (g *gwas) transformed(c []float64) []float64 {
	values, who := g.complete(c)
	switch g.o.transform {
	case intAdjusted:
		values = assoc.InverseNormal(g.span().Residual(values))
	case intPlain:
		values = assoc.InverseNormal(values)
	}
	out := make([]float64, len(c))
	for i := range out {
		out[i] = math.NaN()
	}
	for k, i := range who {
		out[i] = values[k]
	}
	return out
}
