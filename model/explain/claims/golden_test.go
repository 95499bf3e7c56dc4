package claims

import (
	"math"
	"slices"
	"testing"

	"contig-gpu/gpu/gputest/golden"
)

const bound = 1e-12

// TestGoldenSelect holds every case of golden select to its reference: values within 1e-12 relative, selections exactly.
func TestGoldenSelect(t *testing.T) {
	ops := map[string]func(*testing.T, golden.Case){"knockoff_plus": goldenKnockoff, "e_values": goldenEValues, "bh": goldenBH,
		"group": goldenGroup, "held_out": goldenHeldOut, "residual_exchange": goldenResidual}
	for _, c := range golden.Cases(t, "select") {
		t.Run(c.Label(), func(t *testing.T) {
			var op string
			c.Attr(t, "op", &op)
			test := ops[op]
			if test == nil {
				t.Fatalf("op %q is not known", op)
			}
			test(t, c)
		})
	}
}

func number(t *testing.T, c golden.Case, key string) float64 {
	t.Helper()
	var v float64
	c.Attr(t, key, &v)
	return v
}

func sameUnits(t *testing.T, c golden.Case, got []int) {
	t.Helper()
	var want []int
	for _, v := range c.Tensor(t, "selected").Data {
		want = append(want, int(v))
	}
	if !slices.Equal(got, want) {
		t.Errorf("selected %v, want %v", got, want)
	}
}

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if math.IsNaN(w) != math.IsNaN(got[i]) || math.Abs(got[i]-w) > bound*math.Max(math.Abs(w), 1e-3) {
			t.Errorf("%s[%d] is %v, want %v", what, i, got[i], w)
		}
	}
}

func goldenKnockoff(t *testing.T, c golden.Case) {
	w := c.Tensor(t, "w").Data
	got, want := KnockoffPlus(w, number(t, c, "q")), math.NaN()
	if c.Has("threshold") {
		want = number(t, c, "threshold")
	}
	near(t, "threshold", []float64{got}, []float64{want})
	sameUnits(t, c, AtLeast(w, got))
}

func goldenEValues(t *testing.T, c golden.Case) {
	x := c.Tensor(t, "w")
	var w [][]float64
	for r := range x.Dims[0] {
		w = append(w, x.Data[r*x.Dims[1]:(r+1)*x.Dims[1]])
	}
	e := EValues(w, number(t, c, "q"))
	near(t, "e", e, c.Tensor(t, "e").Data)
	sameUnits(t, c, ClaimedByE(e, number(t, c, "q")))
}

func goldenBH(t *testing.T, c golden.Case) {
	q := Adjusted(c.Tensor(t, "p").Data)
	near(t, "adjusted", q, c.Tensor(t, "adjusted").Data)
	sameUnits(t, c, AtMost(q, number(t, c, "q")))
}

// unitsOf returns the units of columns whose numbers are given.
func unitsOf(group []float64) []Unit {
	units := make([]Unit, int(slices.Max(group))+1)
	for f, g := range group {
		units[int(g)].Features = append(units[int(g)].Features, f)
	}
	return units
}

func goldenGroup(t *testing.T, c golden.Case) {
	a := c.Tensor(t, "attribution")
	mean := MeanAbs(a.Data, a.Dims[1])
	near(t, "importance", mean, c.Tensor(t, "importance").Data)
	near(t, "max", Largest(mean, unitsOf(c.Tensor(t, "group").Data)), c.Tensor(t, "max").Data)
}

func goldenHeldOut(t *testing.T, c golden.Case) {
	base, changed := c.Tensor(t, "base").Data, c.Tensor(t, "changed")
	var mean, stat, p []float64
	for u := range changed.Dims[0] {
		var s Paired
		for i, b := range base {
			s.Add(changed.Data[u*len(base)+i] - b)
		}
		r := s.Test()
		mean, stat, p = append(mean, r.Mean), append(stat, r.T), append(p, r.P)
	}
	near(t, "increase", mean, c.Tensor(t, "increase").Data)
	near(t, "t", stat, c.Tensor(t, "t").Data)
	for i, w := range c.Tensor(t, "p").Data {
		if math.Abs(p[i]-w) > bound*w {
			t.Errorf("p[%d] is %v, want %v", i, p[i], w)
		}
	}
	near(t, "p", p, c.Tensor(t, "p").Data)
	near(t, "adjusted", Adjusted(p), c.Tensor(t, "adjusted").Data)
}

func goldenResidual(t *testing.T, c golden.Case) {
	train, x := c.Tensor(t, "train"), c.Tensor(t, "held_out")
	n, f := train.Dims[0], train.Dims[1]
	product := make([]float64, f*f)
	for i := range n {
		row := train.Data[i*f : (i+1)*f]
		for a := range f {
			for b := range f {
				product[a*f+b] += row[a] * row[b]
			}
		}
	}
	p, err := Precision(product, n, number(t, c, "ridge"))
	if err != nil {
		t.Fatal(err)
	}
	fits, residuals, slopes := make([]float64, len(x.Data)), make([]float64, len(x.Data)), make([]float64, f)
	for _, u := range unitsOf(c.Tensor(t, "group").Data) {
		m, err := Residual(p, f, u.Features)
		if err != nil {
			t.Fatal(err)
		}
		goldenUnit(x.Data, f, u.Features, m, fits, residuals, slopes)
	}
	near(t, "slope", slopes, c.Tensor(t, "slope").Data)
	near(t, "fit", fits, c.Tensor(t, "fit").Data)
	near(t, "residual", residuals, c.Tensor(t, "residual").Data)
}

// goldenUnit fills the columns c of fits, residuals and slopes.
func goldenUnit(x []float64, f int, c []int, m, fits, residuals, slopes []float64) {
	rows := len(x) / f
	for j, col := range c {
		var s Slope
		raw := make([]float64, rows)
		for i := range rows {
			raw[i] = x[i*f+col]
			for a := range f {
				raw[i] -= x[i*f+a] * m[a*len(c)+j]
			}
			s.Add(x[i*f+col], raw[i])
		}
		mean, slope := s.Line()
		slopes[col] = slope
		for i, v := range raw {
			fits[i*f+col] = slope * (v - mean)
			residuals[i*f+col] = x[i*f+col] - fits[i*f+col]
		}
	}
}
