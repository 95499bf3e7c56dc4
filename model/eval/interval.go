package eval

import (
	"math"
	"math/rand/v2"
	"slices"
)

// An Interval is a confidence interval of 95 % of a share: what it would be had other persons of the same population been held
// out.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Resamples is how often persons are drawn anew: the limits of 95 % are then known to about a tenth of the interval's width
// (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13, take 1000 for percentiles).
const Resamples = 1000

// outside is the part of the resamples beyond each limit.
const outside = 0.025

// Draw calls take for each of the n persons of resample k, which depend on nothing else: the same person may be there several times.
func Draw(k, n int, take func(person int)) {
	draw := rand.NewPCG(Resamples, uint64(k))
	for range n {
		take(int(draw.Uint64() >> 32 * uint64(n) >> 32))
	}
}

// intervals returns those of R@1 and R@10: percentiles of the bootstrap over persons, who are drawn with replacement, by the same
// draws whatever the model. Where all persons have the same share there is nothing to draw from; if all or none were found, the
// limits are then the exact ones of Clopper and Pearson (Biometrika 26, 1934).
func intervals(places []place) (one, ten Interval) {
	n := len(places)
	first, within := make([]float64, n), make([]float64, n)
	for i, p := range places {
		first[i], within[i] = p.within(1), p.within(10)
	}
	var means [2][]float64
	for k := range means {
		means[k] = make([]float64, Resamples)
	}
	parallel(0, Resamples, func(k int) {
		var a, b float64
		Draw(k, n, func(i int) { a, b = a+first[i], b+within[i] })
		means[0][k], means[1][k] = a/float64(n), b/float64(n)
	})
	return limits(first, means[0]), limits(within, means[1])
}

// limits returns the interval of the mean of shares, by the means of resamples.
func limits(shares, means []float64) Interval {
	if slices.Min(shares) < slices.Max(shares) {
		slices.Sort(means)
		at := int(outside * Resamples)
		return Interval{means[at], means[Resamples-1-at]}
	}
	low, high := shares[0], shares[0]
	bound := math.Pow(outside, 1/float64(len(shares)))
	switch low {
	case 0:
		high = 1 - bound
	case 1:
		low = bound
	}
	return Interval{low, high}
}

// A Verdict says what held-out persons tell of a modality.
type Verdict string

// Verdicts of a modality.
const (
	Learnt   Verdict = "learnt"           // found more often than by chance, in both directions
	OneWay   Verdict = "one direction"    // in one of them only
	NotAbove Verdict = "not above chance" // in neither
	Unknown  Verdict = ""                 // nobody to find, or metrics of an older version
)

// mostChance is the chance of R@10 above which R@1 is looked at instead: of few candidates ten are most.
const mostChance = 0.5

// Verdict says in which directions the lower limit of the interval of R@10 is above chance; of R@1 where there are fewer than 20
// candidates. With 95 % intervals, one modality in twenty that has learnt nothing is above chance in one direction.
func (r Retrieval) Verdict() Verdict {
	toGenetics, toImage, chance := r.ImageToGenetics.R10Interval, r.GeneticsToImage.R10Interval, r.ChanceR10
	if chance > mostChance {
		toGenetics, toImage, chance = r.ImageToGenetics.R1Interval, r.GeneticsToImage.R1Interval, r.ChanceR1
	}
	if r.Candidates < 2 || toGenetics.High == 0 || toImage.High == 0 {
		return Unknown
	}
	switch up, back := toGenetics.Low > chance, toImage.Low > chance; {
	case up && back:
		return Learnt
	case up || back:
		return OneWay
	}
	return NotAbove
}
