package decoys

import (
	"math"
	"slices"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/explain"
	"contig-gpu/model/explain/claims"
	"contig-gpu/model/explain/explaintest"
	"contig-gpu/model/nn"
)

// attribution is by Integrated Gradients of eight steps, of the cohort's last persons.
func attribution(c *explaintest.Cohort, n *explaintest.Network, table data.Table, d gpu.DType, tower nn.Sequential) Attribution {
	reference := explaintest.Span(c.Persons-64, c.Persons)
	rows := n.Embed(table, reference)
	s := explain.Defaults()
	s.Steps = 8
	return Attribution{Device: n.Device, DType: d, Tower: tower, Table: table, Persons: explaintest.Span(c.Persons*7/10, c.Persons-64), Reference: reference, Dim: c.Dim,
		Image: func(p int) []float32 { return c.Image[p] }, Genetics: func(p int) []float32 { return rows[p-reference[0]] },
		Tau: explaintest.Tau, Lambda: 0.75, Of: explain.Loss, Settings: s}
}

// statistics trains with decoys drawn by seed and returns W.
func statistics(t *testing.T, seed uint64, c *explaintest.Cohort, hidden int, stratum func(int) int) []float64 {
	t.Helper()
	cut := c.Persons * 7 / 10
	within := func(p int) int {
		s := 0
		if stratum != nil {
			s = stratum(p)
		}
		if p >= cut {
			s += 1000
		}
		return s
	}
	table := Pair(c.Table(), claims.Donors(seed, c.Persons, within, func(int) bool { return true }))
	n := explaintest.Train(t, seed, c, table, explaintest.Span(0, cut), hidden, Equal)
	defer n.Close()
	mean, err := attribution(c, n, table, gpu.F32, n.Tower).MeanAbs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return Statistics(mean, c.Units())
}

func judge(c *explaintest.Cohort, found []int) (fdp, power float64) {
	hits := 0
	for _, f := range c.True {
		if slices.Contains(found, f/c.Block) {
			hits++
		}
	}
	return float64(len(found)-hits) / float64(max(1, len(found))), float64(hits) / float64(max(1, len(c.True)))
}

func meanAndError(v []float64) (mean, se float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		se += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(se/float64(max(1, len(v)-1))) / math.Sqrt(float64(len(v)))
}

// TestPlantedTruth: one run by knockoff+ and several by e-values have a mean share of false claims of at most q and two standard
// errors, and find planted units. The mean of W over runs, which is no rule, must have more false ones than e-values of five.
func TestPlantedTruth(t *testing.T) {
	for name, k := range map[string]struct {
		plan   explaintest.Plan
		hidden int
		runs   int
	}{
		"blocks": {explaintest.Plan{Persons: 3000, Features: 360, Block: 3, Causal: 30, Strength: 0.02, Dim: 8}, 0, 5},
		"hidden": {explaintest.Plan{Persons: 3000, Features: 240, Block: 3, Causal: 30, Strength: 0.02, Dim: 8}, 32, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var one, several, wrong, powerOne, powerSeveral []float64
			for seed := range uint64(turn.Repeats(t, 3, 20)) {
				c := explaintest.New(900+seed, k.plan)
				var w [][]float64
				mean := make([]float64, len(c.Units()))
				for run := range k.runs {
					w = append(w, statistics(t, 10*seed+uint64(run), c, k.hidden, nil))
					mean = added(mean, w[run], float64(k.runs))
				}
				f, p := judge(c, Judge(w[:1], 0.1).Claimed)
				one, powerOne = append(one, f), append(powerOne, p)
				f, p = judge(c, Judge(w, 0.1).Claimed)
				several, powerSeveral = append(several, f), append(powerSeveral, p)
				f, _ = judge(c, Judge([][]float64{mean}, 0.1).Claimed)
				wrong = append(wrong, f)
			}
			for rule, fdp := range map[string][]float64{"one run": one, "several runs": several} {
				if m, se := meanAndError(fdp); m > 0.1+2*se {
					t.Errorf("%s: mean FDP %.3f +- %.3f at q = 0.1", rule, m, se)
				}
			}
			a, _ := meanAndError(one)
			b, _ := meanAndError(several)
			x, _ := meanAndError(wrong)
			pa, _ := meanAndError(powerOne)
			pb, _ := meanAndError(powerSeveral)
			t.Logf("FDP / power: one run %.3f / %.2f, several %.3f / %.2f, mean of W %.3f", a, pa, b, pb, x)
			if pa < 0.6 || pb < 0.4 {
				t.Errorf("power %.2f of one run, %.2f of several", pa, pb)
			}
			if k.runs == 5 && x <= b {
				t.Errorf("the mean of W has an FDP of %.3f, e-values of %.3f: the rule that is wrong is not seen to be", x, b)
			}
		})
	}
}

