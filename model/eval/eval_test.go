package eval

import (
	"math"
	"math/rand/v2"
	"testing"
)

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
	m := Retrieve(r)
	for _, d := range []Direction{m.ImageToGenetics, m.GeneticsToImage} {
		if d != (Direction{1, 1, 1, 1}) {
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
	m := Retrieve(r).ImageToGenetics
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
	m := Retrieve(r)
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
	m := Retrieve(r)
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
	m := RetrieveAll([]*Rows{a, b})
	if m.Candidates != 3 || m.ImageToGenetics.R1 != 1 || m.GeneticsToImage.R1 != 1 {
		t.Errorf("got %+v", m)
	}
	if one := Retrieve(a); one.Candidates != 2 {
		t.Errorf("modality a has %d candidates", one.Candidates)
	}
}

func TestNobody(t *testing.T) {
	if m := RetrieveAll([]*Rows{NewRows(3)}); m != (Retrieval{}) {
		t.Errorf("got %+v", m)
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
	m := Retrieve(r)
	if d := m.ImageToGenetics; math.Abs(d.MedianRank-150.5) > 30 || d.R10 > 0.1 {
		t.Errorf("got %+v", d)
	}
}
