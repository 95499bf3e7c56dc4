package heldout

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/explain"
	"contig-gpu/model/explain/claims"
	"contig-gpu/model/explain/explaintest"
)

// optionsOf tests a network on the last 3/10 of a cohort, of which the last 64 are the reference.
func optionsOf(c *explaintest.Cohort, n *explaintest.Network) Options {
	held, reference := explaintest.Span(c.Persons*7/10, c.Persons-64), explaintest.Span(c.Persons-64, c.Persons)
	var image [][]float32
	for _, p := range held {
		image = append(image, c.Image[p])
	}
	return Options{Device: n.Device, DType: gpu.F32, Tower: explain.NewTower(n.Tower), Table: c.Table(), Persons: held, Image: image,
		Reference: n.Embed(c.Table(), reference), Tau: explaintest.Tau, Stratum: func(p int) int { return c.Stratum[p] },
		Seed: 1, Train: explaintest.Span(0, c.Persons*7/10), Q: 0.1}
}

func mustTest(t *testing.T, o Options, units []claims.Unit) *Result {
	t.Helper()
	r, err := Test(t.Context(), o, units)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// changedTable gives the persons of a table the values of others in some features.
type changedTable struct {
	explaintest.Table
	donor    map[int]int
	features []int
}

func (t changedTable) Row(person int, dst []float32) bool {
	t.Table.Row(person, dst)
	other := make([]float32, len(dst))
	t.Table.Row(t.donor[person], other)
	for _, f := range t.features {
		dst[f] = other[f]
	}
	return true
}

// TestIsTheLossOfExchangedRows compares the increase of every unit with that of whole rows through the whole network, for linear and
// deeper towers, units of many sizes that overlap, and batches of any size.
func TestIsTheLossOfExchangedRows(t *testing.T) {
	for _, hidden := range []int{0, 9} {
		c := explaintest.New(3, explaintest.Plan{Persons: 1000, Features: 90, Block: 1, Causal: 4, Strength: 0.1, Dim: 7})
		n := explaintest.Train(t, 3, c, c.Table(), explaintest.Span(0, 700), hidden, nil)
		units := append(claims.Single(c.Table().Stats().Names)[:40], claims.Unit{Features: explaintest.Span(0, 90)}, claims.Unit{Features: []int{3, 50, 51}})
		o := optionsOf(c, n)
		o.Train = nil
		o.Rows = 128
		got := mustTest(t, o, units)
		o.Rows = 1024
		if again := mustTest(t, o, units); fmt.Sprint(again.Claimed) != fmt.Sprint(got.Claimed) {
			t.Errorf("claimed %v in batches of 1024 rows, %v of 128", again.Claimed, got.Claimed)
		}
		s, err := newSubjects(&o)
		if err != nil {
			t.Fatal(err)
		}
		donor := map[int]int{}
		for i, p := range s.person {
			donor[p] = s.donor[i]
		}
		base := n.Embed(c.Table(), s.person)
		for u, unit := range units {
			changed := n.Embed(changedTable{explaintest.Table{Cohort: c}, donor, unit.Features}, s.person)
			mean := 0.0
			for i := range s.person {
				mean += (s.loss(i, wide(changed[i]), o.Tau) - s.loss(i, wide(base[i]), o.Tau)) / float64(len(s.person))
			}
			if math.Abs(mean-got.Units[u].Mean) > 2e-5 {
				t.Errorf("hidden %d, unit %d: increase %g, by whole rows %g", hidden, u, got.Units[u].Mean, mean)
			}
		}
	}
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// judge returns the share of false claims and of the true units that were found.
func judge(c *explaintest.Cohort, found []int) (fdp, power float64) {
	hits := 0
	for _, f := range c.True {
		if slices.Contains(found, f/c.Block) {
			hits++
		}
	}
	return float64(len(found)-hits) / float64(max(1, len(found))), float64(hits) / float64(max(1, len(c.True)))
}

// TestPlantedTruth: the mean share of false claims over cohorts is at most q and two standard errors, and planted units are
// found, in blocks, through a hidden layer and, by residuals, of correlated scores.
func TestPlantedTruth(t *testing.T) {
	for name, k := range map[string]struct {
		plan     explaintest.Plan
		hidden   int
		residual bool
		power    float64
	}{
		"blocks": {explaintest.Plan{Persons: 4000, Features: 300, Block: 6, Causal: 12, Strength: 0.02, Dim: 8}, 0, false, 0.5},
		"hidden": {explaintest.Plan{Persons: 4000, Features: 300, Block: 6, Causal: 12, Strength: 0.03, Dim: 8}, 32, false, 0.4},
		"scores": {explaintest.Plan{Persons: 4000, Features: 80, Block: 1, Causal: 12, Strength: 0.03, Shared: true, Dim: 8}, 0, true, 0.4},
	} {
		t.Run(name, func(t *testing.T) {
			var fdp, power []float64
			for seed := range uint64(turn.Repeats(t, 3, 20)) {
				c := explaintest.New(100+seed, k.plan)
				n := explaintest.Train(t, seed, c, c.Table(), explaintest.Span(0, c.Persons*7/10), k.hidden, nil)
				r := mustTest(t, optionsOf(c, n), c.Units())
				n.Close()
				if residual := slices.Contains(r.Residual, true); residual != k.residual {
					t.Errorf("seed %d: residuals were exchanged: %t", seed, residual)
				}
				f, p := judge(c, r.Claimed)
				fdp, power = append(fdp, f), append(power, p)
			}
			mean, se := meanAndError(fdp)
			found, _ := meanAndError(power)
			t.Logf("FDP %.3f +- %.3f, power %.2f", mean, se, found)
			if mean > 0.1+2*se {
				t.Errorf("mean FDP %.3f +- %.3f at q = 0.1", mean, se)
			}
			if found < k.power {
				t.Errorf("power %.2f, want %.2f", found, k.power)
			}
		})
	}
}

func meanAndError(v []float64) (mean, se float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		se += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(se/float64(len(v)-1)) / math.Sqrt(float64(len(v)))
}

// TestNoSignal: without any effect, few cohorts have a claim, and an empty list has a note.
func TestNoSignal(t *testing.T) {
	seeds, any := turn.Repeats(t, 6, 40), 0
	for seed := range uint64(seeds) {
		c := explaintest.New(500+seed, explaintest.Plan{Persons: 2000, Features: 120, Block: 6, Dim: 8})
		n := explaintest.Train(t, seed, c, c.Table(), explaintest.Span(0, 1400), 0, nil)
		r := mustTest(t, optionsOf(c, n), c.Units())
		n.Close()
		if len(r.Claimed) > 0 {
			any++
		} else if r.Note == "" {
			t.Error("nothing can be found, and nobody says so")
		}
	}
	t.Logf("%d of %d seeds have a claim", any, seeds)
	if most := 0.1 + 2*math.Sqrt(0.1*0.9/float64(seeds)); float64(any)/float64(seeds) > most {
		t.Errorf("%d of %d seeds have a claim, at most a share of %.3f", any, seeds, most)
	}
}

// TestRelativesAndNobody: of a group of relatives one is tested; nobody with the modality is an error.
func TestRelativesAndNobody(t *testing.T) {
	c := explaintest.New(3, explaintest.Plan{Persons: 400, Features: 6, Block: 1, Dim: 5})
	n := explaintest.Train(t, 3, c, c.Table(), explaintest.Span(0, 280), 0, nil)
	o := optionsOf(c, n)
	o.Group = func(p int) int { return p / 2 }
	if r := mustTest(t, o, c.Units()); r.Persons != len(o.Persons)/2 {
		t.Errorf("%d of %d persons, who are pairs of relatives, are tested", r.Persons, len(o.Persons))
	}
	o.Persons, o.Image = nil, nil
	if _, err := Test(t.Context(), o, c.Units()); err == nil {
		t.Error("nobody is tested, and there is no error")
	}
}

// TestWithin: a feature's q is at least its group's, the least of several; where a group was not tested the feature's stays.
func TestWithin(t *testing.T) {
	nan := math.NaN()
	r := &Result{Q: []float64{0.01, 0.3, 0.02, 0.03, nan}, Claimed: []int{0, 2, 3}}
	r.Within([]claims.Unit{{Features: []int{0, 1, 4}}, {Features: []int{2}}, {Features: []int{2, 3}}, {Features: []int{3}}}, &Result{Q: []float64{0.2, 0.05, 0.6, nan}}, 0.1)
	for u, want := range []float64{0.2, 0.3, 0.05, 0.6, nan} {
		if got := r.Q[u]; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("feature %d: q %g, want %g", u, got, want)
		}
	}
	if !slices.Equal(r.Claimed, []int{2}) {
		t.Errorf("claimed %v, want feature 2", r.Claimed)
	}
}

// TestRidgeIsJudgedByNewPersons: where features are nearly as many as the persons they are measured in, the fits leave less in held-out persons than those with the usual
// ridge; where persons are many the usual one stays.
func TestRidgeIsJudgedByNewPersons(t *testing.T) {
	for _, few := range []bool{true, false} {
		c := explaintest.New(8, explaintest.Plan{Persons: 1600, Features: 90, Block: 1, Shared: true, Dim: 6})
		measured := explaintest.Span(0, 1000)
		if few {
			measured = measured[:100]
		}
		o := Options{Table: c.Table()}
		s, group := &subjects{person: explaintest.Span(1200, 1600)}, explaintest.Span(0, 90)
		x := &exchange{fits: make([]*fit, 90)}
		if err := x.fit(&o, s, group, measured, c.Units()); err != nil {
			t.Fatal(err)
		}
		usual, err := fitsOf(squares(Columns(o.Table, measured, group)), len(measured), claims.Ridge, group, group, c.Units())
		if err != nil {
			t.Fatal(err)
		}
		judged, chosen, plain := Columns(o.Table, explaintest.Span(1456, 1600), group), 0.0, 0.0 // persons who did not decide
		for u := range group {
			chosen, plain = chosen+x.fits[u].left(judged), plain+usual[u].left(judged)
		}
		t.Logf("few persons: %t: chosen ridge leaves %.0f, the usual one %.0f", few, chosen, plain)
		if few && chosen > 0.8*plain || !few && chosen > plain*1.001 {
			t.Errorf("few persons: %t: the chosen ridge leaves %.0f, the usual one %.0f", few, chosen, plain)
		}
	}
}
