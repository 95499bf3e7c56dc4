package heldout

import (
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/explain/explaintest"
)

// above returns how far p-values rise above the uniform distribution: a Kolmogorov-Smirnov statistic, one-sided, whose sample is the cohorts, since the units of one
// network depend on each other:
//
//	max over x of (mean over cohorts of share{p <= x} - x) / standard error of this mean
//
// p is by cohort. Values that are stochastically larger than uniform have none.
func above(p [][]float64) float64 {
	const points = 50
	most := 0.0
	for k := 1; k < points; k++ {
		x := float64(k) / points
		var shares []float64
		for _, cohort := range p {
			n := 0
			for _, v := range cohort {
				if v <= x {
					n++
				}
			}
			shares = append(shares, float64(n)/float64(len(cohort)))
		}
		mean, se := meanAndError(shares)
		// a standard error from few cohorts may be 0 by chance; that of independent units is the least there can be
		least := math.Sqrt(x * (1 - x) / float64(len(p)*len(p[0])))
		most = max(most, (mean-x)/max(se, least))
	}
	return most
}

// mostAbove is the largest standardised excess that is allowed: of a normal one it is exceeded once in 740 times, at one x.
const mostAbove = 3

// TestNullValuesAreUniform: without any effect, the p-values of all units are uniform or larger, of blocks, of features and of residuals. Persons who were trained
// on, whom the network has learned by heart, must break the bound: else the test could not fail.
func TestNullValuesAreUniform(t *testing.T) {
	for name, plan := range map[string]explaintest.Plan{
		"blocks":    {Persons: 1000, Features: 120, Block: 6, Dim: 8},
		"features":  {Persons: 1000, Features: 60, Block: 1, Dim: 8},
		"residuals": {Persons: 700, Features: 60, Block: 1, Shared: true, Dim: 8},
	} {
		t.Run(name, func(t *testing.T) {
			seeds := turn.Repeats(t, 8, 40)
			var held, trained [][]float64
			for seed := range uint64(seeds) {
				c := explaintest.New(40+seed, plan)
				n := explaintest.Train(t, seed, c, c.Table(), explaintest.Span(0, c.Persons*7/10), 0, nil)
				o := optionsOf(c, n)
				r := mustTest(t, o, c.Units())
				if slices.Contains(r.Residual, true) != plan.Shared {
					t.Errorf("seed %d: residuals were exchanged: %t", seed, !plan.Shared)
				}
				o.Persons, o.Image = o.Train[:len(o.Persons)], c.Image[:len(o.Persons)]
				learned := mustTest(t, o, c.Units())
				held, trained = append(held, values(r)), append(trained, values(learned))
				n.Close()
			}
			d, wrong := above(held), above(trained)
			t.Logf("%.2f standard errors above uniform; of persons who were trained on %.2f", d, wrong)
			if d > mostAbove {
				t.Errorf("p-values are %.2f standard errors above uniform, at most %d", d, mostAbove)
			}
			if wrong < mostAbove {
				t.Errorf("those of persons who were trained on are %.2f standard errors above uniform, want more than %d", wrong, mostAbove)
			}
		})
	}
}

// values returns the p-values of a result.
func values(r *Result) (p []float64) {
	for _, u := range r.Units {
		p = append(p, u.P)
	}
	return p
}
