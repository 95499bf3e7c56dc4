// Package eval judges a model by cross-modal retrieval among persons: given the images of one, find their
// genetics among everybody's, and the reverse.
//
//	r := eval.NewRows(persons, dim)
//	r.AddImage(person, embedding)     // once per image, unit length not needed
//	r.SetGenetics(person, embedding)
//	m := eval.Retrieve(r)
//
// Ties are neither luck nor a trap: ranks and recalls are those expected when ties are broken at random.
package eval

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Direction holds the metrics of one direction of retrieval.
type Direction struct {
	R1         float64 `json:"r1"`          // share of persons whose own row ranks first
	R5         float64 `json:"r5"`          // share within the first 5
	R10        float64 `json:"r10"`         // share within the first 10
	MedianRank float64 `json:"median_rank"` // 1 is best
}

// Retrieval holds the metrics of one modality, or of all together.
type Retrieval struct {
	ImageToGenetics Direction `json:"image_to_genetics"`
	GeneticsToImage Direction `json:"genetics_to_image"`
	Candidates      int       `json:"candidates"` // persons
	ChanceR1        float64   `json:"chance_r1"`  // 1 / Candidates
}

// similarity gives the score of query i and candidate j; it must be safe for several goroutines.
type similarity func(i, j int) float64

// retrieve ranks n candidates for each of n queries, in both directions; i's match is i.
func retrieve(n int, sim similarity) Retrieval {
	if n == 0 {
		return Retrieval{}
	}
	return Retrieval{
		ImageToGenetics: direction(n, sim),
		GeneticsToImage: direction(n, func(i, j int) float64 { return sim(j, i) }),
		Candidates:      n,
		ChanceR1:        1 / float64(n),
	}
}

// A place is where a query's own row stands: how many others score higher, and how many the same.
type place struct{ above, tied int }

// within returns the probability to rank among the first k with ties broken at random.
func (p place) within(k int) float64 {
	return min(1, max(0, float64(k-p.above)/float64(p.tied+1)))
}

// rank returns the expected rank.
func (p place) rank() float64 { return 1 + float64(p.above) + float64(p.tied)/2 }

func direction(n int, sim similarity) Direction {
	places := make([]place, n)
	parallel(n, func(i int) { places[i] = placeOf(i, n, sim) })
	var d Direction
	ranks := make([]float64, n)
	for i, p := range places {
		d.R1 += p.within(1)
		d.R5 += p.within(5)
		d.R10 += p.within(10)
		ranks[i] = p.rank()
	}
	d.R1, d.R5, d.R10 = d.R1/float64(n), d.R5/float64(n), d.R10/float64(n)
	d.MedianRank = median(ranks)
	return d
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

func median(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// parallel calls f(i) for all i in [0, n), on all processors.
func parallel(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}
