package eval

import (
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

	R1Interval  Interval `json:"r1_interval,omitzero"` // 95 %, of R1; zero in files of older versions
	R10Interval Interval `json:"r10_interval,omitzero"`
}

// Retrieval holds the metrics of one modality, or of all together.
type Retrieval struct {
	ImageToGenetics Direction `json:"image_to_genetics"`
	GeneticsToImage Direction `json:"genetics_to_image"`
	Candidates      int       `json:"candidates"` // persons
	ChanceR1        float64   `json:"chance_r1"`  // 1 / Candidates
	ChanceR10       float64   `json:"chance_r10"` // 10 / Candidates, at most 1; 0 in files of older versions
}

// retrieval returns the metrics of n persons by their places in both directions, in the same order.
func retrieval(toGenetics, toImage []place) Retrieval {
	n := len(toGenetics)
	if n == 0 {
		return Retrieval{}
	}
	return Retrieval{direction(toGenetics), direction(toImage), n, 1 / float64(n), float64(min(n, 10)) / float64(n)}
}

// A place is where a query's own row stands: how many others score higher, and how many the same.
type place struct{ above, tied int }

// within returns the probability to rank among the first k with ties broken at random.
func (p place) within(k int) float64 {
	return min(1, max(0, float64(k-p.above)/float64(p.tied+1)))
}

// rank returns the expected rank.
func (p place) rank() float64 { return 1 + float64(p.above) + float64(p.tied)/2 }

// direction sums in the order of the places, of which there is one at least.
func direction(places []place) Direction {
	var d Direction
	n := float64(len(places))
	ranks := make([]float64, len(places))
	for i, p := range places {
		d.R1 += p.within(1)
		d.R5 += p.within(5)
		d.R10 += p.within(10)
		ranks[i] = p.rank()
	}
	d.R1, d.R5, d.R10 = d.R1/n, d.R5/n, d.R10/n
	d.MedianRank = median(ranks)
	d.R1Interval, d.R10Interval = intervals(places)
	return d
}

func median(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// parallel calls f(i) for all i in [0, n) from several goroutines, from one for each processor if threads is 0.
func parallel(threads, n int, f func(i int)) {
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, threads) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}
