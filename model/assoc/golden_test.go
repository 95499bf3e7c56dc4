package assoc

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/data/genofile"
	"contig-gpu/data/genotype"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest/golden"
)

// fixtures is the folder of genotypes that cases name files of: $CONTIG_FIXTURES, by default ../shared/fixtures beside the module.
func fixtures(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CONTIG_FIXTURES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no folder of fixtures: set CONTIG_FIXTURES")
	}
	return dir
}

func openSet(t *testing.T, prefix string) *genotype.Set {
	t.Helper()
	set, err := genofile.Open([]string{filepath.Join(fixtures(t), prefix)}, genofile.Options{Format: "bed"})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func openCPU(t *testing.T) *gpu.Device {
	t.Helper()
	dev, err := gpu.Open("cpu", gpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev
}

// goldenCases runs f for every case of an op, and fails where there is none.
func goldenCases(t *testing.T, op string, f func(t *testing.T, c golden.Case)) {
	cases := 0
	for _, c := range golden.Cases(t, "assoc") {
		var is struct{ Op string }
		if c.Decode(t, &is); is.Op != op {
			continue
		}
		cases++
		t.Run(c.Label(), func(t *testing.T) { f(t, c) })
	}
	if cases == 0 {
		t.Errorf("no case is about %s", op)
	}
}

// near compares values of any number; NaN must meet NaN, and values below small of the largest are compared with that.
func near(t *testing.T, what string, got, want []float64, bound float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.IsNaN(want[i]) != math.IsNaN(got[i]) || math.Abs(got[i]-want[i]) > bound*math.Abs(want[i]) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// nearMost is near, but that what is much smaller than the largest is held to a share of that.
func nearMost(t *testing.T, what string, got, want []float64, bound float64) {
	t.Helper()
	most := 0.0
	for _, w := range want {
		if !math.IsNaN(w) {
			most = max(most, math.Abs(w))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.IsNaN(want[i]) != math.IsNaN(got[i]) || math.Abs(got[i]-want[i]) > bound*max(math.Abs(want[i]), 1e-3*most) {
			t.Fatalf("%s: value %d is %v, want %v (largest %v)", what, i, got[i], want[i], most)
		}
	}
}

func inMemory(x golden.Tensor) Features {
	d := x.Dims[1]
	return Features{N: x.Dims[0], D: d, Read: func(lo, hi int, dst []float64) error { copy(dst, x.Data[lo*d:hi*d]); return nil }}
}

func TestGoldenPCA(t *testing.T) {
	dev := openCPU(t)
	goldenCases(t, "pca", func(t *testing.T, c golden.Case) {
		var a struct{ K int }
		c.Decode(t, &a)
		p, err := NewPCA(dev, inMemory(c.Tensor(t, "x")), a.K)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "mean", p.Mean, c.Tensor(t, "mean").Data, 1e-9)
		near(t, "variance", p.Variance, c.Tensor(t, "explained_variance").Data, 1e-9)
		near(t, "ratio", p.Ratio, c.Tensor(t, "explained_variance_ratio").Data, 1e-9)
		nearMost(t, "components", p.Components, c.Tensor(t, "components").Data, 1e-8)
		for _, part := range [][2]string{{"x", "scores"}, {"new", "new_scores"}} {
			x := inMemory(c.Tensor(t, part[0]))
			scores, err := p.Scores(x)
			if err != nil {
				t.Fatal(err)
			}
			nearMost(t, part[1], rowMajor(scores), c.Tensor(t, part[1]).Data, 1e-9)
		}
	})
}

func rowMajor(columns [][]float64) []float64 {
	var out []float64
	for i := range columns[0] {
		for _, c := range columns {
			out = append(out, c[i])
		}
	}
	return out
}

func columnsOf(x golden.Tensor) [][]float64 {
	if len(x.Dims) == 1 {
		return [][]float64{x.Data}
	}
	out := make([][]float64, x.Dims[1])
	for j := range out {
		for i := range x.Dims[0] {
			out[j] = append(out[j], x.Data[i*x.Dims[1]+j])
		}
	}
	return out
}

func TestGoldenInverseNormal(t *testing.T) {
	goldenCases(t, "inverse_normal", func(t *testing.T, c golden.Case) {
		got, want := InverseNormal(c.Tensor(t, "x").Data), c.Tensor(t, "y").Data
		for i := range want {
			if math.IsNaN(want[i]) != math.IsNaN(got[i]) || math.Abs(got[i]-want[i]) > 1e-9*max(math.Abs(want[i]), 1e-6) {
				t.Errorf("value %d is %v, want %v", i, got[i], want[i])
			}
		}
	})
}

func TestGoldenResidual(t *testing.T) {
	goldenCases(t, "residual", func(t *testing.T, c golden.Case) {
		var a struct{ Rank int }
		c.Decode(t, &a)
		y := columnsOf(c.Tensor(t, "y"))
		s := NewSpan(len(y[0]), columnsOf(c.Tensor(t, "covariates")))
		if s.Rank != a.Rank {
			t.Errorf("rank %d, want %d", s.Rank, a.Rank)
		}
		for j, want := range columnsOf(c.Tensor(t, "residual")) {
			nearMost(t, "residual", s.Residual(y[j]), want, 1e-9)
		}
	})
}

// A collected scan is all its results.
type collected struct{ n, frequency, beta, se, t, p []float64 }

func collect(t *testing.T, dev *gpu.Device, set *genotype.Set, s Study, o Options, trait int) collected {
	t.Helper()
	scan, err := NewScan(dev, s, len(set.Persons()), o)
	if err != nil {
		t.Fatal(err)
	}
	defer scan.Close()
	var out collected
	err = scan.Run(context.Background(), set, set.All(), nil, func(b Block) error {
		for v := range b.Variants {
			r := b.Results[v*b.Traits+trait]
			out.n, out.frequency, out.beta = append(out.n, float64(r.N)), append(out.frequency, r.Frequency), append(out.beta, r.Beta)
			out.se, out.t, out.p = append(out.se, r.SE), append(out.t, r.T), append(out.p, r.NegLog10P)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func goldenStudy(t *testing.T, c golden.Case) Study {
	t.Helper()
	keep, y := c.Tensor(t, "keep").Data, c.Tensor(t, "y").Data
	s := Study{Traits: [][]float64{nil}}
	var covariates [][]float64
	if x, ok := c.Lookup("covariates"); ok {
		covariates = columnsOf(x)
		s.Covariates = make([][]float64, len(covariates))
	}
	for i := range y {
		if keep[i] == 0 {
			continue
		}
		s.Persons, s.Traits[0] = append(s.Persons, i), append(s.Traits[0], y[i])
		for j := range covariates {
			s.Covariates[j] = append(s.Covariates[j], covariates[j][i])
		}
	}
	return s
}

func TestGoldenLinearScan(t *testing.T) {
	dev := openCPU(t)
	goldenCases(t, "linear_scan", func(t *testing.T, c golden.Case) {
		var a struct{ Bfile, Counted string }
		if c.Decode(t, &a); a.Counted != "a1" {
			t.Fatalf("counted %q", a.Counted)
		}
		got := collect(t, dev, openSet(t, a.Bfile), goldenStudy(t, c), Options{}, 0)
		near(t, "n", got.n, c.Tensor(t, "n").Data, 0)
		near(t, "frequency", got.frequency, c.Tensor(t, "frequency").Data, 1e-9)
		nearMost(t, "beta", got.beta, c.Tensor(t, "beta").Data, 1e-9)
		near(t, "se", got.se, c.Tensor(t, "se").Data, 1e-9)
		nearMost(t, "t", got.t, c.Tensor(t, "t").Data, 1e-9)
		nearMost(t, "p", got.p, c.Tensor(t, "neglog10_p").Data, 1e-8)
	})
}

func TestGoldenMinP(t *testing.T) {
	goldenCases(t, "min_p", func(t *testing.T, c golden.Case) {
		var a struct{ Tests int }
		c.Decode(t, &a)
		x := c.Tensor(t, "neglog10_p")
		var p [][]float64
		for k := range x.Dims[0] {
			p = append(p, x.Data[k*x.Dims[1]:(k+1)*x.Dims[1]])
		}
		got, _ := MinP(p, a.Tests)
		near(t, "min", got, c.Tensor(t, "neglog10_min").Data, 1e-12)
	})
}

func TestGoldenClump(t *testing.T) {
	goldenCases(t, "clump", func(t *testing.T, c golden.Case) {
		var a struct {
			Bfile          string
			P1, P2, R2, KB float64
			Clumps         []struct {
				Index   string
				Total   int
				Bins    [5]int
				Members []string
			}
		}
		c.Decode(t, &a)
		set := openSet(t, a.Bfile)
		var p []float64
		for _, v := range c.Tensor(t, "p").Data {
			p = append(p, Log10P(v))
		}
		got, err := Clumps(context.Background(), set, founders(set), placesOf(set), p, ClumpOptions{P1: a.P1, P2: a.P2, R2: a.R2, KB: a.KB})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(a.Clumps) {
			t.Fatalf("%d clumps, want %d", len(got), len(a.Clumps))
		}
		for i, w := range a.Clumps {
			var members []string
			for _, m := range got[i].Members {
				members = append(members, set.Sites[m].ID)
			}
			if set.Sites[got[i].Index].ID != w.Index || len(got[i].All) != w.Total || got[i].Bins != w.Bins || !slices.Equal(members, w.Members) {
				t.Errorf("clump %d: %s %d %v %v, want %+v", i, set.Sites[got[i].Index].ID, len(got[i].All), got[i].Bins, members, w)
			}
		}
	})
}

func founders(set *genotype.Set) Population {
	var p Population
	for i, x := range set.Persons() {
		if x.Founder {
			p.Persons, p.Male = append(p.Persons, i), append(p.Male, x.Sex == 1)
		}
	}
	return p
}

func placesOf(set *genotype.Set) []Place {
	number := map[string]int{}
	var out []Place
	for _, v := range set.Sites {
		c, ok := number[v.Chrom]
		if !ok {
			c = len(number)
			number[v.Chrom] = c
		}
		out = append(out, Place{c, v.Pos, map[string]Ploidy{"X": XLinked, "Y": YLinked, "MT": Haploid}[v.Chrom]})
	}
	return out
}

func TestGoldenLD(t *testing.T) {
	goldenCases(t, "ld", func(t *testing.T, c golden.Case) {
		var a struct{ Bfile string }
		c.Decode(t, &a)
		set := openSet(t, a.Bfile)
		calls := make([][]byte, len(set.Sites))
		if err := set.Each(context.Background(), set.All(), func(k int, hard []byte, _ []float32) error { calls[k] = slices.Clone(hard); return nil }); err != nil {
			t.Fatal(err)
		}
		first, second, want := c.Tensor(t, "first").Data, c.Tensor(t, "second").Data, c.Tensor(t, "r2_haplotype").Data
		for i := range want {
			got := HaplotypeR2(PairCounts(calls[int(first[i])], calls[int(second[i])]), Counts{})
			if math.Abs(got-want[i]) > 1e-9*max(want[i], 1e-4) {
				t.Errorf("pair %d: %v, want %v", i, got, want[i])
			}
		}
	})
}

func TestGoldenQQ(t *testing.T) {
	goldenCases(t, "qq", func(t *testing.T, c golden.Case) {
		var a struct {
			N           int
			Lambda      float64 `json:"lambda_gc"`
			PlinkLambda float64 `json:"lambda_of_plink2"`
		}
		c.Decode(t, &a)
		var p []float64
		for _, v := range c.Tensor(t, "p").Data {
			p = append(p, Log10P(v))
		}
		q := NewQQ(p, nil)
		if len(q.Observed) != a.N || math.Abs(q.Lambda-a.Lambda) > 1e-9*a.Lambda || math.Abs(q.PlinkLambda-a.PlinkLambda) > 1e-5*a.PlinkLambda {
			t.Errorf("%d values, lambda %v, plink's %v, want %+v", len(q.Observed), q.Lambda, q.PlinkLambda, a)
		}
		nearMost(t, "observed", q.Observed, c.Tensor(t, "observed").Data, 1e-9)
		nearMost(t, "expected", q.Expected, c.Tensor(t, "expected").Data, 1e-9)
		nearMost(t, "low", q.BandLow, c.Tensor(t, "band_low").Data, 1e-9)
		nearMost(t, "high", q.BandHigh, c.Tensor(t, "band_high").Data, 1e-9)
	})
}
