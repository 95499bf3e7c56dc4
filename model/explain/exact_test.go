package explain

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
)

// near draws persons who are hardly different from the baseline, each less than the one before, so that float32 leaves little of f(x) - f(baseline).
func (l *lab) near() table {
	people := l.people
	people.rows = slices.Clone(people.rows)
	for p, size := 0, 1.0; p < labPersons; p, size = p+1, size/6 {
		for j := range people.features {
			people.rows[p*people.features+j] *= size
		}
	}
	return people
}

// worst returns the largest gap of each method.
func worst(all map[Method][]Result) map[Method]float64 {
	gaps := map[Method]float64{}
	for m, rs := range all {
		for _, r := range rs {
			gaps[m] = max(gaps[m], r.Gap())
		}
	}
	return gaps
}

// TestExact: what float32 leaves open is complete in float64, of every encoder, on the same CPU and beside a GPU; what it does not leave open stays as it is but for DeepLift,
// and no person's result depends on the others.
func TestExact(t *testing.T) {
	for _, genetics := range []string{"none", "linear", "h1", "h12"} {
		for _, of := range []Of{Loss, Similarity} {
			name := fmt.Sprint(genetics, " ", of)
			l := newLab(t, gpu.F32, genetics, name, of)
			people, s := l.near(), settings(IG, DeepLift, Gradient)
			s.MaxSteps = 4096
			plain := collect(t, l.open(t, s), labPersons, people)
			s.Exact = l.dev
			g := l.open(t, s)
			exact := collect(t, g, labPersons, people)
			before, after := worst(plain), worst(exact)
			if before[DeepLift] < 1e-5 {
				t.Errorf("%s: in float32 DeepLift is complete to %.2g: this shows nothing", name, before[DeepLift])
			}
			if !(after[IG] <= s.Tolerance) || !(after[DeepLift] < 1e-6) {
				t.Errorf("%s: incomplete by %.3g (ig) and %.3g (deeplift), in float32 %.3g and %.3g", name, after[IG], after[DeepLift], before[IG], before[DeepLift])
			}
			kept := 0
			for p, r := range plain[IG] {
				if slices.Equal(r.A, exact[IG][p].A) {
					kept++
				} else if r.Gap() <= s.Tolerance {
					t.Errorf("%s: person %d was complete in float32, and was made again", name, p)
				}
				if !slices.Equal(plain[Gradient][p].A, exact[Gradient][p].A) {
					t.Errorf("%s: the gradient of person %d was made again", name, p)
				}
			}
			if kept == 0 {
				t.Errorf("%s: every person was made again", name)
			}
			alone(t, name, g, people, exact)
		}
	}
}

// alone compares every person's results with those of a run of the person alone.
func alone(t *testing.T, name string, g *Genetics, people table, all map[Method][]Result) {
	t.Helper()
	for p := range labPersons {
		err := g.Run(t.Context(), []int{p}, people, func(r Result) error {
			if w := all[r.Method][p]; !slices.Equal(r.A, w.A) || r.F != w.F || r.Base != w.Base || r.Steps != w.Steps {
				t.Errorf("%s: person %d by %v has other results alone", name, p, r.Method)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestExactDraws: of methods with several paths each path is complete; where they are made again they are the paths that were drawn.
func TestExactDraws(t *testing.T) {
	l := newLab(t, gpu.F32, "h1", "draws", Loss)
	people, s := l.near(), settings(Smooth, Expected)
	s.Draws, s.Tolerance, s.MaxSteps, s.Noise = 5, 1e-4, 1<<12, 1e-6 // less than float32 can keep
	plain := collect(t, l.open(t, s), labPersons, people)
	s.Exact = l.dev
	exact := collect(t, l.open(t, s), labPersons, people)
	for m, rs := range exact {
		made := 0
		for p, r := range rs {
			w := plain[m][p]
			if !slices.Equal(r.A, w.A) {
				made++
			}
			if math.Abs(r.Sum-(r.F-r.Base)) > 1e-4 || math.Abs(r.F-w.F) > 1e-5 || math.Abs(r.Base-w.Base) > 1e-5 {
				t.Errorf("%v: person %d: gap %.2g, f %g to %g, want about %g to %g", m, p, r.Gap(), r.Base, r.F, w.Base, w.F)
			}
			gputest.Close(t, fmt.Sprintf("%v of person %d", m, p), r.A, w.A, 1e-3)
		}
		if made == 0 {
			t.Errorf("%v: nothing was made again: this shows nothing", m)
		}
	}
}
