package assoc

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"contig-gpu/gpu"
)

// memorySource is genotypes in memory.
type memorySource struct {
	hard   [][]byte
	dosage [][]float32
}

func (m memorySource) Each(_ context.Context, variants []int, visit func(k int, hard []byte, dosage []float32) error) error {
	for k, v := range variants {
		var d []float32
		if m.dosage != nil && m.dosage[v] != nil {
			d = m.dosage[v]
			if err := visit(k, nil, d); err != nil {
				return err
			}
			continue
		}
		if err := visit(k, m.hard[v], nil); err != nil {
			return err
		}
	}
	return nil
}

func draw(g *rand.Rand, variants, persons int, missing float64) memorySource {
	m := memorySource{hard: make([][]byte, variants)}
	for v := range m.hard {
		p := 0.05 + 0.9*g.Float64()
		m.hard[v] = make([]byte, persons)
		for i := range m.hard[v] {
			for range 2 {
				if g.Float64() < p {
					m.hard[v][i]++
				}
			}
			if g.Float64() < missing {
				m.hard[v][i] = missingCall
			}
		}
	}
	return m
}

func normals(g *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = g.NormFloat64()
	}
	return out
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func results(t *testing.T, dev *gpu.Device, src Source, s Study, persons, variants int, o Options) []Result {
	t.Helper()
	scan, err := NewScan(dev, s, persons, o)
	if err != nil {
		t.Fatal(err)
	}
	defer scan.Close()
	var out []Result
	if err := scan.Run(context.Background(), src, upTo(variants), nil, func(b Block) error { out = append(out, b.Results...); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func same(a, b Result) bool {
	bits := math.Float64bits
	return a.N == b.N && bits(a.Beta) == bits(b.Beta) && bits(a.SE) == bits(b.SE) && bits(a.NegLog10P) == bits(b.NegLog10P)
}

// TestNullIsCalibrated: of 20 traits that are noise, lambda is near 1 and the smallest P of ten traits, corrected, is uniform.
func TestNullIsCalibrated(t *testing.T) {
	const persons, variants, traits = 2500, 800, 20
	g := rand.New(rand.NewPCG(16, 1))
	src := draw(g, variants, persons, 0.01)
	s := Study{Persons: upTo(persons), Covariates: [][]float64{normals(g, persons), normals(g, persons)}}
	for range traits {
		s.Traits = append(s.Traits, InverseNormal(normals(g, persons)))
	}
	r := results(t, openCPU(t), src, s, persons, variants, Options{})
	sum := 0.0
	p := make([][]float64, traits)
	for k := range p {
		for v := range variants {
			p[k] = append(p[k], r[v*traits+k].NegLog10P)
		}
		sum += Lambda(p[k])
	}
	if mean := sum / traits; mean < 0.98 || mean > 1.02 {
		t.Errorf("lambda is %v on average", mean)
	}
	least, _ := MinP(p[:10], 10)
	u := make([]float64, variants)
	for v, x := range least { // Sidak's law of the minimum of ten
		u[v] = 1 - math.Pow(1-math.Pow(10, -x)/10, 10)
	}
	slices.Sort(u)
	gap := 0.0
	for i, x := range u {
		if x < 0.65 { // where the correction does not end at 1
			gap = max(gap, math.Abs(x-float64(i+1)/variants))
		}
	}
	if limit := 1.95 / math.Sqrt(variants); gap > limit { // P of .001 (Kolmogorov)
		t.Errorf("the smallest P is %v off the uniform law, at most %v", gap, limit)
	}
}

// TestScanInvariances: a scan of several traits is scans of one; persons in another order, covariates that are there twice and swapped alleles change nothing but signs.
func TestScanInvariances(t *testing.T) {
	const persons, variants = 300, 90
	dev := openCPU(t)
	for seed := range uint64(4) {
		g := rand.New(rand.NewPCG(seed, 2))
		src := draw(g, variants, persons, []float64{0, 0.05}[seed%2])
		s := Study{Persons: upTo(persons), Traits: [][]float64{normals(g, persons), normals(g, persons), normals(g, persons)}, Covariates: [][]float64{normals(g, persons), normals(g, persons)}}
		all := results(t, dev, src, s, persons, variants, Options{})
		near := func(a, b Result, sign float64) bool {
			return a.N == b.N && math.Abs(a.Beta-sign*b.Beta) < 1e-10 && math.Abs(a.SE-b.SE) < 1e-10 && math.Abs(a.NegLog10P-b.NegLog10P) < 1e-9*max(1, a.NegLog10P)
		}
		for k, y := range s.Traits {
			one := results(t, dev, src, Study{Persons: s.Persons, Traits: [][]float64{y}, Covariates: s.Covariates}, persons, variants, Options{})
			for v := range one {
				if !near(one[v], all[3*v+k], 1) {
					t.Fatalf("seed %d: trait %d alone: %+v, with others %+v", seed, k, one[v], all[3*v+k])
				}
			}
		}
		doubled := s
		doubled.Covariates = append(slices.Clone(s.Covariates), s.Covariates...)
		swapped := memorySource{hard: make([][]byte, variants)}
		for v, row := range src.hard {
			swapped.hard[v] = slices.Clone(row)
			for i, c := range row {
				if c != missingCall {
					swapped.hard[v][i] = 2 - c
				}
			}
		}
		perm := g.Perm(persons)
		shuffled := Study{Persons: make([]int, persons), Traits: make([][]float64, 3), Covariates: make([][]float64, 2)}
		for i, p := range perm {
			shuffled.Persons[i] = s.Persons[p]
			for k := range s.Traits {
				shuffled.Traits[k] = append(shuffled.Traits[k], s.Traits[k][p])
			}
			for k := range s.Covariates {
				shuffled.Covariates[k] = append(shuffled.Covariates[k], s.Covariates[k][p])
			}
		}
		twice, turned, moved := results(t, dev, src, doubled, persons, variants, Options{}), results(t, dev, swapped, s, persons, variants, Options{}), results(t, dev, src, shuffled, persons, variants, Options{})
		again := results(t, dev, src, s, persons, variants, Options{})
		for i := range all {
			if !same(all[i], again[i]) || !same(all[i], twice[i]) || !near(all[i], turned[i], -1) || !near(all[i], moved[i], 1) {
				t.Fatalf("seed %d, result %d: %+v; again %+v, covariates twice %+v, alleles swapped %+v, persons moved %+v", seed, i, all[i], again[i], twice[i], turned[i], moved[i])
			}
		}
	}
}

// TestOddStudies: what cannot be tested is NaN, and leaves the rest alone.
func TestOddStudies(t *testing.T) {
	const persons, variants = 40, 12
	g := rand.New(rand.NewPCG(5, 5))
	dev, src := openCPU(t), draw(g, variants, persons, 0.1)
	src.hard[3] = make([]byte, persons)                         // nobody has the allele
	src.hard[4] = slices.Repeat([]byte{missingCall}, persons)   // nobody is known
	src.hard[5] = append([]byte{1}, make([]byte, persons-1)...) // one has it
	wide := Study{Persons: upTo(persons), Traits: [][]float64{normals(g, persons)}}
	for range persons {
		wide.Covariates = append(wide.Covariates, normals(g, persons))
	}
	for _, r := range results(t, dev, src, wide, persons, variants, Options{}) {
		if !math.IsNaN(r.Beta) || !math.IsNaN(r.NegLog10P) {
			t.Fatalf("more covariates than persons: %+v", r)
		}
	}
	s := Study{Persons: upTo(persons), Traits: [][]float64{normals(g, persons), slices.Repeat([]float64{5}, persons), nil}}
	for i := range persons { // the first variant itself
		s.Traits[2] = append(s.Traits[2], float64(src.hard[0][i])+1e-3*g.NormFloat64())
	}
	r := results(t, dev, src, s, persons, variants, Options{})
	for v := range variants {
		if bad := v == 3 || v == 4; math.IsNaN(r[3*v].Beta) != bad || !math.IsNaN(r[3*v+1].Beta) {
			t.Errorf("variant %d: %+v", v, r[3*v:3*v+3])
		}
	}
	imputed := results(t, dev, src, s, persons, variants, Options{ImputeMean: true})
	for v := range variants {
		if want := persons; v != 4 && imputed[3*v].N != want {
			t.Errorf("variant %d: %d persons of %d", v, imputed[3*v].N, want)
		}
	}
}

// TestDosagesAreCalls: dosages that are whole give what calls do.
func TestDosagesAreCalls(t *testing.T) {
	const persons, variants = 200, 40
	g := rand.New(rand.NewPCG(6, 5))
	hard := draw(g, variants, persons, 0.05)
	dosed := memorySource{hard: hard.hard, dosage: make([][]float32, variants)}
	for v := range variants {
		for _, c := range hard.hard[v] {
			d := float32(c)
			if c == missingCall {
				d = float32(math.NaN())
			}
			dosed.dosage[v] = append(dosed.dosage[v], d)
		}
	}
	s := Study{Persons: upTo(persons), Traits: [][]float64{normals(g, persons)}, Covariates: [][]float64{normals(g, persons)}}
	dev := openCPU(t)
	a, b := results(t, dev, hard, s, persons, variants, Options{}), results(t, dev, dosed, s, persons, variants, Options{})
	for v := range a {
		if math.Abs(a[v].Beta-b[v].Beta) > 1e-12 || a[v].N != b[v].N || math.Abs(a[v].NegLog10P-b[v].NegLog10P) > 1e-10 {
			t.Errorf("%+v, %+v", a[v], b[v])
		}
	}
}

// TestPCAOfMany: of more features than Lanczos' method has vectors at first, the components are those of the covariance, and orthonormal.
func TestPCAOfMany(t *testing.T) {
	g := rand.New(rand.NewPCG(7, 5))
	const n, d, k = 300, 500, 10
	x := make([]float64, n*d)
	for i := range n {
		hidden := normals(g, 30)
		for j := range d {
			x[i*d+j] = g.NormFloat64() + 3
			for h, v := range hidden {
				x[i*d+j] += v * math.Cos(float64(j*(h+1))) * float64(30-h) / 10
			}
		}
	}
	f := Features{N: n, D: d, Read: func(lo, hi int, dst []float64) error { copy(dst, x[lo*d:hi*d]); return nil }}
	p, err := NewPCA(openCPU(t), f, k)
	if err != nil || p.K() != k {
		t.Fatalf("%v, %d components", err, p.K())
	}
	scores, err := p.Scores(f)
	if err != nil {
		t.Fatal(err)
	}
	for a := range k {
		for b := range k {
			want := 0.0
			if a == b {
				want = p.Variance[a] * (n - 1)
			}
			if got := dot(scores[a], scores[b]); math.Abs(got-want) > 1e-8*p.Variance[0]*(n-1) {
				t.Errorf("scores %d and %d: %v, want %v", a, b, got, want)
			}
		}
	}
}
