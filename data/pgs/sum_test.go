package pgs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
)

// drawn are random genotypes: of each variant hard calls, or dosages.
type drawn struct {
	persons  []genotype.Person
	variants []genotype.Variant
	hard     [][]byte
	dosage   [][]float32
}

func draw(g *rand.Rand, persons, variants int) *drawn {
	d := &drawn{}
	for i := range persons {
		d.persons = append(d.persons, genotype.Person{IID: fmt.Sprint("p", i), Sex: g.IntN(3), Founder: g.IntN(9) > 0})
	}
	for j := range variants {
		d.variants = append(d.variants, genotype.Variant{Chrom: []string{"1", "1", "1", "X", "Y", "MT"}[g.IntN(6)], ID: fmt.Sprint("v", j), Pos: j + 1, Ref: "A", Alt: "G"})
		hard, dosage := make([]byte, persons), make([]float32, persons)
		for i := range persons {
			hard[i] = byte(g.IntN(4))
			dosage[i] = float32(g.IntN(33)) / 16
			if hard[i] == genotype.Missing {
				dosage[i] = float32(math.NaN())
			}
		}
		if g.IntN(3) > 0 {
			d.hard, d.dosage = append(d.hard, hard), append(d.dosage, nil)
		} else {
			d.hard, d.dosage = append(d.hard, nil), append(d.dosage, dosage)
		}
	}
	return d
}

func (d *drawn) Persons() []genotype.Person   { return d.persons }
func (d *drawn) Variants() []genotype.Variant { return d.variants }
func (d *drawn) Each(_ context.Context, variants []int, visit func(k int, hard []byte, dosage []float32) error) error {
	for k, v := range variants {
		if err := visit(k, d.hard[v], d.dosage[v]); err != nil {
			return err
		}
	}
	return nil
}

// alt returns the dosage of ALT of a person, NaN where missing.
func (d *drawn) alt(v, person int) float64 {
	if d.hard[v] == nil {
		return float64(d.dosage[v][person])
	}
	if c := d.hard[v][person]; c != genotype.Missing {
		return float64(c)
	}
	return math.NaN()
}

// frequency is that of ALT, counted one by one.
func (d *drawn) frequency(v int) float64 {
	sum, n := 0.0, 0.0
	for i, p := range d.persons {
		x, copies, male := d.alt(v, i), 2.0, p.Sex == 1
		if math.IsNaN(x) || !p.Founder || d.variants[v].Chrom == "Y" && !male {
			continue
		}
		if male && strings.Contains("XY", d.variants[v].Chrom) {
			x, copies = x/2, 1
		}
		sum, n = sum+x, n+copies
	}
	return ratio(sum, n)
}

// plainly sums one score of one person as its definition says.
func (d *drawn) plainly(s *Set, k, person int, impute bool) (out Score) {
	for t, at := range s.terms {
		v := int(at.variant)
		x, f, copies := d.alt(v, person), d.frequency(v), 2.0
		switch d.variants[v].Chrom {
		case "Y":
			if d.persons[person].Sex != 1 {
				continue
			}
			x, copies = x/2, 1
		case "MT":
			x, copies = x/2, 1
		}
		if !at.alt {
			x, f = copies-x, 1-f
		}
		w := s.weights[t*len(s.Names)+k]
		if math.IsNaN(x) {
			if impute {
				out.Sum += w * f * copies
			}
			continue
		}
		out.Alleles += copies
		out.Dosage += x
		out.Sum += w * x
	}
	return out
}

