package eval

import (
	"math"
	"math/rand/v2"
	"testing"

	"contig-gpu/gpu"
)

// rank computes the retrieval by modality and by all, on a CPU device.
func rank(t testing.TB, dim int, rows ...*Rows) ([]Retrieval, Retrieval) {
	t.Helper()
	return rankOn(t, openCPU(t, gpu.Options{}), largestSide, dim, rows)
}

func openCPU(t testing.TB, o gpu.Options) *gpu.Device {
	t.Helper()
	dev, err := gpu.Open("cpu", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev
}

// rankOn takes exactly the memory that a planning device counts.
func rankOn(t testing.TB, dev *gpu.Device, side, dim int, rows []*Rows) ([]Retrieval, Retrieval) {
	t.Helper()
	r := rankingOn(t, dev, side, dim, rows)
	return r.Each, r.All
}

func rankingOn(t testing.TB, dev *gpu.Device, side, dim int, rows []*Rows) Ranking {
	t.Helper()
	counted := dev.Plan().NewArena(0)
	newRanker(counted, len(rows), dim, side).Rehearse()
	a := dev.NewArena(counted.Peak())
	defer a.Close()
	r, err := newRanker(a, len(rows), dim, side).Ranking(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// alone is rank of one modality.
func alone(t testing.TB, dim int, r *Rows) Retrieval {
	t.Helper()
	each, _ := rank(t, dim, r)
	return each[0]
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12 {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// axis returns the k-th unit vector times a length, which must not matter.
func axis(dim, k int, length float64) []float64 {
	v := make([]float64, dim)
	v[k] = length
	return v
}

func TestPerfectRetrieval(t *testing.T) {
	r := NewRows(20)
	for p := range 20 {
		r.AddImage(p, axis(20, p, 3))
		r.AddImage(p, axis(20, p, 0.1))
		r.SetGenetics(p, axis(20, p, float64(p+1)))
	}
	m := alone(t, 20, r)
	for _, d := range []Direction{m.ImageToGenetics, m.GeneticsToImage} {
		if d.R1 != 1 || d.R5 != 1 || d.R10 != 1 || d.MedianRank != 1 {
			t.Errorf("got %+v", d)
		}
	}
	near(t, "chance", m.ChanceR1, 0.05)
}

func TestConstantEmbeddingsAreAtChance(t *testing.T) {
	r := NewRows(4)
	for p := range 40 {
		r.AddImage(p, axis(4, 0, 1))
		r.SetGenetics(p, axis(4, 0, 1))
	}
	m := alone(t, 4, r).ImageToGenetics
	near(t, "r1", m.R1, 1.0/40)
	near(t, "r5", m.R5, 5.0/40)
	near(t, "r10", m.R10, 10.0/40)
	near(t, "median", m.MedianRank, 20.5)
}

func TestShiftedByOne(t *testing.T) {
	r := NewRows(8)
	for p := range 8 {
		z := axis(8, (p+1)%8, 1)
		z[p] = 0.5
		r.AddImage(p, z)
		r.SetGenetics(p, axis(8, p, 1))
	}
	m := alone(t, 8, r)
	near(t, "r1", m.ImageToGenetics.R1, 0)
	near(t, "r5", m.GeneticsToImage.R5, 1)
	near(t, "median", m.GeneticsToImage.MedianRank, 2)
}

func TestDirectionsDiffer(t *testing.T) {
	// Every image points at genetics 0: only person 0 finds their own, but genetics 1 sees all images alike.
	r := NewRows(2)
	for p := range 2 {
		r.AddImage(p, axis(2, 0, 1))
		r.SetGenetics(p, axis(2, p, 1))
	}
	m := alone(t, 2, r)
	near(t, "image to genetics", m.ImageToGenetics.R1, 0.5)
	near(t, "genetics to image", m.GeneticsToImage.R1, 0.5)
	near(t, "median", m.ImageToGenetics.MedianRank, 1.5)
}

func TestImagesAreAveragedAsUnitRows(t *testing.T) {
	r := NewRows(2)
	r.AddImage(0, []float64{1000, 0})
	r.AddImage(0, []float64{0, 1})
	near(t, "row", r.Image(0)[0], math.Sqrt(0.5))
	near(t, "row", r.Image(0)[1], math.Sqrt(0.5))
}

func TestAllUsesCommonModalities(t *testing.T) {
	a, b := NewRows(3), NewRows(3)
	for p := range 3 {
		a.AddImage(p, axis(3, p, 1))
		b.AddImage(p, axis(3, p, 1))
	}
	a.SetGenetics(0, axis(3, 0, 1))
	a.SetGenetics(1, axis(3, 1, 1))
	b.SetGenetics(2, axis(3, 2, 1))
	each, m := rank(t, 3, a, b)
	if m.Candidates != 3 || m.ImageToGenetics.R1 != 1 || m.GeneticsToImage.R1 != 1 {
		t.Errorf("got %+v", m)
	}
	if one := each[0]; one.Candidates != 2 {
		t.Errorf("modality a has %d candidates", one.Candidates)
	}
}

func TestNobody(t *testing.T) {
	each, all := rank(t, 3, NewRows(3), NewRows(3))
	if none := (Retrieval{}); all != none || each[0] != none || each[1] != none {
		t.Errorf("got %+v and %+v", each, all)
	}
}

func TestRandomIsNearChance(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	r := NewRows(16)
	v := func() []float64 {
		x := make([]float64, 16)
		for i := range x {
			x[i] = g.NormFloat64()
		}
		return x
	}
	for p := range 300 {
		r.AddImage(p, v())
		r.SetGenetics(p, v())
	}
	m := alone(t, 16, r)
	if d := m.ImageToGenetics; math.Abs(d.MedianRank-150.5) > 30 || d.R10 > 0.1 {
		t.Errorf("got %+v", d)
	}
}
