package pgs

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/data/genotype"
	"contig-gpu/data/pgen"
	"contig-gpu/data/plink"
	"contig-gpu/data/table"
)

// plink2 runs plink2 in a folder; the test is skipped where there is none.
func plink2(t *testing.T, dir string, args ...string) {
	t.Helper()
	path, err := exec.LookPath("plink2")
	if err != nil {
		t.Skip("plink2 is not installed: apt-get install plink2")
	}
	cmd := exec.Command(path, append(args, "--threads", "1")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("plink2 %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sscore reads columns of a .sscore by their names, in the order of its rows.
func sscore(t *testing.T, path string, columns ...string) [][]float64 {
	t.Helper()
	l, err := table.OpenTable(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Next()
	head := l.Fields(nil)
	var out [][]float64
	for l.Next() {
		f := l.Fields(nil)
		row := make([]float64, len(columns))
		for k, c := range columns {
			v, err := strconv.ParseFloat(f[slices.Index(head, c)], 64)
			if err != nil {
				t.Fatal(err)
			}
			row[k] = v
		}
		out = append(out, row)
	}
	return out
}

// dummy makes a fileset of random genotypes; parents says how many of its persons are no founders.
func dummy(t *testing.T, dir string, persons, variants, parents, seed int, chrom string) genotype.File {
	t.Helper()
	plink2(t, dir, "--dummy", fmt.Sprint(persons), fmt.Sprint(variants), "0.07", "acgt", "--seed", fmt.Sprint(seed), "--make-bed", "--out", "d")
	fam := filepath.Join(dir, "d.fam")
	b, err := os.ReadFile(fam)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for i, l := range lines {
		f := strings.Fields(l)
		if i < parents {
			f[2], f[3] = "per"+fmt.Sprint(persons-1), "per"+fmt.Sprint(persons-2)
		}
		f[4] = fmt.Sprint(1 + i%2)
		if i%17 == 0 {
			f[4] = "0"
		}
		lines[i] = strings.Join(f, "\t")
	}
	write(t, dir, "d.fam", strings.Join(lines, "\n")+"\n")
	if chrom != "" {
		b, err := os.ReadFile(filepath.Join(dir, "d.bim"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		for i, l := range lines {
			_, rest, _ := strings.Cut(l, "\t")
			lines[i] = chrom + "\t" + rest
		}
		write(t, dir, "d.bim", strings.Join(lines, "\n")+"\n")
	}
	set, err := plink.Genotypes(filepath.Join(dir, "d"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func near(a, b float64) bool {
	const digits = 6e-6 // plink2 prints six
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= digits*max(math.Abs(b), 0.01)
}

func all(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// TestPlink2: sums, averages and counts are those of plink2 --score on random genotypes with missing calls and persons who are no founders, several scores in a
// file, whichever allele they count, in all models, on all kinds of chromosomes.
func TestPlink2(t *testing.T) {
	for seed := range 18 {
		g := rand.New(rand.NewPCG(uint64(seed), 4))
		dir := t.TempDir()
		chrom := []string{"", "", "", "X", "Y", "MT"}[seed%6]
		set := dummy(t, dir, 53+g.IntN(300), 5+g.IntN(700), g.IntN(3), seed+1, chrom)
		scores := 1 + g.IntN(9)*g.IntN(2)
		head, text := "ID\tA1", ""
		for k := range scores {
			head += fmt.Sprintf("\tS%d", k)
		}
		for i, v := range set.Variants() {
			if i%5 == 4 {
				continue
			}
			text += v.ID + "\t" + []string{v.Alt, v.Ref}[g.IntN(2)]
			for range scores {
				text += fmt.Sprintf("\t%.6g", g.NormFloat64())
			}
			text += "\n"
		}
		model := [...]string{"", "dominant", "recessive"}[g.IntN(3)]
		if chrom != "" {
			model = ""
		}
		for _, no := range []bool{false, true} {
			args := []string{"--bfile", "d", "--score", write(t, dir, "w.txt", head+"\n"+text), "1", "2", "header-read", "cols=+scoresums,+denom", "--score-col-nums", strings.Replace(fmt.Sprintf("3-%d", 2+scores), "3-3", "3", 1), "--out", "o"}
			for _, word := range []struct {
				is   bool
				word string
			}{{model != "", model}, {no, "no-mean-imputation"}} {
				if word.is {
					args = slices.Insert(args, 6, word.word)
				}
			}
			plink2(t, dir, args...)
			x := genotype.NewIndex(set.Variants())
			o := Options{KeepAmbiguous: true, NoMeanImputation: no, Threads: 1 + seed%3}
			s, err := ReadSet(ours(t, dir, head, text, model), x, o)
			if err != nil || s.Low != nil {
				t.Fatal(err, s)
			}
			sums, err := Sum(context.Background(), set, []*Set{s}, all(len(set.Persons())), o, func(int, int) {})
			if err != nil {
				t.Fatal(err)
			}
			for k := range scores {
				want := sscore(t, filepath.Join(dir, "o.sscore"), "ALLELE_CT", "NAMED_ALLELE_DOSAGE_SUM", fmt.Sprintf("S%d_AVG", k), fmt.Sprintf("S%d_SUM", k))
				for i, w := range want {
					got := sums.Of(s, k, i)
					if got.Alleles != w[0] || !near(got.Dosage, w[1]) || !near(got.Average, w[2]) || !near(got.Sum, w[3]) {
						t.Fatalf("seed %d, chromosome %q, %q, no imputation %v: score %d of person %d is %+v, plink2 has %v", seed, chrom, model, no, k, i, got, w)
					}
				}
			}
		}
	}
}

// ours writes the same scores with columns that say the model.
func ours(t *testing.T, dir, head, text, model string) string {
	t.Helper()
	if model != "" {
		head += "\tis_" + model
		text = strings.ReplaceAll(text, "\n", "\tTRUE\n")
	}
	return write(t, dir, "ours.txt", head+"\n"+text)
}

// TestSeveralAlleles: scores that name REF or alternative alleles of variants with several are those of plink2, frequencies of missing calls included.
func TestSeveralAlleles(t *testing.T) {
	for seed := range 6 {
		g := rand.New(rand.NewPCG(uint64(seed), 41))
		dir := t.TempDir()
		persons, variants := 60+g.IntN(100), 20+g.IntN(100)
		text, scores := "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT", ""
		for i := range persons {
			text += fmt.Sprint("\tP", i)
		}
		for v := range variants {
			alts := []string{"G", "T", "AC", "C"}[:1+g.IntN(4)]
			text += fmt.Sprintf("\n1\t%d\trs%d\tA\t%s\t.\t.\t.\tGT", 10+v, v, strings.Join(alts, ","))
			for range persons {
				if g.IntN(15) == 0 {
					text += "\t./."
				} else {
					text += fmt.Sprintf("\t%d/%d", g.IntN(len(alts)+1), g.IntN(len(alts)+1))
				}
			}
			scores += fmt.Sprintf("rs%d\t%s\t%.6g\n", v, append(alts, "A")[g.IntN(len(alts)+1)], g.NormFloat64())
		}
		write(t, dir, "m.vcf", text+"\n")
		plink2(t, dir, "--vcf", "m.vcf", "--make-pgen", "--out", "m")
		set, err := pgen.Open(filepath.Join(dir, "m.pgen"), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, no := range []bool{false, true} {
			args := []string{"--pfile", "m", "--score", write(t, dir, "w.txt", scores), "cols=+scoresums,+denom", "--out", "o"}
			if no {
				args = slices.Insert(args, 4, "no-mean-imputation")
			}
			plink2(t, dir, args...)
			o := Options{KeepAmbiguous: true, NoMeanImputation: no}
			s, err := ReadSet(write(t, dir, "ours.txt", "ID\tA1\tS\n"+scores), genotype.NewIndex(set.Variants()), o)
			if err != nil || s.Low != nil {
				t.Fatal(err, s)
			}
			sums, err := Sum(context.Background(), set, []*Set{s}, all(persons), o, func(int, int) {})
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range sscore(t, filepath.Join(dir, "o.sscore"), "ALLELE_CT", "NAMED_ALLELE_DOSAGE_SUM", "SCORE1_AVG", "SCORE1_SUM") {
				got := sums.Of(s, 0, i)
				if got.Alleles != w[0] || !near(got.Dosage, w[1]) || !near(got.Average, w[2]) || !near(got.Sum, w[3]) {
					t.Fatalf("seed %d, no imputation %v: person %d is %+v, plink2 has %v", seed, no, i, got, w)
				}
			}
		}
	}
}
