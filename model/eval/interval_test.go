package eval

import (
	"math"
	"math/rand/v2"
	"testing"
)

// found returns the places of n persons of whom so many are first, and the others far behind.
func found(n, hits int) []place {
	ps := make([]place, n)
	for i := range ps {
		if i >= hits {
			ps[i].above = n
		}
	}
	return ps
}

// TestIntervalsAreThoseOfTheBinomial: where persons are found or not, the bootstrap of a share has the percentiles of a binomial.
func TestIntervalsAreThoseOfTheBinomial(t *testing.T) {
	for _, c := range []struct {
		n, hits   int
		low, high float64
	}{{200, 100, 0.43, 0.57}, {100, 5, 0.01, 0.10}, {40, 39, 0.925, 1}} { // percentiles of binomials, from tables
		one, ten := intervals(found(c.n, c.hits))
		if one != ten {
			t.Errorf("%d of %d: %v and %v", c.hits, c.n, one, ten)
		}
		if tolerance := 1.01 / float64(c.n); math.Abs(one.Low-c.low) > tolerance || math.Abs(one.High-c.high) > tolerance {
			t.Errorf("%d of %d: %v, want %v to %v", c.hits, c.n, one, c.low, c.high)
		}
	}
	for hits, want := range map[int]Interval{0: {0, 1 - math.Pow(0.025, 1.0/30)}, 30: {math.Pow(0.025, 1.0/30), 1}} {
		if got, _ := intervals(found(30, hits)); got != want {
			t.Errorf("%d of 30: %v, want %v", hits, got, want)
		}
	}
}

// TestIntervalsAreOfTheirRecall: that of R@1 is of those who come first, that of R@10 of those up to the tenth place.
func TestIntervalsAreOfTheirRecall(t *testing.T) {
	ps := found(100, 20)
	for i := range 30 {
		ps[20+i].above = 9 // tenth
		ps[50+i].above = 10
	}
	one, ten := intervals(ps)
	for _, c := range []struct {
		got       Interval
		low, high float64
	}{{one, 0.12, 0.28}, {ten, 0.40, 0.60}} { // percentiles of binomials, from tables
		if math.Abs(c.got.Low-c.low) > 0.011 || math.Abs(c.got.High-c.high) > 0.011 {
			t.Errorf("%v, want %v to %v", c.got, c.low, c.high)
		}
	}
}

// TestIntervalsAreFine: limits are those of enough draws that they hardly depend on the draw: of some shares their error is that of 1000, not of 100.
func TestIntervalsAreFine(t *testing.T) {
	sum, n := 0.0, 0
	for hits := 40; hits <= 360; hits += 4 {
		one, _ := intervals(found(400, hits))
		p := float64(hits) / 400
		sd := math.Sqrt(p * (1 - p) / 400)
		for _, v := range []float64{(p - 1.96*sd - one.Low) / sd, (p + 1.96*sd - one.High) / sd} {
			sum, n = sum+v*v, n+1
		}
	}
	if rms := math.Sqrt(sum / float64(n)); rms > 0.15 {
		t.Errorf("limits are off by %.3f of the standard error", rms)
	}
}

// TestIntervalsCover: of many samples of a known share, the interval has the share inside in about 95 of 100.
func TestIntervalsCover(t *testing.T) {
	const samples, n, share = 300, 150, 0.2
	g, inside := rand.New(rand.NewPCG(3, 4)), 0
	for range samples {
		hits := 0
		for range n {
			if g.Float64() < share {
				hits++
			}
		}
		if one, _ := intervals(found(n, hits)); one.Low <= share && share <= one.High {
			inside++
		}
	}
	if inside < samples*90/100 || inside > samples*99/100 {
		t.Errorf("the share is inside in %d of %d samples", inside, samples)
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		toGenetics, toImage []place
		want                Verdict
	}{
		{found(100, 50), found(100, 40), Learnt},
		{found(100, 50), found(100, 10), OneWay},
		{found(100, 10), found(100, 50), OneWay},
		{found(100, 12), found(100, 0), NotAbove},
		{found(12, 9), found(12, 9), Learnt},   // ten of twelve would be found by chance
		{found(12, 1), found(12, 1), NotAbove}, // by the first alone
		{nil, nil, Unknown},
		{found(1, 1), found(1, 1), Unknown}, // nobody to be taken for
	} {
		r := retrieval(c.toGenetics, c.toImage)
		if got := r.Verdict(); got != c.want {
			t.Errorf("%+v: %q, want %q", r, got, c.want)
		}
	}
	half := retrieval(found(100, 50), found(100, 50))
	half.GeneticsToImage.R10Interval = Interval{}
	if got := half.Verdict(); got != Unknown {
		t.Errorf("with an interval of one direction: %q", got)
	}
	old := Retrieval{Candidates: 100, ChanceR1: 0.01, ImageToGenetics: Direction{R10: 1}}
	if got := old.Verdict(); got != Unknown {
		t.Errorf("without intervals: %q", got)
	}
}

