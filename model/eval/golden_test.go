package eval

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/golden"
)

// goldenBound is the reference's for metrics, relative.
const goldenBound = 1e-12

// A goldenRetrieval is a case whose op is "retrieval": similarities of queries and candidates, of persons who may have
// several of either. Values are null where they are undefined.
type goldenRetrieval struct {
	similarity [][]float64 // by query and candidate
	own        [][]int     // by query: its person's candidates
	several    bool        // some query has more than one of them
	Ks         []int
	Metrics    struct {
		Hit        map[string]*float64
		Recall     map[string]*float64
		MedianRank *float64 `json:"median_rank"`
		MeanRank   *float64 `json:"mean_rank"`
		MRR        *float64
		Queries    int
	}
}

// TestGoldenRetrieval ranks the similarities of every golden case of retrieval, in either direction. Left out is what
// Rank has no notion of, a person having one row on either side: where a query has several own candidates, all that is about the
// best of them (recall is about each, and compared); and average precision, of which ties are not broken at random.
func TestGoldenRetrieval(t *testing.T) {
	dev, cases := openCPU(t, gpu.Options{}), 0
	for _, stored := range golden.Cases(t, "metrics") {
		var op struct{ Op string }
		if stored.Decode(t, &op); op.Op != "retrieval" {
			continue
		}
		cases++
		t.Run(stored.Label(), func(t *testing.T) {
			c := readRetrieval(t, stored)
			for direction, name := range []string{byImage: "image to genetics", byGenetics: "genetics to image"} {
				c.hold(t, name, c.rank(t, dev, direction))
			}
		})
	}
	if cases == 0 {
		t.Error("no case is about retrieval")
	}
}

func readRetrieval(t *testing.T, stored golden.Case) goldenRetrieval {
	var c goldenRetrieval
	stored.Decode(t, &c)
	query, candidate := stored.Tensor(t, "person_query").Data, stored.Tensor(t, "person_candidate").Data
	all := stored.Tensor(t, "similarity").Data
	for i, p := range query {
		c.similarity = append(c.similarity, all[i*len(candidate):(i+1)*len(candidate)])
		var own []int
		for j, q := range candidate {
			if p == q {
				own = append(own, j)
			}
		}
		c.own = append(c.own, own)
		c.several = c.several || len(own) > 1
	}
	return c
}

// rank returns where each own candidate of each query stands. Candidates are persons whose rows on one side are axes; the rows on
// the other are the similarities of a query to all of them. Lengths do not matter, to order or ties. A person has one row, so that
// it takes several rankings until every query was in one with every own candidate.
func (c goldenRetrieval) rank(t *testing.T, dev *gpu.Device, direction int) [][]place {
	places := make([][]place, len(c.own))
	dim, done := len(c.similarity[0]), 0
	for total := len(slices.Concat(c.own...)); done < total; {
		asks := map[int]int{} // by candidate: the query
		for q, own := range c.own {
			if k := len(places[q]); k < len(own) {
				if _, taken := asks[own[k]]; !taken {
					asks[own[k]] = q
					places[q] = append(places[q], place{})
				}
			}
		}
		found := c.rankOnce(t, dev, direction, dim, asks)
		for candidate, q := range asks {
			places[q][slices.Index(c.own[q], candidate)] = found[candidate]
		}
		done += len(asks)
	}
	return places
}

func (c goldenRetrieval) rankOnce(t *testing.T, dev *gpu.Device, direction, dim int, asks map[int]int) []place {
	r := NewRows(dim)
	for p := range dim {
		here, there := axis(dim, p, 1), make([]float64, dim)
		if q, ok := asks[p]; ok {
			there = c.similarity[q]
		}
		if direction == byGenetics {
			here, there = there, here
		}
		r.AddImage(p, there)
		r.SetGenetics(p, here)
	}
	k := newRanker(dev.NewArena(16<<20), 1, dim, leastSide)
	l := lineUp([]*Rows{r}, dev.Threads())
	if err := newSweep(k, l).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l.places[0][direction]
}

// hold compares the metrics of places with the case's.
func (c goldenRetrieval) hold(t *testing.T, way string, places [][]place) {
	t.Helper()
	places = slices.DeleteFunc(slices.Clone(places), func(own []place) bool { return len(own) == 0 })
	if len(places) != c.Metrics.Queries {
		t.Errorf("%s: %d queries have an own candidate, want %d", way, len(places), c.Metrics.Queries)
	}
	over := func(of func(p place) float64) float64 { // the mean over own candidates, then over queries
		sum := 0.0
		for _, own := range places {
			each := 0.0
			for _, p := range own {
				each += of(p)
			}
			sum += each / float64(len(own))
		}
		return sum / float64(len(places)) // NaN of none
	}
	for _, k := range c.Ks {
		within, key := over(func(p place) float64 { return p.within(k) }), strconv.Itoa(k)
		same(t, way+": recall at "+key, within, c.Metrics.Recall[key])
		if !c.several {
			same(t, way+": hit at "+key, within, c.Metrics.Hit[key])
		}
	}
	if c.several {
		return
	}
	same(t, way+": mean rank", over(place.rank), c.Metrics.MeanRank)
	same(t, way+": mean reciprocal rank", over(func(p place) float64 { return 1 / p.rank() }), c.Metrics.MRR)
	median := math.NaN()
	if len(places) > 0 {
		d := direction(slices.Concat(places...))
		median = d.MedianRank
		for key, got := range map[string]float64{"1": d.R1, "5": d.R5, "10": d.R10} {
			if want, ok := c.Metrics.Hit[key]; ok {
				same(t, way+": R@"+key, got, want)
			}
		}
	}
	same(t, way+": median rank", median, c.Metrics.MedianRank)
}

// same compares with a golden value; nil stands for undefined.
func same(t *testing.T, what string, got float64, want *float64) {
	t.Helper()
	switch {
	case want == nil && !math.IsNaN(got):
		t.Errorf("%s is %v, want it undefined", what, got)
	case want != nil && !(math.Abs(got-*want) <= goldenBound*math.Max(1, math.Abs(*want))):
		t.Errorf("%s is %v, want %v", what, got, *want)
	}
}
