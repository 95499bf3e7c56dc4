package eval

import (
	"maps"
	"math"
	"slices"
)

// An embedded is what a model gave for a modality's persons, from which Rows are made.
type embedded struct {
	images   map[int][][]float64
	genetics map[int][]float64
}

func newEmbedded() embedded { return embedded{map[int][][]float64{}, map[int][]float64{}} }

func (e embedded) rows(dim int) *Rows {
	r := NewRows(dim)
	for p, zs := range e.images {
		for _, z := range zs {
			r.AddImage(p, z)
		}
	}
	for p, w := range e.genetics {
		r.SetGenetics(p, w)
	}
	return r
}

// A reference ranks everybody one by one, by nothing but the definitions of the package's documentation and of Rank.
type reference struct {
	sum func(terms []float64) float64 // in which order a product's terms are summed
}

// strands is the order that the package documents.
func strands(terms []float64) float64 {
	var s [4]float64
	for i, x := range terms {
		if i < len(terms)/4*4 {
			s[i%4] += x
		} else {
			s[0] += x
		}
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// plain sums from first to last.
func plain(terms []float64) float64 {
	s := 0.0
	for _, x := range terms {
		s += x
	}
	return s
}

func (r reference) product(a, b []float64) float64 {
	terms := make([]float64, len(a))
	for i := range a {
		terms[i] = a[i] * b[i]
	}
	return r.sum(terms)
}

func (r reference) unit(x []float64) []float64 {
	u, length := make([]float64, len(x)), math.Max(1e-12, math.Sqrt(r.product(x, x)))
	for i := range x {
		u[i] = x[i] / length
	}
	return u
}

// image is the mean of the unit rows of a person's images, to unit length; a sum is as good as a mean.
func (r reference) image(zs [][]float64) []float64 {
	sum := make([]float64, len(zs[0]))
	for _, z := range zs {
		for i, x := range r.unit(z) {
			sum[i] += x
		}
	}
	return r.unit(sum)
}

// retrieval is that by the mean similarity over the modalities that both persons of a pair have, among those who have any.
func (r reference) retrieval(modalities ...embedded) Retrieval {
	type pair struct{ image, genetics []float64 }
	has := make([]map[int]pair, len(modalities))
	everybody := map[int]bool{}
	for m, e := range modalities {
		has[m] = map[int]pair{}
		for p, zs := range e.images {
			if w, ok := e.genetics[p]; ok {
				has[m][p], everybody[p] = pair{r.image(zs), r.unit(w)}, true
			}
		}
	}
	persons := slices.Sorted(maps.Keys(everybody))
	similarity := make([][]float64, len(persons)) // of image i and genetics j
	for i, p := range persons {
		similarity[i] = make([]float64, len(persons))
		for j, q := range persons {
			sum, n := 0.0, 0.0
			for m := range modalities {
				a, hasA := has[m][p]
				b, hasB := has[m][q]
				if hasA && hasB {
					sum, n = sum+r.product(a.image, b.genetics), n+1
				}
			}
			if similarity[i][j] = sum / n; n == 0 {
				similarity[i][j] = math.Inf(-1)
			}
		}
	}
	return metricsOf(similarity)
}

// metricsOf ranks by similarities of which own ones are on the diagonal.
func metricsOf(similarity [][]float64) Retrieval {
	n := len(similarity)
	if n == 0 {
		return Retrieval{}
	}
	transposed := make([][]float64, n)
	for i := range similarity {
		for j := range similarity {
			transposed[i] = append(transposed[i], similarity[j][i])
		}
	}
	return Retrieval{metricsOneWay(similarity), metricsOneWay(transposed), n, 1 / float64(n), min(1, 10/float64(n))}
}

func metricsOneWay(similarity [][]float64) Direction {
	var d Direction
	var ranks []float64
	var places []place
	for i, candidates := range similarity {
		above, tied := 0, 0
		for j, s := range candidates {
			switch own := candidates[i]; {
			case j == i:
			case s > own:
				above++
			case s == own, math.IsNaN(s), math.IsNaN(own):
				tied++
			}
		}
		places = append(places, place{above, tied})
		// The own row has each of these ranks equally often.
		var first, five, ten, sum float64
		for rank := above + 1; rank <= above+tied+1; rank++ {
			sum += float64(rank)
			for k, within := range map[int]*float64{1: &first, 5: &five, 10: &ten} {
				if rank <= k {
					*within++
				}
			}
		}
		orders := float64(tied + 1)
		d.R1, d.R5, d.R10 = d.R1+first/orders, d.R5+five/orders, d.R10+ten/orders
		ranks = append(ranks, sum/orders)
	}
	n := len(ranks)
	d.R1, d.R5, d.R10 = d.R1/float64(n), d.R5/float64(n), d.R10/float64(n)
	slices.Sort(ranks)
	d.MedianRank = (ranks[(n-1)/2] + ranks[n/2]) / 2
	d.R1Interval, d.R10Interval = intervals(places) // of the same places; TestIntervals... are about these
	return d
}
