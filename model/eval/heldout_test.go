package eval

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNewMap: dots lie as the features do and stand in the order of their places; combinations that few have are not named; who has no finite
// features is left out.
func TestNewMap(t *testing.T) {
	g := rand.New(rand.NewPCG(4, 4))
	var dots []Dot
	for i := range 30 {
		d := Dot{Person: i, Split: []string{"train", "test"}[i%2], Features: []float64{3 * g.NormFloat64(), g.NormFloat64(), 0.01 * g.NormFloat64()}}
		switch {
		case i < 12:
			d.Has = []string{"a", "b"}
		case i < 12+FewPersons:
			d.Has = []string{"a"}
		case i < 12+2*FewPersons-1:
			d.Has = []string{"b"}
		case i < 28:
			d.Has = nil
		default:
			d.Features[1] = math.NaN()
		}
		dots = append(dots, d)
	}
	m := NewMap(dots)
	if len(m.X) != 28 || len(m.Y) != 28 || len(m.Persons) != 28 || !slices.IsSorted(m.X) || slices.IsSorted(m.Persons) {
		t.Fatalf("%+v", m)
	}
	if len(m.Combinations) != 3 || !slices.Equal(m.Combinations[0], []string{"a", "b"}) || len(m.Combinations[1]) != 0 || !slices.Equal(m.Combinations[2], []string{"a"}) {
		t.Errorf("combinations %v", m.Combinations)
	}
	most := 0.0
	for i, p := range m.Persons {
		most = max(most, math.Abs(m.X[i]), math.Abs(m.Y[i]))
		if m.Splits[m.Split[i]] != dots[p].Split {
			t.Errorf("dot %d is of %s", i, m.Splits[m.Split[i]])
		}
		want := []int{0, 2, -1, 1}[min(3, max(0, map[bool]int{true: 0, false: 1 + (p-12)/FewPersons}[p < 12]))]
		if p == 12+2*FewPersons-1 {
			want = 1
		}
		if m.Combination[i] != want {
			t.Errorf("person %d has the combination %d, want %d", p, m.Combination[i], want)
		}
	}
	if most != 1 || m.Share[0] < m.Share[1] || m.Share[0]+m.Share[1] < 0.99 {
		t.Errorf("the largest coordinate is %v, shares %v", most, m.Share)
	}
	if m := NewMap(nil); len(m.X) != 0 {
		t.Errorf("of nobody: %+v", m)
	}
}

// BenchmarkHeldout is what a validation takes for the report beside its retrieval: the map, and six modalities' geometry and queries.
func BenchmarkHeldout(b *testing.B) {
	for name, c := range map[string]struct{ persons, width int }{"90x512": {90, 512}, "400x2048": {400, 2048}} {
		g := rand.New(rand.NewPCG(1, 1))
		random := func(n int) []float64 {
			v := make([]float64, n)
			for i := range v {
				v[i] = g.NormFloat64()
			}
			return v
		}
		var dots []Dot
		var all [][]float64
		rows := make([]*Rows, 6)
		for m := range rows {
			rows[m] = NewRows(128)
		}
		for p := range c.persons {
			dots = append(dots, Dot{Person: p, Features: random(c.width)})
			all = append(all, random(128))
			for _, r := range rows {
				r.AddImage(p, random(128))
				r.SetGenetics(p, random(128))
			}
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				NewMap(dots)
				few := all[:min(200, len(all))]
				for range 2 * len(rows) {
					GeometryOf(few)
				}
				MatchOf(few, few)
				Queries(rows, 8, 5)
			}
		})
	}
}
