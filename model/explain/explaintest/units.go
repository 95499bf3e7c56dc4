package explaintest

import "contig-gpu/model/explain/claims"

// Span returns the persons [lo, hi).
func Span(lo, hi int) []int {
	var out []int
	for p := lo; p < hi; p++ {
		out = append(out, p)
	}
	return out
}

// Units returns the blocks that features were drawn in.
func (c *Cohort) Units() []claims.Unit {
	units := make([]claims.Unit, c.Features/c.Block)
	for f := range c.Features {
		units[f/c.Block].Features = append(units[f/c.Block].Features, f)
	}
	return units
}
