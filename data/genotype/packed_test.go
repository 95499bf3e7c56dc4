package genotype

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
)

// drawn is a file of made-up genotypes: variant v has dosages where dosed[v] is true.
type drawn struct {
	persons []Person
	sites   []Variant
	hard    [][]byte
	dosage  [][]float32
}

func (d *drawn) About() About        { return About{Format: "drawn"} }
func (d *drawn) Persons() []Person   { return d.persons }
func (d *drawn) Variants() []Variant { return d.sites }
func (d *drawn) Dosed(v int) bool    { return d.dosage[v] != nil }

func (d *drawn) Each(_ context.Context, variants []int, visit Visit) error {
	for k, v := range variants {
		hard := d.hard[v]
		if d.dosage[v] != nil {
			hard = nil
		}
		if err := visit(k, hard, d.dosage[v]); err != nil {
			return err
		}
	}
	return nil
}

func draw(g *rand.Rand, persons, variants int) *drawn {
	d := &drawn{persons: make([]Person, persons), sites: make([]Variant, variants), hard: make([][]byte, variants), dosage: make([][]float32, variants)}
	for v := range variants {
		d.hard[v] = make([]byte, persons)
		if g.IntN(3) == 0 {
			d.dosage[v] = make([]float32, persons)
		}
		for i := range persons {
			d.hard[v][i] = byte(g.IntN(4))
			if d.dosage[v] != nil {
				if d.dosage[v][i] = Round(2 * g.Float64()); g.IntN(5) == 0 {
					d.dosage[v][i] = float32(math.NaN())
				}
			}
		}
	}
	return d
}

// copies of person i at variant v, as they were drawn.
func (d *drawn) copies(i, v int) float64 {
	if d.dosage[v] != nil {
		return float64(d.dosage[v][i])
	}
	if c := d.hard[v][i]; c != Missing {
		return float64(c)
	}
	return math.NaN()
}

// TestPacked keeps calls and dosages of some persons and variants of two files, and finds, counts and decodes them again.
func TestPacked(t *testing.T) {
	for seed := range uint64(6) {
		g := rand.New(rand.NewPCG(seed, 2))
		persons := 1 + g.IntN(70)
		files := []*drawn{draw(g, persons, 1+g.IntN(700)), draw(g, persons, 1+g.IntN(9))}
		s := &Set{}
		for _, f := range files {
			if err := s.Add(f); err != nil {
				t.Fatal(err)
			}
		}
		want := func(i, v int) float64 {
			if n := len(files[0].sites); v >= n {
				return files[1].copies(i, v-n)
			}
			return files[0].copies(i, v)
		}
		variants, who := s.Every(1+g.IntN(3), g.IntN(2) == 0, s.All()), g.Perm(persons)[:1+g.IntN(persons)]
		if seed%2 == 0 { // everybody, in the order of the file
			who = make([]int, persons)
			for i := range who {
				who[i] = i
			}
		}
		round := seed%3 == 2
		p, err := Read(t.Context(), s, variants, who, round, nil)
		if err != nil {
			t.Fatal(err)
		}
		same := func(a, b float64) bool {
			return a == b || a != a && b != b || round && math.Abs(a-b) <= 0.5/Steps+1./Unit
		}
		features := map[float64]bool{}
		rows := make([]int, len(who))
		lines, columns := make([]Line, len(variants)), make([]int32, len(variants))
		for j := range lines {
			columns[j] = int32(len(variants) - 1 - j)
			lines[j] = Line{Code: [4]float32{-1, 0, 1, 7}, Center: 1, Scale: 1}
		}
		dst := make([]float32, len(variants))
		for i, person := range who {
			rows[i] = i
			p.Decode(dst, i, columns, lines)
			typed := 0
			for j, v := range variants {
				w := want(person, v)
				if got := p.Copies(i, j); !same(got, w) {
					t.Fatalf("seed %d: person %d variant %d: %v, want %v", seed, person, v, got, w)
				}
				if w == w {
					typed++
				}
				feature := float64(dst[len(variants)-1-j])
				features[feature] = true
				if w != w && feature != 7 || w == w && !same(feature, w-1) {
					t.Fatalf("seed %d: %v is decoded as %v", seed, w, feature)
				}
			}
			if p.Typed(i) != typed {
				t.Fatalf("%d typed, want %d", p.Typed(i), typed)
			}
		}
		if round && len(features) > 2*Steps+2 {
			t.Fatalf("seed %d: %d values", seed, len(features))
		}
		for j, tally := range p.Tallies(rows) {
			sum, known := 0.0, 0
			for i := range who {
				if c := p.Copies(i, j); c == c {
					sum, known = sum+c, known+1
				}
			}
			f := 0.0
			if known > 0 {
				f = sum / float64(2*known)
			}
			if tally.Known() != known || tally.Total() != len(who) || tally.Frequency(true) != f || known > 0 && math.Abs(tally.Frequency(false)+f-1) > 1e-15 {
				t.Fatalf("seed %d: %+v, want %v of %d", seed, tally, f, known)
			}
		}
	}
}

// TestAdd: files of one set have the same persons; families count where both files have some.
func TestAdd(t *testing.T) {
	of := func(ids ...[2]string) *drawn {
		d := &drawn{}
		for _, id := range ids {
			d.persons = append(d.persons, Person{FID: id[0], IID: id[1]})
		}
		return d
	}
	first := of([2]string{"F", "1"}, [2]string{"G", "2"})
	for what, c := range map[string]struct {
		file *drawn
		ok   bool
	}{
		"same": {first, true}, "no families": {of([2]string{"", "1"}, [2]string{"0", "2"}), true}, "another family": {of([2]string{"F", "1"}, [2]string{"F", "2"}), false},
		"turned": {of([2]string{"", "2"}, [2]string{"", "1"}), false}, "fewer": {of([2]string{"F", "1"}), false},
	} {
		s := &Set{}
		if err := s.Add(first); err != nil {
			t.Fatal(err)
		}
		if err := s.Add(c.file); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
}