// TestNoSignal: without any effect hardly a cohort has a claim, and an empty list says what would be needed.
func TestNoSignal(t *testing.T) {
	seeds, any := turn.Repeats(t, 4, 40), 0
	for seed := range uint64(seeds) {
		c := explaintest.New(700+seed, explaintest.Plan{Persons: 1500, Features: 120, Block: 3, Dim: 8})
		m := Judge([][]float64{statistics(t, seed, c, 0, nil), statistics(t, seed+1000, c, 0, nil)}, 0.1)
		if len(m.Claimed) > 0 {
			any++
		} else if m.Note != "at least 20 discoveries are needed at q = 0.1 with several runs; held-out has no such floor" {
			t.Errorf("note %q", m.Note)
		}
	}
	if most := 0.1 + 2*math.Sqrt(0.1*0.9/float64(seeds)); float64(any)/float64(seeds) > most {
		t.Errorf("%d of %d seeds have a claim, at most a share of %.3f", any, seeds, most)
	}
}

// TestStructure: where two populations differ in images and frequencies and nothing acts, decoys of the same population claim
// nothing; decoys of either lose the structure, and their units lose to the originals far more often.
func TestStructure(t *testing.T) {
	ahead := func(ws [][]float64) float64 {
		n, all := 0.0, 0.0
		for _, w := range ws {
			for _, v := range w {
				if v > 0 {
					n++
				}
				all++
			}
		}
		return n / all
	}
	var with, without [][]float64
	for seed := range uint64(turn.Repeats(t, 3, 20)) {
		c := explaintest.New(300+seed, explaintest.Plan{Persons: 4000, Features: 60, Block: 1, Strata: true, Dim: 8})
		with = append(with, statistics(t, seed, c, 0, func(p int) int { return c.Stratum[p] }))
		without = append(without, statistics(t, seed, c, 0, nil))
	}
	a, b := ahead(with), ahead(without)
	t.Logf("units ahead of their decoys: %.2f inside strata, %.2f ignoring them", a, b)
	if a < 0.4 || a > 0.6 || b < a+0.1 {
		t.Errorf("%.2f of the units are ahead of their decoys inside strata, want about half, and %.2f ignoring strata, want clearly more", a, b)
	}
}

// swapped exchanges the columns of units with their decoys'.
type swapped struct {
	data.Table
	features []int
}

func (s swapped) Row(person int, dst []float32) bool {
	ok := s.Table.Row(person, dst)
	for _, f := range s.features {
		dst[f], dst[f+len(dst)/2] = dst[f+len(dst)/2], dst[f]
	}
	return ok
}

// TestSymmetry: exchanging units with their decoys, in the data and in the first layer's weights, exchanges T and T' up to the
// order of sums; exchanging all units negates W.
func TestSymmetry(t *testing.T) {
	c := explaintest.New(5, explaintest.Plan{Persons: 500, Features: 12, Block: 3, Causal: 2, Strength: 0.1, Dim: 6})
	table := Pair(c.Table(), claims.Donors(2, c.Persons, nil, func(int) bool { return true }))
	n := explaintest.Train(t, 4, c, table, explaintest.Span(0, 350), 10, nil)
	first := n.Tower[0].(*nn.Linear)
	weight := make([]float32, first.Weight.Size())
	gpu.Read(weight, first.Weight.Value)
	want, err := attribution(c, n, table, gpu.F32, n.Tower).MeanAbs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, features := range [][]int{{3, 4, 5}, explaintest.Span(0, 12)} {
		w := slices.Clone(weight)
		for r := range first.Weight.Dims[0] {
			for _, f := range features {
				w[r*24+f], w[r*24+12+f] = w[r*24+12+f], w[r*24+f]
			}
		}
		gpu.Write(first.Weight.Value, w)
		got, err := attribution(c, n, swapped{table, features}, gpu.F32, n.Tower).MeanAbs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range features {
			got[f], got[f+12] = got[f+12], got[f]
		}
		for j, v := range want {
			if math.Abs(got[j]-v) > 1e-5*slices.Max(want) {
				t.Errorf("exchanging %v: column %d has %g, want %g", features, j, got[j], v)
			}
		}
		gpu.Write(first.Weight.Value, weight)
	}
	a := Statistics(want, c.Units())
	b := Statistics(slices.Concat(want[12:], want[:12]), c.Units())
	for u := range a {
		if a[u] != -b[u] {
			t.Errorf("W of unit %d is %g, exchanged %g", u, a[u], b[u])
		}
	}
}
