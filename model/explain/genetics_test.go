package explain

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/model"
	"contig-gpu/model/nn"
)

// lab is a modality with a cohort of its own.
type lab struct {
	dev       *gpu.Device
	tower     nn.Sequential
	f         *Function
	reference []float32
	people    table
}

const labFeatures, labPersons, labReference, labEmbedding, labHidden = 23, 9, 11, 5, 17

// newLab draws weights, persons and reference from name.
func newLab(t testing.TB, d gpu.DType, genetics, name string, of Of) *lab {
	t.Helper()
	l := &lab{dev: gputest.Open(t, "cpu", gpu.Options{Threads: 2})}
	l.tower = labTower(t, l.dev, d, genetics, name, labFeatures, labHidden, labEmbedding)
	l.people = table{golden.Fill(name+"x", labPersons*labFeatures, -1.7, 1.7), golden.Fill(name+"image", labPersons*labEmbedding, -1, 1), labFeatures, labEmbedding}
	rows := golden.Fill(name+"reference", labReference*labFeatures, -1.7, 1.7)
	l.reference = float32s(rows)
	a := l.dev.NewArena(1 << 22)
	defer a.Close()
	e := gputest.Values(l.tower.Forward(nn.Evaluation(a, d), gputest.Put(a, d, rows, labReference, labFeatures)))
	ref, err := NewReference(l.dev, d, golden.Fill(name+"images", labReference*labEmbedding, -1, 1), e, labEmbedding, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	l.f = NewFunction(ref, of, GeneticsSide, 0.75)
	return l
}

// labTower returns a filled genetics tower.
func labTower(t testing.TB, dev *gpu.Device, d gpu.DType, genetics, name string, features, hidden, dim int) nn.Sequential {
	t.Helper()
	m, err := model.New(model.Config{Encoder: "resnet18", Genetics: genetics, Hidden: hidden, Embedding: dim,
		Modalities: []model.Modality{{Name: "m", Features: features}}, Tau: 0.1, Lambda: 0.75, Weights: "mean", Pairs: "avoid"})
	if err != nil {
		t.Fatal(err)
	}
	_, tower := m.Towers(0)
	w := nn.NewWeights(tower)
	if err := w.Place(dev, d); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.Params() {
		gpu.Write(p.Value, golden.Weight(name+p.Name, p.Dims))
	}
	for _, b := range w.Buffers() {
		gpu.Write(b.Value, golden.Weight(name+b.Name, b.Dims))
	}
	return tower
}

// settings are Defaults with methods, at the fewest rows.
func settings(methods ...Method) Settings {
	s := Defaults()
	s.Methods, s.Bytes = methods, 1
	return s
}

func (l *lab) open(t testing.TB, s Settings) *Genetics {
	t.Helper()
	g, err := NewGenetics(l.tower, l.f, l.reference, nil, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// TestComplete: of every encoder, function and baseline, attributions add up to f(x) - f(baseline): those of DeepLift to
// rounding, those of paths to the tolerance, in as few nodes as keep it.
func TestComplete(t *testing.T) {
	for _, genetics := range []string{"none", "linear", "h1", "h12"} {
		for of := range Of(len(Names())) {
			for b := range Baseline(baselines) {
				for seed := range 2 {
					name := fmt.Sprint(genetics, " ", of, " ", b, " ", seed)
					s := settings(IG, Smooth, Expected, DeepLift)
					s.Baseline, s.Draws, s.Tolerance, s.MaxSteps = b, 3, 0.003, 4096
					l := newLab(t, gpu.F64, genetics, name, of)
					for m, rs := range collect(t, l.open(t, s), labPersons, l.people) {
						checkComplete(t, name, m, rs, s)
					}
				}
			}
		}
	}
}

func checkComplete(t *testing.T, name string, m Method, rs []Result, s Settings) {
	t.Helper()
	if len(rs) != labPersons {
		t.Errorf("%s: %v has %d persons, want %d", name, m, len(rs), labPersons)
	}
	for _, r := range rs {
		// Every path keeps the tolerance of its own difference; these may cancel between paths.
		bound := s.Tolerance
		switch {
		case m == DeepLift:
			bound = 2e-7
		case s.draws(m) > 1:
			continue
		}
		if !(r.Gap() <= bound) || r.F == r.Base {
			t.Errorf("%s: person %d by %v is incomplete by %.3g in %d steps, allowed %g", name, r.Person, m, r.Gap(), r.Steps, bound)
		}
	}
}

// TestGradientIsTheDerivative compares with central differences of f, and gradient x input with both factors.
func TestGradientIsTheDerivative(t *testing.T) {
	for _, genetics := range []string{"none", "linear", "h1", "h12"} {
		l := newLab(t, gpu.F64, genetics, genetics, Loss)
		g := l.open(t, settings(Gradient, GradientInput))
		all := collect(t, g, labPersons, l.people)
		for _, r := range all[Gradient] {
			checkDerivative(t, l, g, genetics, r, all[GradientInput][r.Person].A)
		}
	}
}

func checkDerivative(t *testing.T, l *lab, g *Genetics, name string, r Result, product []float64) {
	t.Helper()
	const h = 1.0 / (1 << 12) // of float32 rows, exact
	scale := 0.0
	for _, v := range r.A {
		scale = math.Max(scale, math.Abs(v))
	}
	row := l.people.rows[r.Person*labFeatures : (r.Person+1)*labFeatures]
	for j := range row {
		if want := r.A[j] * row[j]; product[j] != want {
			t.Errorf("%s: gradient-input %g, want %g", name, product[j], want)
		}
		if j%5 != r.Person%5 {
			continue
		}
		at := func(step float64) float64 {
			moved := table{slices.Clone(l.people.rows), l.people.images, labFeatures, labEmbedding}
			moved.rows[r.Person*labFeatures+j] += step
			return collect(t, g, labPersons, moved)[Gradient][r.Person].F
		}
		up, down := at(h), at(-h)
		kink := math.Abs(up+down-2*r.F) / h
		if got := (up - down) / (2 * h); !(math.Abs(got-r.A[j]) <= 1e-4*scale+kink) {
			t.Errorf("%s: person %d, feature %d: %.8g, differences say %.8g", name, r.Person, j, r.A[j], got)
		}
	}
}

// TestOthersDoNotMatter: a person's results are the same to the last bit whoever else is in the run, in whatever order, and the
// same to rounding however many rows are taken together.
func TestOthersDoNotMatter(t *testing.T) {
	for _, d := range []gpu.DType{gpu.F32, gpu.F64} {
		l := newLab(t, d, "h1", "others", Loss)
		s := settings(Gradient, IG, Smooth, Expected, DeepLift)
		g := l.open(t, s)
		all := collect(t, g, labPersons, l.people)
		alone := map[Method][]Result{}
		for _, persons := range [][]int{{7, 2}, {8}} {
			err := g.Run(t.Context(), persons, l.people, func(r Result) error {
				r.A = slices.Clone(r.A)
				alone[r.Method] = append(alone[r.Method], r)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		s.Bytes = 1 << 30
		large := l.open(t, s)
		if large.Rows() == g.Rows() {
			t.Fatalf("%d rows together whatever the memory", g.Rows())
		}
		big := collect(t, large, labPersons, l.people)
		for m, rs := range alone {
			for _, r := range rs {
				if !slices.Equal(r.A, all[m][r.Person].A) || r.F != all[m][r.Person].F || r.Steps != all[m][r.Person].Steps {
					t.Errorf("%v, %v: person %d is another in other company", d, m, r.Person)
				}
				gputest.Close(t, fmt.Sprint(d, " ", m, " of more rows together"), big[m][r.Person].A, r.A, pick(d, 1e-12, 1e-5))
			}
		}
	}
}

// TestDraws: another seed is another noise and other baselines, the same one the same; noise is of the size asked for, and
// without noise Smooth is IG.
func TestDraws(t *testing.T) {
	l := newLab(t, gpu.F64, "h1", "draws", Loss)
	s := settings(IG, Smooth, Expected)
	s.Steps, s.Draws = 12, 4
	first := collect(t, l.open(t, s), labPersons, l.people)
	again := collect(t, l.open(t, s), labPersons, l.people)
	s.Seed = 1
	other := collect(t, l.open(t, s), labPersons, l.people)
	s.Noise = 0
	still := collect(t, l.open(t, s), labPersons, l.people)
	for i := range labPersons {
		gputest.Close(t, "Smooth without noise", still[Smooth][i].A, first[IG][i].A, 1e-12)
		for _, m := range []Method{Smooth, Expected} {
			if !slices.Equal(first[m][i].A, again[m][i].A) {
				t.Errorf("%v: two runs of one seed differ", m)
			}
			if slices.Equal(first[m][i].A, other[m][i].A) {
				t.Errorf("%v: two seeds agree", m)
			}
		}
	}
	n := 1 << 16
	y, size := make([]float32, n), slices.Repeat([]float32{2}, n)
	newNormals().add(y, slices.Repeat([]float32{3}, n), size, stream(1, 2, 3, forNoise))
	mean, sd := moments(y, 1)
	if math.Abs(mean[0]-3) > 0.03 || math.Abs(float64(sd[0])-2) > 0.03 {
		t.Errorf("noise of mean %g and deviation %g, want 3 and 2", mean[0], sd[0])
	}
}

// TestPathsOfExpected: expected gradients are the mean of Integrated Gradients from the drawn baselines; with as many draws as
// persons, from all.
func TestPathsOfExpected(t *testing.T) {
	l := newLab(t, gpu.F64, "none", "expected", Loss)
	s := settings(Expected, IG)
	s.Steps, s.Draws = 16, labReference
	r := collect(t, l.open(t, s), 1, l.people)[Expected][0]
	base := 0.0
	for i := range labReference {
		l.people.rows = append(l.people.rows, make([]float64, labFeatures)...)
		for j := range labFeatures {
			l.people.rows[(labPersons+i)*labFeatures+j] = float64(l.reference[i*labFeatures+j])
		}
		l.people.images = append(l.people.images, l.people.images[:labEmbedding]...)
	}
	for i, x := range collect(t, l.open(t, s), labPersons+labReference, l.people)[IG] {
		if i >= labPersons {
			base += x.F / labReference
		}
	}
	if math.Abs(base-r.Base) > 1e-12 {
		t.Errorf("the mean of f over the baselines is %.15g, over the reference %.15g", r.Base, base)
	}
}

// TestRunEnds: by its context, by the visitor's error, and where an attribution is not finite.
func TestRunEnds(t *testing.T) {
	l := newLab(t, gpu.F32, "h1", "ends", Loss)
	g, stop := l.open(t, settings(Gradient)), errors.New("stop")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	nobody := func(Result) error { return nil }
	if err := g.Run(ctx, []int{1}, l.people, nobody); !errors.Is(err, context.Canceled) {
		t.Errorf("of a context that ended: %v", err)
	}
	if err := g.Run(t.Context(), []int{1}, l.people, func(Result) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("of a visitor that stopped: %v", err)
	}
	l.people.rows[1*labFeatures+3] = math.Inf(1)
	if err := g.Run(t.Context(), []int{0, 1}, l.people, nobody); !errors.Is(err, ErrNotFinite) {
		t.Errorf("of a feature that is infinite: %v", err)
	}
}

// TestSettingsAreChecked refuses what makes no sense.
func TestSettingsAreChecked(t *testing.T) {
	l := newLab(t, gpu.F32, "none", "settings", Loss)
	for name, change := range map[string]func(s *Settings){
		"no method": func(s *Settings) { s.Methods = nil }, "a method twice": func(s *Settings) { s.Methods = []Method{IG, IG} },
		"no method's number": func(s *Settings) { s.Methods = []Method{99} }, "no baseline's number": func(s *Settings) { s.Baseline = baselines },
		"steps": func(s *Settings) { s.Steps = -1 }, "draws": func(s *Settings) { s.Draws = 0 }, "most steps": func(s *Settings) { s.MaxSteps = 4 },
		"tolerance": func(s *Settings) { s.Tolerance = 0 }, "noise": func(s *Settings) { s.Noise = math.NaN() },
	} {
		s := Defaults()
		change(&s)
		if g, err := NewGenetics(l.tower, l.f, l.reference, nil, s); err == nil {
			g.Close()
			t.Errorf("%s: no error", name)
		}
	}
	for _, n := range append(append(Names(), MethodNames()...), BaselineNames()...) {
		_, a := ParseOf(n)
		_, b := ParseMethod(n)
		_, c := ParseBaseline(n)
		if a != nil && b != nil && c != nil {
			t.Errorf("%q is the name of nothing", n)
		}
	}
}

// TestPlanned: a plan holds what the run holds, and the run's arena of activations is used to the end and no further.
func TestPlanned(t *testing.T) {
	for i, methods := range [][]Method{{IG}, {DeepLift}, {Gradient, Smooth, Expected}, {IG, DeepLift}} {
		l := newLab(t, gpu.F32, "h12", "planned", Loss)
		s := settings(methods...)
		if i == 3 {
			s.Exact = l.dev
		}
		g := l.open(t, s)
		collect(t, g, labPersons, l.people)
		plan := l.dev.Plan()
		a := plan.NewArena(0)
		f := l.f.shadow(a)
		f.ref.device = plan
		tower := g.tower.shadow(a, gpu.F32)
		if s.Exact != nil {
			s.Exact = plan
		}
		p, err := NewGenetics(append(nn.Sequential{tower.First}, tower.Rest...), f, l.reference, nil, s)
		if err != nil {
			t.Fatal(err)
		}
		collect(t, p, labPersons, l.people)
		for _, name := range []string{"explain", "activations"} {
			if want, got := bytesOf(l.dev, name), bytesOf(plan, name); want != got || got == 0 {
				t.Errorf("%v: %s: planned %d bytes, taken %d", methods, name, got, want)
			}
		}
		if name := "towers in float64"; bytesOf(l.dev, name) != bytesOf(plan, name) || (bytesOf(plan, name) > 0) != (s.Exact != nil) {
			t.Errorf("%v: %s: planned %d bytes, taken %d", methods, name, bytesOf(plan, name), bytesOf(l.dev, name))
		}
		// DeepLift has room for paths that need more nodes than these.
		if methods[0] != DeepLift && s.Exact == nil && g.work.Peak() != bytesOf(l.dev, "activations") {
			t.Errorf("%v: activations of %d bytes, of which %d are used", methods, bytesOf(l.dev, "activations"), g.work.Peak())
		}
		g.Close()
	}
}

func bytesOf(d *gpu.Device, name string) int {
	for _, h := range d.Allocated() {
		if h.Name == name {
			return h.Bytes
		}
	}
	return 0
}