// TestSum: hard calls and dosages, on all chromosomes, of selected persons, are summed as one by one; sets of the same rows and of others, in any number of threads.
func TestSum(t *testing.T) {
	for seed := range uint64(12) {
		g := rand.New(rand.NewPCG(seed, 1))
		d := draw(g, 1+g.IntN(40), 1+g.IntN(400))
		dir := t.TempDir()
		var paths []string
		for f := range 4 {
			text, columns := "", 1+g.IntN(6)
			h := rand.New(rand.NewPCG(seed, uint64(f/2))) // two files each have the same rows
			for j := range d.variants {
				if h.IntN(3) == 0 && j > 0 {
					continue
				}
				text += fmt.Sprintf("v%d %s", j, []string{"A", "G"}[h.IntN(2)])
				for range columns {
					text += fmt.Sprintf(" %g", g.NormFloat64())
				}
				text += "\n"
			}
			paths = append(paths, write(t, dir, fmt.Sprintf("f%d.txt", f), text))
		}
		var rows []int
		for i := range d.persons {
			if g.IntN(3) > 0 {
				rows = append(rows, i)
			}
		}
		o := Options{NoMeanImputation: seed%2 == 1}
		sets, err := ReadSets(context.Background(), paths, genotype.NewIndex(d.variants), o, func(int, int) {})
		if err != nil {
			t.Fatal(err)
		}
		var first []Score
		for _, o.Threads = range []int{1, 3} {
			sums, err := Sum(context.Background(), d, sets, rows, o, func(int, int) {})
			if err != nil {
				t.Fatal(err)
			}
			var scores []Score
			for _, s := range sets {
				for k := range s.Names {
					for i, r := range rows {
						got, want := sums.Of(s, k, i), d.plainly(s, k, r, !o.NoMeanImputation)
						if got.Alleles != want.Alleles || math.Abs(got.Dosage-want.Dosage) > 1e-9 || math.Abs(got.Sum-want.Sum) > 1e-9 {
							t.Fatalf("seed %d: %+v, want %+v", seed, got, want)
						}
						scores = append(scores, Score{got.Alleles, got.Dosage, got.Sum, 0})
					}
				}
			}
			if first != nil && !slices.Equal(first, scores) {
				t.Errorf("seed %d: other bits with other threads", seed)
			}
			first = scores
		}
	}
}

// TestModelsOfDosages: between 0 and 1 copies and between 1 and 2 each model is linear; missing ones are what genotypes of the frequency contribute.
func TestModelsOfDosages(t *testing.T) {
	nan := float32(math.NaN())
	d := &drawn{persons: make([]genotype.Person, 4), variants: []genotype.Variant{{Chrom: "1", ID: "v", Pos: 1, Ref: "A", Alt: "G"}}, hard: [][]byte{nil}, dosage: [][]float32{{0.5, 1.5, 1, nan}}}
	f := (0.5 + 1.5 + 1) / 6
	for text, want := range map[string][4]float64{
		"rsID\teffect_allele\teffect_weight\nv\tG\t2\n":                                                {1, 3, 2, 4 * f},
		"rsID\teffect_allele\teffect_weight\nv\tA\t2\n":                                                {3, 1, 2, 4 * (1 - f)},
		"rsID\teffect_allele\teffect_weight\tis_dominant\nv\tG\t2\tTRUE\n":                             {1, 2, 2, 2 * f},
		"rsID\teffect_allele\teffect_weight\tis_recessive\nv\tA\t2\tTRUE\n":                            {1, 0, 0, 2 * (1 - f)},
		"rsID\teffect_allele\tdosage_0_weight\tdosage_1_weight\tdosage_2_weight\nv\tG\t1\t4\t2\n":      {2.5, 3, 4, (1-f)*(1-f) + 8*f*(1-f) + 2*f*f},
		"rsID\teffect_allele\tdosage_0_weight\tdosage_1_weight\tdosage_2_weight\nv\tA\t1\t-0.5\t2e0\n": {0.75, 0.25, -0.5, f*f - f*(1-f) + 2*(1-f)*(1-f)},
	} {
		s, err := ReadSet(write(t, t.TempDir(), "s.txt", text), genotype.NewIndex(d.variants), Options{})
		if err != nil {
			t.Fatal(err)
		}
		sums, err := Sum(context.Background(), d, []*Set{s}, all(4), Options{}, func(int, int) {})
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			if got := sums.Of(s, 0, i).Sum; math.Abs(got-w) > 1e-6 {
				t.Errorf("%q: person %d has %g, want %g", text, i, got, w)
			}
		}
	}
}

// TestRoom: terms and sums that there is no memory for are E403, before they are taken.
func TestRoom(t *testing.T) {
	d := draw(rand.New(rand.NewPCG(1, 1)), 50, 30)
	text := ""
	for j := range d.variants {
		text += fmt.Sprintf("v%d A 1\n", j)
	}
	path := write(t, t.TempDir(), "s.txt", text)
	var p *data.Problem
	if _, err := ReadSet(path, genotype.NewIndex(d.variants), Options{Room: 100}); !errors.As(err, &p) || p.Code != 403 {
		t.Error(err)
	}
	s, err := ReadSet(path, genotype.NewIndex(d.variants), Options{Room: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sum(context.Background(), d, []*Set{s}, all(50), Options{Room: 50*4*8 - 1}, func(int, int) {}); !errors.As(err, &p) || p.Code != 403 {
		t.Error(err)
	}
	stop, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("stopped"))
	if _, err := Sum(stop, d, []*Set{s}, all(50), Options{}, func(int, int) {}); err == nil || err.Error() != "stopped" {
		t.Error(err)
	}
}
