package eval

import (
	"math"
	"slices"
)

// similarity gives the score of query i and candidate j.
type similarity func(i, j int) float64

// reference ranks n candidates for each of n queries one by one, in both directions; i's match is i.
func reference(n int, sim similarity) Retrieval {
	var there, back []place
	for i := range n {
		there = append(there, placeOf(i, n, sim))
		back = append(back, placeOf(i, n, func(i, j int) float64 { return sim(j, i) }))
	}
	return retrieval(there, back)
}

func placeOf(i, n int, sim similarity) place {
	own := sim(i, i)
	var p place
	for j := range n {
		if j == i {
			continue
		}
		switch s := sim(i, j); {
		case s > own:
			p.above++
		case s == own || math.IsNaN(s) || math.IsNaN(own):
			p.tied++
		}
	}
	return p
}

// referenceOf is the retrieval by the mean float64 similarity over the modalities that both persons of a pair have, among
// those who have any.
func referenceOf(rows ...*Rows) Retrieval {
	var persons []int
	for _, r := range rows {
		persons = append(persons, r.complete()...)
	}
	slices.Sort(persons)
	persons = slices.Compact(persons)
	image, genetics := make([][][]float64, len(rows)), make([][][]float64, len(rows))
	for m, r := range rows {
		for _, p := range persons {
			image[m], genetics[m] = append(image[m], r.Image(p)), append(genetics[m], r.Genetics(p))
		}
	}
	return reference(len(persons), func(i, j int) float64 {
		sum, n := 0.0, 0
		for m := range rows {
			if genetics[m][i] != nil && genetics[m][j] != nil && image[m][i] != nil && image[m][j] != nil {
				sum, n = sum+dot(image[m][i], genetics[m][j]), n+1
			}
		}
		if n == 0 {
			return math.Inf(-1)
		}
		return sum / float64(n)
	})
}
