package explain

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// TestBend: every encoder has one on the CPU, and attributions are those of the tower's layers one by one, in few nodes and in more
// than go together.
func TestBend(t *testing.T) {
	for _, genetics := range []string{"none", "linear", "h1", "h12"} {
		for _, steps := range []int{0, 1, 50, 2*nodesTogether + 3} {
			for _, d := range []gpu.DType{gpu.F32, gpu.F64} {
				what := fmt.Sprint(genetics, " ", steps, " steps ", d)
				l := newLab(t, d, genetics, what, Loss)
				s := settings(IG, Smooth, Gradient)
				s.Steps, s.Tolerance, s.MaxSteps = steps, 1e-9, 16
				g := l.open(t, s)
				if !g.bend.Ok() {
					t.Fatalf("%s: no bend", what)
				}
				bent := collect(t, g, labPersons, l.people)
				g.bend, g.work = bend{}, l.dev.NewArena(1<<22)
				for m, rs := range collect(t, g, labPersons, l.people) {
					for i, r := range rs {
						got := bent[m][i]
						gputest.Close(t, fmt.Sprint(what, " ", m), append(slices.Clone(got.A), got.F, got.Base), append(slices.Clone(r.A), r.F, r.Base), pick(d, 1e-10, 2e-4))
						if got.Steps != r.Steps {
							t.Errorf("%s %v: %d nodes, want %d", what, m, got.Steps, r.Steps)
						}
					}
				}
			}
		}
	}
}

// TestNoiseOfKnownDeviations: where a feature's deviation is known noise is in its units, elsewhere in the reference's.
func TestNoiseOfKnownDeviations(t *testing.T) {
	l := newLab(t, gpu.F64, "h1", "noise", Loss)
	sd := slices.Repeat([]float32{float32(math.NaN())}, labFeatures)
	sd[3], sd[5] = 4, 0
	g, err := NewGenetics(l.tower, l.f, l.reference, sd, settings(Smooth))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	_, own := moments(l.reference, labFeatures)
	own[3], own[5] = 4, 0
	for j, v := range own {
		if want := float32(g.set.Noise) * v; g.noise[j] != want {
			t.Errorf("feature %d has noise of %g, want %g", j, g.noise[j], want)
		}
	}
}
