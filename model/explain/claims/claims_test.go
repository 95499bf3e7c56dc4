package claims

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// TestStudentTail compares with closed forms: df 1 is Cauchy's, df 2 algebraic, df 4 too, from the middle to where p is 1e-300; and
// large df with the normal tail.
func TestStudentTail(t *testing.T) {
	for _, x := range []float64{0, 1e-9, 0.1, 1, 3, 40, 1e4, 1e9, 1e60} {
		s := math.Sqrt(2 + x*x)
		cos2 := 4 / (4 + x*x)
		sin := x / math.Sqrt(4+x*x)
		for df, want := range map[float64]float64{
			1: math.Atan2(1, x) / math.Pi,
			2: 1 / (s * (s + x)),                                   // (1 - x/s) / 2 without cancelling
			4: cos2 * cos2 * (2 + sin) / (1 + sin) / (1 + sin) / 4, // (1 - sin)^2 (2 + sin) / 4 without cancelling
		} {
			if got := StudentTail(x, df); math.Abs(got-want) > 1e-12*want {
				t.Errorf("P(T >= %g), df %g: %g, want %g", x, df, got, want)
			}
			if got := StudentTail(-x, df); math.Abs(got-(1-want)) > 1e-14 {
				t.Errorf("P(T >= %g), df %g: %g, want %g", -x, df, got, 1-want)
			}
		}
	}
	for _, x := range []float64{0.5, 3, 8} {
		if got, want := StudentTail(x, 1e9), math.Erfc(x/math.Sqrt2)/2; math.Abs(got-want) > 1e-5*want {
			t.Errorf("df 1e9, %g: %g, normal %g", x, got, want)
		}
	}
	for _, p := range []float64{0.5, 0.025, 1e-9} {
		if got := StudentTail(StudentQuantile(p, 7), 7); math.Abs(got-p) > 1e-12*p && p < 0.5 {
			t.Errorf("the quantile of %g has tail %g", p, got)
		}
	}
	if !math.IsNaN(StudentTail(1, 0)) || StudentTail(math.Inf(1), 3) != 0 {
		t.Error("df 0, or an infinite t")
	}
}

// TestQIsTheLeast: a unit is selected at exactly the rates from its q on, by either rule.
func TestQIsTheLeast(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for range 50 {
		w := make([]float64, 40)
		for i := range w {
			w[i] = math.Round(4*(r.NormFloat64()+1)) / 4
		}
		q := QByKnockoff(w)
		for _, rate := range []float64{0.05, 0.1, 0.2, 0.35, 0.5, 0.8} {
			if got, want := AtMost(q, rate), AtLeast(w, KnockoffPlus(w, rate)); !slices.Equal(got, want) {
				t.Fatalf("at %g by q %v, by the rule %v", rate, got, want)
			}
		}
		e := EValues([][]float64{w}, 0.4)
		if got, want := AtMost(QByE(e), 0.4*(1+slack)), ClaimedByE(e, 0.4); !slices.Equal(got, want) {
			t.Fatalf("by q of e %v, by the rule %v", got, want)
		}
	}
}

// TestDonors: a permutation of who has the modality in each stratum, nobody the own donor where there are two, the same donors in every
// modality that the same persons have, whatever the strata and who is missing.
func TestDonors(t *testing.T) {
	for seed := range uint64(30) {
		n := int(seed) * 3
		stratum := func(p int) int { return int(Hash(seed, uint64(p), 1) % 5) }
		has := func(p int) bool { return seed%3 == 0 || Hash(seed, uint64(p), 2)%4 > 0 }
		donors := Donors(seed, n, stratum, has)
		members, taken := map[int]int{}, map[int]bool{}
		for p := range n {
			if has(p) {
				members[stratum(p)]++
			}
		}
		for p, d := range donors {
			if !has(p) {
				if d != NoDonor {
					t.Errorf("seed %d: person %d without the modality has a donor", seed, p)
				}
				continue
			}
			if !has(d) || stratum(d) != stratum(p) || taken[d] || d == p && members[stratum(p)] > 1 {
				t.Errorf("seed %d: the donor of %d is %d", seed, p, d)
			}
			taken[d] = true
		}
		if !slices.Equal(donors, Donors(seed, n, stratum, has)) {
			t.Errorf("seed %d: other donors", seed)
		}
	}
}

