package eval

import (
	"context"
	"math"
)

// A Recall is the share of persons whose own row is among the first k candidates, for k from 1 to their number.
type Recall struct {
	K          []int     `json:"k"`           // ascending; the last is the number of candidates
	ToGenetics []float64 `json:"to_genetics"` // by K, image to genetics
	ToImage    []float64 `json:"to_image"`    // by K, genetics to image
}

// A Ranking is what Rank returns, with the whole curves of recall.
type Ranking struct {
	Each       []Retrieval // by modality
	EachRecall []Recall
	All        Retrieval // by all together
	AllRecall  Recall
}

// Ranking computes what Rank does, and recall at every k: at all of few, at some 120 of many.
func (k *Ranker) Ranking(ctx context.Context, rows []*Rows) (Ranking, error) {
	k.check(rows)
	l := lineUp(rows, k.dev.Threads())
	if err := newSweep(k, l).run(ctx); err != nil {
		return Ranking{}, err
	}
	var r Ranking
	for m := range rows {
		toGenetics, toImage := l.found(m)
		r.Each, r.EachRecall = append(r.Each, retrieval(toGenetics, toImage)), append(r.EachRecall, recall(toGenetics, toImage))
	}
	if len(rows) == 1 {
		r.All, r.AllRecall = r.Each[0], r.EachRecall[0]
		return r, nil
	}
	toGenetics, toImage := l.found(len(rows))
	r.All, r.AllRecall = retrieval(toGenetics, toImage), recall(toGenetics, toImage)
	return r, nil
}

// recall returns the curves of persons by their places in both directions.
func recall(toGenetics, toImage []place) Recall {
	r := Recall{K: ranksShown(len(toGenetics))}
	r.ToGenetics, r.ToImage = within(toGenetics, r.K), within(toImage, r.K)
	return r
}

// within returns the share of places among the first k, by k.
func within(places []place, ks []int) []float64 {
	shares := make([]float64, len(ks))
	for i, k := range ks {
		for _, p := range places {
			shares[i] += p.within(k)
		}
		shares[i] /= float64(len(places))
	}
	return shares
}

// Of how many candidates every k is shown, and how many more are shown of many, in equal ratios.
const (
	everyRank = 60
	moreRanks = 60
)

// ranksShown returns 1 to n, of which those above everyRank are thinned out; n is always there.
func ranksShown(n int) []int {
	var ks []int
	for k := 1; k <= min(n, everyRank); k++ {
		ks = append(ks, k)
	}
	if n <= everyRank {
		return ks
	}
	ratio := float64(n) / everyRank
	for i := 1; i <= moreRanks; i++ {
		if k := int(math.Round(everyRank * math.Pow(ratio, float64(i)/moreRanks))); k > ks[len(ks)-1] {
			ks = append(ks, k)
		}
	}
	return ks
}