// TestNothingLearntIsNotAboveChance: of random embeddings few modalities are taken for learnt.
func TestNothingLearntIsNotAboveChance(t *testing.T) {
	const rounds = 60
	g, learnt := rand.New(rand.NewPCG(1, 2)), 0
	for range rounds {
		places := func() []place {
			ps := make([]place, 120)
			for i := range ps {
				ps[i].above = g.IntN(120)
			}
			return ps
		}
		if retrieval(places(), places()).Verdict() == Learnt {
			learnt++
		}
	}
	if learnt > 2 {
		t.Errorf("%d of %d modalities of chance are learnt", learnt, rounds)
	}
}

// TestCandidateLoss: embeddings that say nothing have the loss of chance, whatever the number of persons and their batches; those
// that say all have next to none.
func TestCandidateLoss(t *testing.T) {
	for _, n := range []int{2, 30, CandidateSet, 150} {
		same, own := NewRows(n), NewRows(n)
		for p := range n {
			same.AddImage(p, axis(n, 0, 1))
			same.SetGenetics(p, axis(n, 0, 1))
			own.AddImage(p, axis(n, p, 1))
			own.SetGenetics(p, axis(n, p, 1))
		}
		want := min(n, CandidateSet)
		if l := CandidateLoss(same, 0.1, 0.75); l.Candidates != want || math.Abs(l.Loss-math.Log(float64(want))) > 1e-12 || l.Chance != math.Log(float64(want)) {
			t.Errorf("%d persons alike: %+v", n, l)
		}
		if l := CandidateLoss(own, 0.1, 0.75); l.Loss > 0.01 {
			t.Errorf("%d persons apart: %+v", n, l)
		}
	}
	if l := CandidateLoss(NewRows(3), 0.1, 0.75); l != (SetLoss{}) {
		t.Errorf("nobody: %+v", l)
	}
}

// TestCandidateLossHasEverybody: whoever cannot be told apart makes it larger, however many sets there are; and the order in which
// persons were added does not matter.
func TestCandidateLossHasEverybody(t *testing.T) {
	const n = 2*CandidateSet + 9
	loss := func(but int, order []int) float64 {
		r := NewRows(n)
		for _, p := range order {
			r.AddImage(p, axis(n, p, 1))
			if p == but {
				r.SetGenetics(p, axis(n, p, -1))
			} else {
				r.SetGenetics(p, axis(n, p, 1))
			}
		}
		return CandidateLoss(r, 0.5, 0.75).Loss
	}
	g := rand.New(rand.NewPCG(8, 9))
	order := g.Perm(n)
	all := loss(-1, order)
	for p := range n {
		if l := loss(p, order); !(l > all+1e-3) {
			t.Errorf("the loss %v without person %d is %v", all, p, l)
		}
	}
	noisy := NewRows(5)
	again := NewRows(5)
	for p := range n {
		z, w := []float64{g.NormFloat64(), 1, 0, 0, 0.1}, []float64{1, g.NormFloat64(), g.NormFloat64(), 0, 0}
		noisy.AddImage(p, z)
		noisy.SetGenetics(p, w)
	}
	for _, p := range g.Perm(n) {
		again.AddImage(p, noisy.Image(p))
		again.SetGenetics(p, noisy.Genetics(p))
	}
	for range 3 {
		if a, b := CandidateLoss(noisy, 0.1, 0.75).Loss, CandidateLoss(again, 0.1, 0.75).Loss; math.Abs(a-b) > 1e-9 {
			t.Errorf("%v and %v", a, b)
		}
	}
}

// TestCandidateLossIsInfoNCE: two persons, both directions, by hand.
func TestCandidateLossIsInfoNCE(t *testing.T) {
	r := NewRows(2)
	r.AddImage(0, []float64{1, 0})
	r.AddImage(1, []float64{0, 1})
	r.SetGenetics(0, []float64{3, 4}) // similarities 0.6 and 0.8
	r.SetGenetics(1, []float64{0, 2}) // 0 and 1
	const tau, lambda = 0.5, 0.7
	ce := func(own, other float64) float64 { return math.Log(1 + math.Exp((other-own)/tau)) }
	want := lambda*(ce(0.6, 0)+ce(1, 0.8))/2 + (1-lambda)*(ce(0.6, 0.8)+ce(1, 0))/2
	if l := CandidateLoss(r, tau, lambda); math.Abs(l.Loss-want) > 1e-12 {
		t.Errorf("%v, want %v", l.Loss, want)
	}
}