// TestLDBlocks: near variants in linkage are one block, far or independent ones and those without a place are not, in any order of
// features.
func TestLDBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	const n = 400
	base := map[int][]float32{}
	column := func(of int, noise float64) []float32 {
		if base[of] == nil {
			for range n {
				base[of] = append(base[of], float32(r.NormFloat64()))
			}
		}
		out := make([]float32, n)
		for i := range out {
			out[i] = base[of][i] + float32(noise*r.NormFloat64())
		}
		return out
	}
	names := []string{"a", "far", "b", "nowhere", "c", "other", "alone"}
	places := []Place{{"1", 2_000_000}, {"1", 3_000_001}, {"1", 1_999_000}, {}, {"1", 1_500_000}, {"X", 1_999_500}, {"1", 1_600_000}}
	x := [][]float32{column(1, 0.5), column(2, 0), column(1, 0.5), column(1, 0), column(1, 0.5), column(1, 0), column(5, 0)}
	columns := func(features []int) ([][]float32, error) {
		var out [][]float32
		for _, f := range features {
			out = append(out, slices.Clone(x[f]))
		}
		return out, nil
	}
	units, err := LDBlocks(names, places, columns)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]int{{0, 2, 4}, {1}, {3}, {5}, {6}}
	if got := featuresOf(units); !reflect.DeepEqual(got, want) {
		t.Errorf("blocks %v, want %v", got, want)
	}
	x[1] = column(1, 0.5)
	places[1].Position = 3_000_000 // within 1 Mb of a, and so of its block
	if units, err = LDBlocks(names, places, columns); err != nil || !reflect.DeepEqual(featuresOf(units)[0], []int{0, 1, 2, 4}) {
		t.Errorf("blocks %v (%v)", featuresOf(units), err)
	}
	if got, want := featuresOf(Windows(names, places, 1_000_000)), [][]int{{0}, {1}, {2, 4, 6}, {3}, {5}}; !reflect.DeepEqual(got, want) {
		t.Errorf("windows %v, want %v", got, want)
	}
}

func featuresOf(units []Unit) [][]int {
	var out [][]int
	for _, u := range units {
		out = append(out, u.Features)
	}
	return out
}

// TestCorrelated: units with common factors are one set, however few the persons; independent units are in none, values of rare
// variants neither.
func TestCorrelated(t *testing.T) {
	for _, n := range []int{200, 1000} {
		for seed := range uint64(3) {
			r := rand.New(rand.NewPCG(seed, 4))
			var x [][]float32
			factor := make([]float64, n)
			for i := range factor {
				factor[i] = r.NormFloat64()
			}
			for f := range 60 {
				row := make([]float32, n)
				for i := range row {
					switch {
					case f < 30:
						row[i] = float32(0.7*factor[i] + r.NormFloat64())
					case f < 45:
						row[i] = float32(r.NormFloat64())
					case r.IntN(50) == 0:
						row[i] = 1
					}
				}
				x = append(x, row)
			}
			sets, err := Correlated(x, Single(make([]string, 60)), Plain)
			if err != nil {
				t.Fatal(err)
			}
			if len(sets) != 1 || !slices.Equal(sets[0], upTo(30)) {
				t.Errorf("%d persons, seed %d: sets %v, want the first 30 in one", n, seed, sets)
			}
		}
	}
}

// TestOneStrongCorrelation: a unit that correlates with one other alone, clearly, is in a set with it; values of rare variants that coincide in
// some persons are in none.
func TestOneStrongCorrelation(t *testing.T) {
	const n, units = 600, 80
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 5))
		x := make([][]float32, units)
		for f := range x {
			x[f] = make([]float32, n)
			for i := range x[f] {
				switch {
				case f < 60:
					x[f][i] = float32(r.NormFloat64())
				case r.IntN(100) == 0:
					x[f][i] = 1
				}
			}
		}
		for i := range n {
			x[59][i] = 0.6*x[0][i] + 0.8*x[59][i]
		}
		sets, err := Correlated(x, Single(make([]string, units)), Plain)
		if err != nil || len(sets) != 1 || !slices.Equal(sets[0], []int{0, 59}) {
			t.Errorf("seed %d: sets %v, want 0 and 59: %v", seed, sets, err)
		}
	}
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// TestPowerNotes: an empty list says what it needs, a long one nothing.
func TestPowerNotes(t *testing.T) {
	if got := DecoyPower(5, 0, 0.1); got != "at least 20 discoveries are needed at q = 0.1 with several runs; held-out has no such floor" {
		t.Error(got)
	}
	if got := DecoyPower(1, 0, 0.05); got != "at least 20 discoveries are needed at q = 0.05 with one run; held-out has no such floor" {
		t.Error(got)
	}
	if DecoyPower(5, 21, 0.1) != "" || HeldOutPower(5000, 100, 4, 0.1) != "" {
		t.Error("a list that says enough has a note")
	}
	if HeldOutPower(30, 100, 4, 0.1) == "" || HeldOutPower(5000, 100, 0, 0.1) == "" || HeldOutPower(0, 100, 0, 0.1) == "" {
		t.Error("too few persons, or no discovery, and no note")
	}
}
