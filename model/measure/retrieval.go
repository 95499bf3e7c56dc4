package measure

import (
	"math"
	"slices"
)

// A Found is what a retrieval comes to: of each query, the own candidates are those of its person. Where similarities are equal their order is drawn, and these are expectations.
type Found struct {
	Hit, Recall         []float64 // for each k: that an own candidate is among the first k; the share of them there
	MedianRank          float64   // of the best own candidate, 1 being the best
	MeanRank            float64
	MRR, MAP            float64 // mean of 1 / rank; mean average precision by the step sum
	Queries             int     // with an own candidate; the others are left out
	rank, reciprocal, p []float64
}

// Retrieve compares every query with every candidate; similarity is [queries, candidates]. All are NaN where no query has an own candidate.
func Retrieve(similarity []float64, query, candidate []int, ks []int) *Found {
	f := &Found{Hit: make([]float64, len(ks)), Recall: make([]float64, len(ks))}
	own := make([]bool, len(candidate))
	for i, person := range query {
		any := false
		for j, c := range candidate {
			own[j] = c == person
			any = any || own[j]
		}
		if any {
			f.add(Rank(own, similarity[i*len(candidate):][:len(candidate)]), ks)
		}
	}
	f.Queries = len(f.rank)
	n := float64(f.Queries)
	for a := range ks {
		f.Hit[a] /= n
		f.Recall[a] /= n
	}
	f.MeanRank, f.MRR, f.MAP, f.MedianRank = Mean(f.rank, nil), Mean(f.reciprocal, nil), Mean(f.p, nil), math.NaN()
	if slices.Sort(f.rank); f.Queries > 0 {
		f.MedianRank = (f.rank[(f.Queries-1)/2] + f.rank[f.Queries/2]) / 2
	}
	return f
}

// add counts one query.
func (f *Found) add(r *Ranking, ks []int) {
	recall, best := make([]float64, len(ks)), true
	owned, _ := r.groups(nil, func(_ int, p, n, above, below float64) {
		if p == 0 {
			return
		}
		for a, k := range ks {
			room := min(1, max(0, (float64(k)-above-below)/(p+n)))
			recall[a] += p * room
			if best {
				f.Hit[a] += 1 - missed(p, p+n, min(p+n, max(0, float64(k)-below)))
			}
		}
		if best {
			rank := 1 + below + n/(p+1)
			f.rank, f.reciprocal, best = append(f.rank, rank), append(f.reciprocal, 1/rank), false
		}
	})
	for a := range ks {
		f.Recall[a] += recall[a] / owned
	}
	f.p = append(f.p, r.AveragePrecision(nil))
}

// missed is the chance that none of own rows is among the first room of all tied ones.
func missed(own, tied, room float64) float64 {
	miss := 1.0
	for t := range int(own) {
		miss *= max(tied-room-float64(t), 0) / (tied - float64(t))
	}
	return miss
}
