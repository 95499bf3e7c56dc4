package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"contig-gpu/gpu"
)

// TestGeometry: what is known of rows that are alike, of axes, and of rows all around; as many rows as dimensions, more, and fewer.
func TestGeometry(t *testing.T) {
	same := slices.Repeat([][]float64{{0.6, 0.8, 0}}, 7)
	if g := GeometryOf(same); math.Abs(g.EffectiveRank-1) > 1e-9 || g.Spread > 1e-9 || math.Abs(g.Uniformity) > 1e-9 || g.Persons != 7 || g.Dimensions != 3 {
		t.Errorf("alike: %+v", g)
	}
	for _, c := range []struct{ dim, times int }{{4, 1}, {4, 5}, {9, 1}} {
		var rows [][]float64
		for range c.times {
			for k := range c.dim {
				rows = append(rows, axis(c.dim, k, 1), axis(c.dim, k, -3)) // lengths do not matter
			}
		}
		g := GeometryOf(rows)
		roughly(t, "effective rank", g.EffectiveRank, float64(c.dim))
		near(t, "spread", g.Spread, 1)
		n, k := float64(len(rows)), float64(c.times) // pairs: of the same row, of the opposite, and at right angles
		near(t, "uniformity", g.Uniformity, math.Log(((k-1)+k*math.Exp(-8)+(n-2*k)*math.Exp(-4))/(n-1)))
	}
	wide := GeometryOf([][]float64{{1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 1, 0, 0}})
	roughly(t, "effective rank of three rows", wide.EffectiveRank, 2)
	near(t, "spread of three rows", wide.Spread, 1-1.0/3)
	if g := GeometryOf([][]float64{{1, 2}}); g.Persons != 1 || g.EffectiveRank != 0 {
		t.Errorf("of one: %+v", g)
	}
}

// roughly compares what follows from eigenvalues, which are known to a millionth of the largest.
func roughly(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-4*want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestMatch: own pairs against those of others, by hand.
func TestMatch(t *testing.T) {
	m := MatchOf([][]float64{{1, 0}, {0, 1}}, [][]float64{{1, 0}, {0.6, 0.8}})
	near(t, "own", m.Own, (0+2-2*0.8)/2)
	near(t, "others", m.Others, (2-2*0.6+2-0)/2)
}

// TestRankingIsRank: curves of recall go through the recalls, rise and end at 1; the queries of all persons have the ranks of Rank.
func TestRankingIsRank(t *testing.T) {
	for seed := range uint64(6) {
		d := draw{rand.New(rand.NewPCG(seed, 1)), 7, 0.5, 0.1 * float64(seed%2), 0.2}
		persons := []int{3, 8, 40, 90, 200, 500}[seed]
		rows := []*Rows{d.modality(persons).rows(7), d.modality(persons).rows(7)}
		r := rankingOn(t, openCPU(t, gpu.Options{}), 64, 7, rows)
		for m := range rows {
			holdRecall(t, r.Each[m], r.EachRecall[m])
		}
		holdRecall(t, r.All, r.AllRecall)
		var toGenetics, toImage []float64
		for _, q := range Queries(rows, math.MaxInt, 3) {
			if q.Candidates != r.All.Candidates || len(q.ByImage) > 3 {
				t.Errorf("%+v of %d", q, r.All.Candidates)
			}
			toGenetics, toImage = append(toGenetics, q.ToGenetics), append(toImage, q.ToImage)
		}
		if len(toGenetics) > 0 {
			near(t, "median rank of genetics", median(toGenetics), r.All.ImageToGenetics.MedianRank)
			near(t, "median rank of images", median(toImage), r.All.GeneticsToImage.MedianRank)
		}
	}
}

func holdRecall(t *testing.T, r Retrieval, c Recall) {
	t.Helper()
	if r.Candidates == 0 {
		return
	}
	if c.K[0] != 1 || c.K[len(c.K)-1] != r.Candidates || len(c.K) > everyRank+moreRanks || !slices.IsSorted(c.K) || len(slices.Compact(slices.Clone(c.K))) != len(c.K) {
		t.Errorf("ranks %v of %d", c.K, r.Candidates)
	}
	for d, way := range map[*Direction][]float64{&r.ImageToGenetics: c.ToGenetics, &r.GeneticsToImage: c.ToImage} {
		for i, k := range c.K {
			if want, ok := map[int]float64{1: d.R1, 5: d.R5, 10: d.R10, r.Candidates: 1}[k]; ok && math.Abs(way[i]-want) > 1e-12 {
				t.Errorf("recall@%d is %v, want %v", k, way[i], want)
			}
		}
		if !slices.IsSorted(way) {
			t.Errorf("recall falls: %v", way)
		}
	}
}

// TestNearest: those of the most similar come first, the own one among them where it is; persons without a modality in common are last.
func TestNearest(t *testing.T) {
	r, other := NewRows(2), NewRows(2)
	for p, angle := range []float64{0, 0.1, 0.3, 2} {
		r.AddImage(p, []float64{math.Cos(angle), math.Sin(angle)})
		r.SetGenetics(p, []float64{math.Cos(angle + 0.15), math.Sin(angle + 0.15)})
	}
	other.AddImage(9, []float64{1, 0})
	other.SetGenetics(9, []float64{1, 0})
	q := Queries([]*Rows{r, other}, 5, 3)
	if !slices.Equal(q[1].ByImage, []int{0, 1, 2}) || !slices.Equal(q[1].ByGenome, []int{2, 1, 0}) || q[1].ToGenetics != 2 || q[1].ToImage != 2 {
		t.Errorf("%+v", q[1])
	}
	if q[4].Person != 9 || q[4].ToGenetics != 1 || q[4].ByImage[0] != 9 {
		t.Errorf("%+v", q[4])
	}
}
