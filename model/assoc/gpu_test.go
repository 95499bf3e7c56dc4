package assoc

import (
	"math"
	"math/rand/v2"
	"testing"

	"contig-gpu/gpu/gputest"
)

// TestScanOnGPU: on a GPU, whose products are float32, t is within 1e-5 of that of the CPU, or a millionth of it where it is large; persons, frequencies and what is undefined are the same. So it is with few and many persons of
// those of the genotypes, with and without missing genotypes, and where what is left of a sum is small.
func TestScanOnGPU(t *testing.T) {
	dev := gputest.OpenEmulated(t)
	for _, c := range []struct {
		name             string
		persons, of, nth int
		missing          float64
		o                Options
	}{
		{"complete", 301, 301, 1, 0, Options{}},
		{"missing", 300, 300, 1, 0.03, Options{}},
		{"imputed", 300, 300, 1, 0.03, Options{ImputeMean: true}},
		{"few of the genotypes", 100, 400, 4, 0.01, Options{}},
	} {
		g := rand.New(rand.NewPCG(uint64(c.of), 21))
		const variants = 70
		src := draw(g, variants, c.of, c.missing)
		s := Study{Covariates: [][]float64{normals(g, c.persons), normals(g, c.persons)}, Traits: [][]float64{normals(g, c.persons), normals(g, c.persons), normals(g, c.persons)}}
		for i := range c.persons {
			s.Persons = append(s.Persons, i*c.nth)
			s.Covariates[0][i] += 1000                            // a mean that is large beside what varies
			s.Traits[0][i] += 1.5 * float64(src.hard[5][i*c.nth]) // P that is small
			if i%7 == 3 {
				s.Traits[2][i] = math.NaN() // another group
			}
		}
		want := results(t, openCPU(t), src, s, c.of, variants, c.o)
		got := results(t, dev, src, s, c.of, variants, c.o)
		worst, most := 0.0, 0.0
		for i, w := range want {
			r := got[i]
			if r.N != w.N || r.Frequency != w.Frequency || math.IsNaN(r.T) != math.IsNaN(w.T) {
				t.Fatalf("%s, result %d: %+v, want %+v", c.name, i, r, w)
			}
			if !math.IsNaN(w.T) {
				worst, most = max(worst, math.Abs(r.T-w.T)/max(1, math.Abs(w.T))), max(most, math.Abs(w.T))
			}
		}
		t.Logf("%s: t is off by %.2g, of t up to %.3g", c.name, worst, most)
		if !(worst < 1e-5) || worst == 0 || most < 5 {
			t.Errorf("%s: t is off by %g, of t up to %g", c.name, worst, most)
		}
	}
}
