package assoc

import (
	"math"
	"slices"
)

// A Ranking is -log10 P of many variants, those that are defined, in ascending order.
type Ranking[F float32 | float64] []F

// Rank sorts values of -log10 P, none below 0, and leaves NaN out.
func Rank[F float32 | float64](neglog10 []F) Ranking[F] {
	r := make(Ranking[F], 0, len(neglog10))
	for _, p := range neglog10 {
		if p == p {
			r = append(r, p)
		}
	}
	if f, ok := any(r).(Ranking[float32]); ok {
		sortFloats(f)
		return r
	}
	slices.Sort(r)
	return r
}

// sortFloats sorts values that are not negative by their bits, which ascend with them, 11 at a time.
func sortFloats(x []float32) {
	const digit, passes = 11, 3
	other := make([]float32, len(x))
	var counts [passes][1 << digit]int
	for _, v := range x {
		b := math.Float32bits(v)
		for k := range counts {
			counts[k][b>>(k*digit)&(1<<digit-1)]++
		}
	}
	from, to := x, other
	for k := range counts {
		at := 0
		for d, n := range counts[k] {
			counts[k][d], at = at, at+n
		}
		for _, v := range from {
			d := math.Float32bits(v) >> (k * digit) & (1<<digit - 1)
			to[counts[k][d]] = v
			counts[k][d]++
		}
		from, to = to, from
	}
	copy(x, from) // which is other, of an odd number of passes
}

// Lambda is Lambda of the values.
func (r Ranking[F]) Lambda() float64 { return r.median() / medianChiSquare }

// PlinkLambda is PlinkLambda of the values.
func (r Ranking[F]) PlinkLambda() float64 { return max(1, r.median()/PlinkMedian) }

// median is of the chi-squares.
func (r Ranking[F]) median() float64 {
	if len(r) == 0 {
		return math.NaN()
	}
	return (ChiSquare(float64(r[(len(r)-1)/2])) + ChiSquare(float64(r[len(r)/2]))) / 2
}

// QQ is NewQQ of the values. What is expected, and its band, is taken from like where that is of as many values and the same ranks; like may be nil.
func (r Ranking[F]) QQ(ranks []int, like *QQ) *QQ {
	n := len(r)
	if ranks == nil {
		for i := range n {
			ranks = append(ranks, i+1)
		}
	}
	q := &QQ{Lambda: r.Lambda(), PlinkLambda: r.PlinkLambda(), n: n, ranks: ranks}
	for _, k := range ranks {
		q.Observed = append(q.Observed, float64(r[n-k]))
	}
	if like != nil && like.n == n && slices.Equal(like.ranks, ranks) {
		q.Expected, q.BandLow, q.BandHigh = like.Expected, like.BandLow, like.BandHigh
		return q
	}
	for _, k := range ranks {
		i := float64(k)
		q.Expected = append(q.Expected, Log10P((i-0.5)/float64(n)))
		q.BandLow, q.BandHigh = append(q.BandLow, Log10P(betaQuantile(0.975, i, float64(n)-i+1))), append(q.BandHigh, Log10P(betaQuantile(0.025, i, float64(n)-i+1)))
	}
	return q
}
