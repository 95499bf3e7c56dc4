package genofile

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// linkedBed writes a fileset in which variants are like those before them, rare, inverted, or known of nobody, so that plink2 compresses them in all of its ways.
func linkedBed(t *testing.T, prefix string, g *rand.Rand, persons, variants int) {
	t.Helper()
	bed, row := []byte("\x6c\x1b\x01"), make([]byte, persons)
	var bim, fam strings.Builder
	for v := range variants {
		rare := g.Float64() * g.Float64() * 0.1
		code := byte([]int{0, 1, 2, 3}[g.IntN(4)])
		switch kind := g.IntN(5); {
		case kind == 0 || v == 0:
			for i := range row {
				row[i] = byte(g.IntN(4))
			}
		case kind == 1:
			for i := range row {
				row[i] = code
			}
		case kind == 2: // inverted
			for i, c := range row {
				row[i] = [4]byte{3, 1, 2, 0}[c]
			}
		case kind == 3:
			other := byte(g.IntN(4))
			for i := range row {
				if row[i] = code; g.IntN(2) == 0 {
					row[i] = other
				}
			}
		}
		for i := range row {
			if g.Float64() < rare {
				row[i] = byte(g.IntN(4))
			}
		}
		packed := make([]byte, (persons+3)/4)
		for i, c := range row {
			packed[i/4] |= c << (2 * (i % 4))
		}
		bed = append(bed, packed...)
		fmt.Fprintf(&bim, "%d\trs%d\t0\t%d\t%s\n", 1+v*22/variants, v, 1000+v, []string{"A\tG", "C\tT", "AT\tA", "G\tC"}[g.IntN(4)])
	}
	for i := range persons {
		fmt.Fprintf(&fam, "F%d P%d 0 0 %d -9\n", i, i, g.IntN(3))
	}
	for end, text := range map[string]string{".bed": string(bed), ".bim": bim.String(), ".fam": fam.String()} {
		if err := os.WriteFile(prefix+end, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLinked reads what plink2 compresses: each in all, and every fifth variant alone.
func TestLinked(t *testing.T) {
	plink2 := tool(t, "plink2")
	n, seed := sets(t)
	for s := seed; s < seed+max(5, n); s++ {
		g := rand.New(rand.NewPCG(uint64(s), 205))
		d := filepath.Join(t.TempDir(), "d")
		persons, variants := 1+g.IntN(700), 1+g.IntN(500)
		if edges := []int{70_000, 255, 256, 65_535, 65_536}; s-seed < len(edges) { // where the ids of persons get another byte
			persons, variants = edges[s-seed], 30
		}
		linkedBed(t, d, g, persons, variants)
		plink2(t, "--bfile", d, "--make-pgen", "--out", d)
		plink2(t, "--bfile", d, "--export", "Av", "--out", d)
		want := readTraw(t, d+".traw")
		compare(t, open(t, d+".bed", Options{}), want, 0)
		set := open(t, d+".pgen", Options{})
		compare(t, set, want, 0)
		some := set.Every(5, false, set.All())
		rows := map[int]string{}
		keep := func(k int, hard []byte, _ []float32) error { rows[k] = string(hard); return nil }
		if err := set.Each(t.Context(), set.All(), keep); err != nil {
			t.Fatal(err)
		}
		err := set.Each(t.Context(), some, func(k int, hard []byte, _ []float32) error {
			if rows[some[k]] != string(hard) {
				t.Fatalf("variant %d alone is not what it is among all", some[k])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// fixtures is the folder of real files, or the test is skipped.
func fixtures(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{os.Getenv("CONTIG_FIXTURES"), "../../../shared/fixtures"} {
		if _, err := os.Stat(filepath.Join(dir, "genotypes")); dir != "" && err == nil {
			return filepath.Join(dir, "genotypes")
		}
	}
	t.Skip("no folder of fixtures beside the repository: set CONTIG_FIXTURES to one")
	return ""
}

// TestFixtures holds real files against plink2.
func TestFixtures(t *testing.T) {
	dir := fixtures(t)
	plink2 := tool(t, "plink2")
	for _, c := range []struct{ file, take string }{
		{"cineca.bed", "--bfile cineca"}, {"cineca.pgen", "--pfile cineca"}, {"example.bed", "--bfile example"}, {"example.pgen", "--pfile example"}, {"chr21_phase3_start.pgen", "--pfile chr21_phase3_start vzs --max-alleles 2"},
		{"cineca.vcf.gz", "--vcf cineca.vcf.gz"}, {"vcf_tiny1000G.vcf.gz", "--vcf vcf_tiny1000G.vcf.gz --autosome --max-alleles 2"},
		{"example.bgen", "--bgen example.bgen ref-first"}, {"bgen_phased_tiny1000G.bgen", "--bgen bgen_phased_tiny1000G.bgen ref-first --autosome --max-alleles 2"},
		{"bgen_unphased_tiny1000G.bgen", "--bgen bgen_unphased_tiny1000G.bgen ref-first --autosome --max-alleles 2"},
	} {
		t.Run(c.file, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "x")
			args := strings.Fields(c.take)
			args[1] = filepath.Join(dir, args[1])
			plink2(t, append(args, "--export", "Av", "--out", out)...)
			compare(t, open(t, filepath.Join(dir, c.file), Options{}), readTraw(t, out+".traw"), exactly)
		})
	}
}

// TestBlocks reads more variants than a block of a .pgen's header has: those about its end, and others far apart.
func TestBlocks(t *testing.T) {
	plink2 := tool(t, "plink2")
	d := filepath.Join(t.TempDir(), "d")
	const block, variants = 65_536, 66_000
	linkedBed(t, d, rand.New(rand.NewPCG(8, 205)), 9, variants)
	plink2(t, "--bfile", d, "--make-pgen", "--out", d)
	bed, pgen := open(t, d+".bed", Options{}), open(t, d+".pgen", Options{})
	var some []int
	for v := range variants {
		if v%89 == 0 || v >= block-9 && v < block+9 {
			some = append(some, v)
		}
	}
	rows := make([]string, len(some))
	if err := bed.Each(t.Context(), some, func(k int, hard []byte, _ []float32) error { rows[k] = string(hard); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := pgen.Each(t.Context(), some, func(k int, hard []byte, _ []float32) error {
		if string(hard) != rows[k] {
			t.Errorf("variant %d: %v, the .bed has %v", some[k], hard, []byte(rows[k]))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
