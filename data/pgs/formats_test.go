package pgs

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"contig-gpu/data/genofile"
	"contig-gpu/data/genotype"
)

// moreSets is the variable that says how many random sets are compared with plink2, and from which seed on: "20 100".
const moreSets = "CONTIG_SCORE_SETS"

// TestFormats: scores of dosages and hard calls, from .pgen, .bgen and .vcf that plink2 wrote of one set, are those of plink2 --score.
func TestFormats(t *testing.T) {
	sets, first := 2, 1
	if text := os.Getenv(moreSets); text != "" {
		if n, err := fmt.Sscan(text, &sets, &first); n != 2 {
			t.Fatal(moreSets, err)
		}
	}
	for seed := first; seed < first+sets; seed++ {
		g := rand.New(rand.NewPCG(uint64(seed), 8))
		dir := t.TempDir()
		dosages := []string{"dosage-freq=0.3", "dosage-freq=0"}[g.IntN(2)]
		plink2(t, dir, "--dummy", fmt.Sprint(51+g.IntN(150)), fmt.Sprint(3+g.IntN(300)), "0.05", "acgt", dosages, "phase-freq=0.2", "--seed", fmt.Sprint(seed), "--make-pgen", "--out", "d")
		plink2(t, dir, "--pfile", "d", "--export", "bgen-1.2", "bits=16", "ref-first", "--out", "b16")
		plink2(t, dir, "--pfile", "d", "--export", "bgen-1.3", "bits=8", "ref-first", "--out", "b8")
		plink2(t, dir, "--pfile", "d", "--export", "vcf", "bgz", "vcf-dosage=DS-force", "id-paste=iid", "--out", "v")
		text := ""
		list, err := genofile.Open([]string{filepath.Join(dir, "d")}, genofile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range list.Sites {
			text += fmt.Sprintf("%s %s %.5g\n", v.ID, []string{v.Ref, v.Alt}[g.IntN(2)], g.NormFloat64())
		}
		weights := write(t, dir, "w.txt", text)
		no := g.IntN(2) == 0
		const printed, rounded = 1e-5, 3e-4 // six digits; plink2 rounds the dosages of 8 bits otherwise, up to 1e-4 each
		for _, c := range []struct {
			name string
			most float64
			from []string
		}{{"d.pgen", printed, []string{"--pfile", "d"}}, {"b16.bgen", printed, []string{"--bgen", "b16.bgen", "ref-first", "--sample", "b16.sample"}}, {"b8.bgen", rounded, []string{"--bgen", "b8.bgen", "ref-first", "--sample", "b8.sample"}},
			{"v.vcf.gz", printed, []string{"--vcf", "v.vcf.gz", "dosage=DS"}}} {
			name, from := c.name, c.from
			args := append(from, "--score", "w.txt", "1", "2", "3", "cols=+scoresums,+denom", "--out", "o")
			if no {
				args = append(from, "--score", "w.txt", "1", "2", "3", "no-mean-imputation", "cols=+scoresums,+denom", "--out", "o")
			}
			plink2(t, dir, args...)
			set, err := genofile.Open([]string{filepath.Join(dir, name)}, genofile.Options{})
			if err != nil {
				t.Errorf("seed %d: %s: %v", seed, name, err)
				continue
			}
			compareScores(t, "seed "+strconv.Itoa(seed)+", "+name, set, weights, filepath.Join(dir, "o.sscore"), c.most, Options{KeepAmbiguous: true, NoMeanImputation: no})
		}
	}
}

// compareScores holds the scores of a set to a .sscore of the same persons and weights.
func compareScores(t *testing.T, what string, set *genotype.Set, weights, path string, most float64, o Options) {
	t.Helper()
	s, err := ReadSet(weights, genotype.NewIndex(set.Sites), o)
	if err != nil || s.Low != nil {
		t.Fatal(what, err, s.Low)
	}
	sums, err := Sum(context.Background(), set, []*Set{s}, all(len(set.People)), o, func(int, int) {})
	if err != nil {
		t.Fatal(what, err)
	}
	const third = 1.1e-3 // plink2 prints sums of dosages to three digits, and one too small where 4 times the fraction has .4921875, as 6.122 of 6.123046875 (its ddosagetoa)
	for i, w := range sscore(t, path, "ALLELE_CT", "NAMED_ALLELE_DOSAGE_SUM", "SCORE1_AVG", "SCORE1_SUM") {
		got := sums.Of(s, 0, i)
		if got.Alleles != w[0] || math.Abs(got.Dosage-w[1]) > third+most*w[1] || far(got.Average, w[2], most) || far(got.Sum, w[3], most) {
			t.Errorf("%s: person %d has %+v, plink2 %v", what, i, got, w)
			return
		}
	}
}

func far(a, b, most float64) bool { return a-b > most*max(1, b, -b) || b-a > most*max(1, b, -b) }
