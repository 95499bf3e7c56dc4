package genofile

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/data/genotype"
)

// tool skips where a program is absent, and returns what runs it in a folder.
func tool(t *testing.T, name string) func(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("no " + name + " to compare with: apt-get install " + name)
	}
	return func(t *testing.T, args ...string) {
		t.Helper()
		if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
}

// A traw is what plink2 --export Av writes: the copies of an allele, NaN where they are missing.
type traw struct {
	variants []genotype.Variant // Alt is the counted allele
	copies   [][]float64
}

func readTraw(t *testing.T, path string) traw {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<28)
	var out traw
	for s.Scan() {
		c := strings.Fields(s.Text())
		if c[0] == "CHR" {
			continue
		}
		pos, _ := strconv.Atoi(c[3])
		row := make([]float64, len(c)-6)
		for i, w := range c[6:] {
			row[i] = math.NaN()
			if w != "NA" {
				row[i], _ = strconv.ParseFloat(w, 64)
			}
		}
		out.variants, out.copies = append(out.variants, genotype.Variant{Chrom: c[0], ID: c[1], Pos: pos, Alt: c[4], Ref: c[5]}), append(out.copies, row)
	}
	return out
}

// compare holds every genotype of a file against plink2's, and returns how many dosages there were that are no hard calls.
func compare(t *testing.T, set *genotype.Set, want traw, slack float64) (dosages int) {
	t.Helper()
	at := map[string]int{}
	for k, v := range want.variants {
		at[fmt.Sprint(v.ID, v.Pos)] = k
	}
	var both []int
	for i, v := range set.Sites {
		if _, ok := at[fmt.Sprint(v.ID, v.Pos)]; ok {
			both = append(both, i)
		}
	}
	if len(both) != len(want.variants) {
		t.Fatalf("%d variants, of which plink2 has %d of %d", len(set.Sites), len(both), len(want.variants))
	}
	different := 0
	err := set.Each(context.Background(), both, func(k int, hard []byte, dosage []float32) error {
		v := set.Sites[both[k]]
		j := at[fmt.Sprint(v.ID, v.Pos)]
		for i, w := range want.copies[j] {
			if v.Alt != want.variants[j].Alt {
				w = 2 - w
			}
			got := math.NaN()
			if hard == nil {
				got = float64(dosage[i])
				dosages++
			} else if hard[i] != genotype.Missing {
				got = float64(hard[i])
			}
			if math.IsNaN(got) != math.IsNaN(w) || math.Abs(got-w) > slack {
				if different++; different < 5 {
					t.Errorf("variant %s person %d: %v, plink2 has %v", v.ID, i, got, w)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if different > 0 {
		t.Fatalf("%d genotypes differ", different)
	}
	return dosages
}

func open(t *testing.T, path string, o Options) *genotype.Set {
	t.Helper()
	set, err := Open([]string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// exactly is the slack of what plink2 prints with four decimals.
const exactly = 5.1e-5

// sets returns how many random sets there are: CONTIG_GENOTYPES, or a few.
func sets(t *testing.T) (n, seed int) {
	n, seed = 4, 1
	if text := os.Getenv("CONTIG_GENOTYPES"); text != "" {
		if _, err := fmt.Sscan(text, &n, &seed); err != nil {
			t.Fatalf("CONTIG_GENOTYPES=%q: %v", text, err)
		}
	}
	return n, seed
}

// TestDummies reads random sets of odd sizes, with missing genotypes, phase and dosages, as plink2 writes them in every format, and compares with plink2.
func TestDummies(t *testing.T) {
	plink2 := tool(t, "plink2")
	n, seed := sets(t)
	for s := seed; s < seed+n; s++ {
		t.Run(fmt.Sprint("seed=", s), func(t *testing.T) { dummy(t, plink2, s) })
	}
}

func dummy(t *testing.T, plink2 func(*testing.T, ...string), seed int) {
	g := rand.New(rand.NewPCG(uint64(seed), 15))
	dir := t.TempDir()
	d := filepath.Join(dir, "d")
	make := []string{"--dummy", fmt.Sprint(1 + g.IntN(300)), fmt.Sprint(1 + g.IntN(400)), fmt.Sprint(g.Float64() * 0.3), "acgt"}
	dosages := []float64{0, 0, 0, 0, 0.01, 0.3, g.Float64(), 1}[g.IntN(8)]
	if dosages > 0 {
		make = append(make, fmt.Sprint("dosage-freq=", dosages))
	}
	if g.IntN(2) == 0 && dosages < 1 { // plink2 cannot read back what it makes of both
		make = append(make, fmt.Sprint("phase-freq=", g.Float64()))
	}
	plink2(t, append(make, "--seed", fmt.Sprint(seed), "--make-pgen", "--out", d)...)
	plink2(t, "--pfile", d, "--export", "Av", "--out", d)
	want := readTraw(t, d+".traw")
	compare(t, open(t, d+".pgen", Options{}), want, exactly)
	plink2(t, "--pfile", d, "--make-bed", "--out", d+"bed")
	plink2(t, "--bfile", d+"bed", "--export", "Av", "--out", d+"bed")
	compare(t, open(t, d+"bed", Options{}), readTraw(t, d+"bed.traw"), 0)
	for _, kind := range []string{"--make-bpgen", "--make-pgen vzs", "--make-pgen pvar-cols="} {
		plink2(t, append(append([]string{"--pfile", d}, strings.Fields(kind)...), "--out", d+"x")...)
		compare(t, open(t, d+"x", Options{}), want, exactly)
		for _, end := range []string{".pgen", ".pvar", ".pvar.zst", ".psam", ".bim", ".fam"} {
			os.Remove(d + "x" + end)
		}
	}
	for _, kind := range []string{"bgen-1.2 bits=8 ref-first", "bgen-1.3 bits=16 ref-first", "bgen-1.2 bits=1 ref-last", fmt.Sprintf("bgen-1.3 bits=%d", 2+g.IntN(15))} {
		args := append(append([]string{"--pfile", d, "--export"}, strings.Fields(kind)...), "--out", d+"b")
		if out, _ := exec.Command("plink2", args...).CombinedOutput(); strings.Contains(string(out), "Assertion `compressed_bytect' failed") {
			t.Logf("%s of few persons: plink2 ends by an assertion of its own", kind) // of 1,022 sets, in one of 11 persons
			continue
		}
		plink2(t, args...)
		ref := "ref-first"
		if !strings.Contains(kind, ref) {
			ref = "ref-last"
		}
		plink2(t, "--bgen", d+"b.bgen", ref, "--sample", d+"b.sample", "--export", "Av", "--out", d+"b")
		compare(t, open(t, d+"b.bgen", Options{RefLast: ref == "ref-last"}), readTraw(t, d+"b.traw"), bgenSlack)
	}
	for _, kind := range []string{"vcf bgz vcf-dosage=DS-force", "vcf vcf-dosage=DS", "vcf bgz vcf-dosage=HDS", "vcf", "vcf bgz vcf-dosage=GP", "bcf vcf-dosage=DS", "bcf vcf-dosage=GP", "bcf"} {
		plink2(t, append(append([]string{"--pfile", d, "--export"}, strings.Fields(kind)...), "--out", d+"v")...)
		read, file := []string{"--vcf"}, d+"v.vcf"
		switch {
		case strings.HasPrefix(kind, "bcf"):
			read, file = []string{"--bcf"}, d+"v.bcf"
		case strings.Contains(kind, "bgz"):
			file = d + "v.vcf.gz"
		}
		read = append(read, file)
		if _, field, ok := strings.Cut(kind, "vcf-dosage="); ok {
			read = append(read, "dosage="+strings.TrimSuffix(field, "-force"))
		}
		plink2(t, append(read, "--export", "Av", "--out", d+"v")...)
		compare(t, open(t, file, Options{}), readTraw(t, d+"v.traw"), bgenSlack)
	}
}

// bgenSlack is that of what plink2 rounds when it reads a BGEN, and prints with four decimals.
const bgenSlack = 1.2e-4
