package eval

import "math"

// A Query is a person looked for among all by the mean similarity over the modalities that two persons have in common.
type Query struct {
	ToGenetics float64 `json:"to_genetics"` // rank of the own genetics by the image: 1 is best, ties count half
	ToImage    float64 `json:"to_image"`    // rank of the own image by the genetics
	Candidates int     `json:"candidates"`

	Person            int   `json:"-"`
	ByImage, ByGenome []int `json:"-"` // persons whose genetics, or whose images, are nearest, the nearest first
}

// Queries looks for n persons, evenly from all who have both rows of any modality, and notes the nearest so many of each.
func Queries(rows []*Rows, n, nearest int) []Query {
	persons := anyOf(rows)
	n = min(n, len(persons))
	out := make([]Query, n)
	parallel(0, n, func(k int) {
		out[k] = ask(rows, persons, persons[k*len(persons)/n], nearest)
	})
	return out
}

func ask(rows []*Rows, persons []int, who, nearest int) Query {
	toGenetics, toImage := make([]float64, len(persons)), make([]float64, len(persons))
	own := 0
	for i, p := range persons {
		toGenetics[i], toImage[i] = similar(rows, who, p), similar(rows, p, who)
		if p == who {
			own = i
		}
	}
	q := Query{Person: who, Candidates: len(persons), ToGenetics: rankOf(toGenetics, own), ToImage: rankOf(toImage, own)}
	q.ByImage, q.ByGenome = first(toGenetics, persons, nearest), first(toImage, persons, nearest)
	return q
}

// similar returns how similar the images of one person are to the genetics of another, -Inf where they have no modality in common.
func similar(rows []*Rows, image, genetics int) float64 {
	sum, n := 0.0, 0.0
	for _, r := range rows {
		u, v := r.Image(image), r.Genetics(genetics)
		if r.Genetics(image) != nil && r.image.row(genetics) != nil && u != nil && v != nil {
			sum, n = sum+dot(u, v), n+1
		}
	}
	if n == 0 {
		return math.Inf(-1)
	}
	return sum / n
}

// rankOf returns the expected rank of one of the values, where ties are broken at random and NaN ties with all.
func rankOf(values []float64, own int) float64 {
	var p place
	for i, v := range values {
		switch {
		case i == own:
		case v > values[own]:
			p.above++
		case v == values[own] || math.IsNaN(v) || math.IsNaN(values[own]):
			p.tied++
		}
	}
	return p.rank()
}

// first returns the persons of the n largest values, the first of equals first; NaN is smallest.
func first(values []float64, persons []int, n int) []int {
	var out []int
	taken := make([]bool, len(values))
	for range min(n, len(values)) {
		best := -1
		for i, v := range values {
			if !taken[i] && !math.IsNaN(v) && (best < 0 || v > values[best]) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		taken[best] = true
		out = append(out, persons[best])
	}
	return out
}
