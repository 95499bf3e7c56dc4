package rank

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"contig-gpu/model/explain/claims"
)

const features = 23

// rowsOf draws attributions and values of persons over many orders of magnitude.
func rowsOf(persons int) (a, x []float32) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range persons * features {
		scale := math.Exp2(float64(-i % features))
		a, x = append(a, float32(scale*(r.NormFloat64()+0.3))), append(x, float32(r.NormFloat64()))
	}
	return a, x
}

// added adds persons in this order and in chunks of this size.
func added(t *testing.T, order []int, chunk int) *Accumulator {
	t.Helper()
	a, x := rowsOf(len(order))
	r := New(features, 50, 9)
	for lo := 0; lo < len(order); lo += chunk {
		part := order[lo:min(lo+chunk, len(order))]
		var pa, px []float32
		for _, p := range part {
			pa, px = append(pa, a[p*features:(p+1)*features]...), append(px, x[p*features:(p+1)*features]...)
		}
		if err := r.Add(part, pa, px); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// TestChunksDoNotMatter: tables are equal to the last bit, whatever the order of persons and the size of chunks.
func TestChunksDoNotMatter(t *testing.T) {
	order := upTo(301)
	units := []claims.Unit{{Features: []int{3, 4, 7}}, {Features: []int{22}}, {}}
	want := added(t, order, 301)
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 3))
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		got := added(t, order, 1+int(seed)*13)
		if g, w := fmt.Sprintf("%x", got.Table()), fmt.Sprintf("%x", want.Table()); g != w {
			t.Errorf("in another order the table is\n%s, want\n%s", g, w)
		}
		if g, w := fmt.Sprintf("%x", got.Groups(units)), fmt.Sprintf("%x", want.Groups(units)); g != w {
			t.Errorf("in another order the groups are\n%s, want\n%s", g, w)
		}
	}
}

// TestTableIsByDefinition compares with sums over persons.
func TestTableIsByDefinition(t *testing.T) {
	const n = 301
	a, x := rowsOf(n)
	for j, f := range added(t, upTo(n), 40).Table() {
		var abs, sum, sx, positive float64
		for i := range n {
			v := float64(a[i*features+j])
			abs, sum, sx = abs+math.Abs(v)/n, sum+v/n, sx+float64(x[i*features+j])/n
			if v > 0 {
				positive += 1.0 / n
			}
		}
		var aa, xx, ax float64
		for i := range n {
			da, dx := float64(a[i*features+j])-sum, float64(x[i*features+j])-sx
			aa, xx, ax = aa+da*da, xx+dx*dx, ax+da*dx
		}
		for k, v := range [][2]float64{{f.MeanAbs, abs}, {f.Mean, sum}, {f.SD, math.Sqrt(aa / (n - 1))}, {f.Positive, positive}, {f.Correlation, ax / math.Sqrt(aa*xx)}} {
			if math.Abs(v[0]-v[1]) > 1e-9*math.Abs(v[1]) {
				t.Errorf("feature %d, value %d: %g, want %g", j, k, v[0], v[1])
			}
		}
		if se := f.SD / math.Sqrt(n); !(f.Low < f.MeanAbs && f.MeanAbs < f.High && f.High-f.Low < 6*se && f.High-f.Low > se) {
			t.Errorf("feature %d: interval [%g, %g] of %g, standard error at most %g", j, f.Low, f.High, f.MeanAbs, se)
		}
	}
}

// TestIntervalCovers: of many cohorts nearly 95 % have the true mean |A| in their interval.
func TestIntervalCovers(t *testing.T) {
	const width, n = 400, 200
	r := rand.New(rand.NewPCG(5, 5))
	a := make([]float32, width*n)
	for i := range a {
		a[i] = float32(r.NormFloat64())
	}
	acc := New(width, 0, 3)
	if err := acc.Add(upTo(n), a, make([]float32, len(a))); err != nil {
		t.Fatal(err)
	}
	covered, truth := 0.0, math.Sqrt(2/math.Pi)
	for _, f := range acc.Table() {
		if f.Low <= truth && truth <= f.High {
			covered++
		}
		if !math.IsNaN(f.Correlation) {
			t.Fatal("a constant feature has a correlation")
		}
	}
	if share := covered / width; share < 0.90 || share > 0.985 {
		t.Errorf("%.3f of the intervals cover the mean", share)
	}
}

// TestNotFinite: an attribution that is not finite is an error and leaves the table as it was.
func TestNotFinite(t *testing.T) {
	r := New(2, 5, 1)
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(-1))} {
		if err := r.Add([]int{0}, []float32{1, bad}, []float32{0, 0}); err == nil || r.Persons() != 0 {
			t.Errorf("%g: error %v, %d persons", bad, err, r.Persons())
		}
	}
}

func TestGroupsTakeTheLargest(t *testing.T) {
	r := New(3, 5, 1)
	if err := r.Add([]int{4}, []float32{1, -3, 3}, []float32{0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	g := r.Groups([]claims.Unit{{Features: []int{0, 1, 2}}, {Features: []int{0}}, {}})
	if g[0].MeanAbs != 3 || g[0].Feature != 1 || g[1].MeanAbs != 1 || g[2].Feature != -1 || !math.IsNaN(g[2].MeanAbs) {
		t.Errorf("groups %+v", g)
	}
}

func TestRankAgreement(t *testing.T) {
	if got := Largest([]float64{1, math.NaN(), 3, 1, 3}); !slices.Equal(got, []int{2, 4, 0, 3, 1}) {
		t.Errorf("largest first: %v", got)
	}
	// By hand: ranks (0, 1.5, 1.5, 3) and (1, 0, 2, 3): 3 / sqrt(4.5 x 5).
	if got, want := Spearman([]float64{1, 2, 2, 9}, []float64{5, 4, 6, 7}), 3/math.Sqrt(4.5*5); math.Abs(got-want) > 1e-15 {
		t.Errorf("Spearman %g, want %g", got, want)
	}
	if !math.IsNaN(Spearman([]float64{1, 1}, []float64{1, 2})) {
		t.Error("a constant has a rank correlation")
	}
	s := StabilityOf([][]float64{{1, 2, 3}, {10, 20, 30}, {3, 2, 1}})
	if s.Draws != 3 || math.Abs(s.Spearman+1.0/3) > 1e-15 || s.Overlap != 1 || Overlap([]float64{1, 2, 3}, []float64{3, 2, 1}, 1) != 0 {
		t.Errorf("stability %+v", s)
	}
}
