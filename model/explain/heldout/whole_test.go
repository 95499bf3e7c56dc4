package heldout

import (
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/explain/claims"
	"contig-gpu/model/explain/explaintest"
)

// wholeOf tests all features of a simulated cohort as one.
func wholeOf(t *testing.T, seed uint64, plan explaintest.Plan, few int) (claims.Increase, Options, [][]float32) {
	t.Helper()
	c := explaintest.New(seed, plan)
	n := explaintest.Train(t, seed, c, c.Table(), explaintest.Span(0, c.Persons*7/10), 0, nil)
	t.Cleanup(n.Close)
	o := optionsOf(c, n)
	if few > 0 {
		o.Persons, o.Image = o.Persons[:few], o.Image[:few]
	}
	genetics := n.Embed(c.Table(), o.Persons)
	r, err := Whole(o, genetics)
	if err != nil {
		t.Fatal(err)
	}
	return r, o, genetics
}

// TestWhole: among few persons of one stratum the increase is the mean, over all pairs, of the loss with the other's genetics minus that with one's own.
func TestWhole(t *testing.T) {
	r, o, genetics := wholeOf(t, 4, explaintest.Plan{Persons: 700, Features: 20, Block: 1, Causal: 3, Strength: 0.2, Dim: 6}, mostDonors)
	s, err := newSubjects(&o)
	if err != nil {
		t.Fatal(err)
	}
	var want claims.Paired
	for i := range o.Persons {
		other := 0.0
		for j, v := range genetics {
			if j != i {
				other += s.loss(i, wide(v), o.Tau) / float64(len(genetics)-1)
			}
		}
		want.Add(other - s.loss(i, wide(genetics[i]), o.Tau))
	}
	if w := want.Test(); r.Persons != len(o.Persons) || math.Abs(r.Mean-w.Mean) > 1e-6 || math.Abs(r.T-w.T) > 1e-4 {
		t.Errorf("%+v, want %+v", r, w)
	}
}

// TestWholeTellsSignal: a modality that drives the images is used, one that does not is not.
func TestWholeTellsSignal(t *testing.T) {
	least := 1.0
	for seed := range uint64(turn.Repeats(t, 4, 40)) {
		if r, _, _ := wholeOf(t, seed, explaintest.Plan{Persons: 1500, Features: 60, Block: 1, Causal: 6, Strength: 0.1, Dim: 8}, 0); !(r.P < 1e-4) {
			t.Errorf("seed %d: planted effects: %+v", seed, r)
		}
		r, _, _ := wholeOf(t, 100+seed, explaintest.Plan{Persons: 1500, Features: 60, Block: 1, Dim: 8}, 0)
		least = min(least, r.P)
	}
	if n := float64(turn.Repeats(t, 4, 40)); least < 0.01/n {
		t.Errorf("without effects the least p of %g cohorts is %.2g", n, least)
	}
}

// TestAtLeast: no q is less than the modality's; what was not tested stays so.
func TestAtLeast(t *testing.T) {
	r := &Result{Q: []float64{0.01, 0.3, math.NaN()}, Claimed: []int{0}}
	r.AtLeast(0.05, 0.1)
	if r.Q[0] != 0.05 || r.Q[1] != 0.3 || !math.IsNaN(r.Q[2]) || !slices.Equal(r.Claimed, []int{0}) {
		t.Errorf("%+v", r)
	}
	if r.AtLeast(0.2, 0.1); len(r.Claimed) != 0 {
		t.Errorf("claimed %v", r.Claimed)
	}
}
