package heldout

import (
	"fmt"
	"math"

	"contig-gpu/model/explain/claims"
)

// mostDonors is how many persons' genetics a person's own are compared with, in Whole: the mean over some of them varies less than one.
const mostDonors = 16

// Whole tests a modality as one unit: whether exchanging all of it between persons raises the loss of held-out persons. genetics are the embeddings of o.Persons, of any length; those without
// the modality are left out. Where it does not, whatever single units seem to do is chance.
func Whole(o Options, genetics [][]float32) (claims.Increase, error) {
	if len(genetics) != len(o.Persons) || len(o.Image) != len(o.Persons) {
		panic(fmt.Sprintf("heldout: Whole: %d and %d embeddings of %d persons", len(o.Image), len(genetics), len(o.Persons)))
	}
	s, err := newSubjects(&o)
	if err != nil {
		return claims.Increase{}, err
	}
	of := make(map[int][]float64, len(o.Persons))
	for i, p := range o.Persons {
		of[p] = unit(genetics[i])
	}
	next := make(map[int]int, len(s.person))
	for i, p := range s.person {
		next[p] = s.donor[i]
	}
	var sum claims.Paired
	for i, p := range s.person {
		changed, n := 0.0, 0.0
		for d := next[p]; d != p && n < mostDonors; d = next[d] {
			changed += s.loss(i, of[d], o.Tau)
			n++
		}
		if n == 0 {
			sum.Add(0) // alone in a stratum
			continue
		}
		sum.Add(changed/n - s.loss(i, of[p], o.Tau))
	}
	return sum.Test(), nil
}

// AtLeast raises the Q of each unit to q where it is less. NaN stays.
func (r *Result) AtLeast(least, q float64) {
	for u, v := range r.Q {
		r.Q[u] = math.Max(v, least)
	}
	r.Claimed = claims.AtMost(r.Q, q)
}
