package saliency

import (
	"context"
	"math"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/golden"
	"contig-gpu/model"
	"contig-gpu/model/explain"
	"contig-gpu/model/nn"
)

// small returns a model of one modality, filled, in float64.
func small(t *testing.T, dev *gpu.Device, genetics string) *model.Model {
	t.Helper()
	m, err := model.New(model.Config{Encoder: "resnet18", Genetics: genetics, Hidden: 9, Embedding: 5, Tau: .1, Lambda: .75, Weights: "mean", Pairs: "avoid",
		Modalities: []model.Modality{{Name: "some", Features: 7}}})
	check(t, err)
	check(t, m.Weights().Place(dev, gpu.F64))
	fill(m.Weights(), "along/"+genetics+"/", same)
	return m
}

// TestDirection: the derivative of the unit embedding by a feature is that of differences, for every genetics encoder.
func TestDirection(t *testing.T) {
	for _, kind := range []string{"none", "linear", "h1", "h12"} {
		dev := gputest.Open(t, "cpu", gpu.Options{})
		m := small(t, dev, kind)
		_, tower := m.Towers(0)
		x := golden.Fill("along/x", 7, -1.7, 1.7)
		unit := func(x []float64) []float64 {
			w := embed(dev.NewArena(1<<20), gpu.F64, tower, x, 7)
			n := norm(w)
			for i := range w {
				w[i] /= n
			}
			return w
		}
		for feature := range x {
			q, err := Direction(dev, gpu.F64, m, 0, x, feature)
			check(t, err)
			const h = 1e-6
			up, down := append([]float64(nil), x...), append([]float64(nil), x...)
			up[feature] += h
			down[feature] -= h
			a, b := unit(up), unit(down)
			for k := range a {
				a[k] = (a[k] - b[k]) / (2 * h)
			}
			if e := distance(q, a) / norm(a); !(e <= gputest.GradTol) {
				t.Errorf("%s, feature %d: the derivative is off by %.3g", kind, feature, e)
			}
		}
	}
}

// TestAlong: the gradient of a direction's score is that of differences, and its value the product of unit embedding and
// direction.
func TestAlong(t *testing.T) {
	dev := gputest.Open(t, "cpu", gpu.Options{})
	m := small(t, dev, "h1")
	s, err := NewAlong(dev, gpu.F64, m, 0, 2)
	check(t, err)
	defer s.Close()
	q := golden.Fill("along/q", 5, -1, 1)
	s.Toward(q)
	im, err := New(Options{Device: dev, DType: gpu.F64, Encoder: "resnet18", Trunk: m.Trunk(), Height: 32, Width: 40, Rows: 2})
	check(t, err)
	defer im.Close()
	image, toward := golden.Fill("along/image", im.size(), -2, 2), golden.Fill("along/toward", im.size(), -1, 1)
	x, err := im.Gradient(context.Background(), image, s)
	check(t, err)
	head, _ := m.Towers(0)
	a := dev.NewArena(1 << 24)
	p := nn.Evaluation(a, gpu.F64)
	f := m.Trunk().Forward(p, gputest.Put(a, gpu.F64, image, 1, 32, 40, colours))
	u := embed(dev.NewArena(1<<20), gpu.F64, head, read(f), m.Trunk().Width)
	value := 0.0
	for k := range u {
		value += u[k] / norm(u) * q[k]
	}
	if !(math.Abs(x.Value-value) <= 1e-12) {
		t.Errorf("the score is %.15g, want %.15g", x.Value, value)
	}
	const h = 1e-7
	var moved [2][]float64
	slope := 0.0
	for i, g := range x.A {
		moved[0], moved[1] = append(moved[0], image[i]+h*toward[i]), append(moved[1], image[i]-h*toward[i])
		slope += g * toward[i]
	}
	ends, err := im.scores(context.Background(), s, moved[:])
	check(t, err)
	if got := (ends[0] - ends[1]) / (2 * h); !(math.Abs(got-slope) <= 1e-5*math.Abs(slope)) {
		t.Errorf("the gradient's slope is %.10g, that of differences %.10g", slope, got)
	}
}

// TestAbsentIsLeftOut: a modality of weight 0 is no part of a score, whatever the embedding of it; without any the score and
// its gradient are 0.
func TestAbsentIsLeftOut(t *testing.T) {
	dev := gputest.Open(t, "cpu", gpu.Options{})
	m := small(t, dev, "h1")
	ref, err := explain.NewReference(dev, gpu.F64, golden.Fill("u", 20, -1, 1), golden.Fill("v", 20, -1, 1), 5, .1)
	check(t, err)
	s, err := NewMatch(MatchOptions{Device: dev, DType: gpu.F64, Model: m, References: []*explain.Reference{ref}, Rows: 2})
	check(t, err)
	defer s.Close()
	a := dev.NewArena(1 << 20)
	f, d := gputest.Filled(a, gpu.F64, "features", -1, 1, 2, m.Trunk().Width), a.New(gpu.F64, 2, m.Trunk().Width)
	s.Person([][]float64{golden.Fill("w", 5, -1, 1)}, []float64{1})
	if v := s.Of(d, f); v[0] == 0 || v[1] == 0 || norm(read(d)) == 0 {
		t.Errorf("scores %v of a present modality", v)
	}
	s.Person([][]float64{nil}, []float64{0})
	if v := s.Of(d, f); v[0] != 0 || v[1] != 0 || norm(read(d)) != 0 {
		t.Errorf("scores %v, gradient of length %g, of nothing", v, norm(read(d)))
	}
}
