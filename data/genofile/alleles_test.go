package genofile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data/genotype"
)

// manyAlleles writes a VCF whose variants have from one alternative allele to dozens, and returns the copies of each, by id and allele.
func manyAlleles(t *testing.T, path string, g *rand.Rand, persons, variants int) map[string][]byte {
	t.Helper()
	var b strings.Builder
	b.WriteString("##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT")
	for i := range persons {
		fmt.Fprintf(&b, "\tP%d", i)
	}
	want := map[string][]byte{}
	for v := range variants {
		alts := []int{1, 2, 2, 3, 4, 5, 6, 16, 17, 18, 40, 1 + g.IntN(60)}[g.IntN(12)]
		names := make([]string, alts)
		for k := range names {
			names[k] = "A" + string("ACGT"[k&3]) + string("ACGT"[k>>2&3]) + string("ACGT"[k>>4&3])
		}
		id := fmt.Sprint("rs", v)
		fmt.Fprintf(&b, "\n1\t%d\t%s\tA\t%s\t.\t.\t.\tGT", 10+v, id, strings.Join(names, ","))
		copies := make([][]byte, alts+1)
		for k := range copies {
			copies[k] = make([]byte, persons)
		}
		rare := g.Float64() * g.Float64()
		draw := func() int {
			if g.Float64() < rare {
				return g.IntN(alts + 1)
			}
			return min(g.IntN(2), alts) * g.IntN(2)
		}
		for i := range persons {
			x, y := draw(), draw()
			if g.Float64() < 0.05 {
				b.WriteString("\t./.")
				for k := range copies {
					copies[k][i] = genotype.Missing
				}
				continue
			}
			fmt.Fprintf(&b, "\t%d%s%d", x, []string{"/", "|"}[g.IntN(2)], y)
			copies[x][i]++
			copies[y][i]++
		}
		for k, name := range names {
			want[id+name] = copies[k+1]
		}
	}
	if err := os.WriteFile(path, []byte(b.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return want
}

// TestAlleles: variants with several alternative alleles are one of each, with the copies that bcftools norm -m- leaves, in whatever format.
func TestAlleles(t *testing.T) {
	plink2, bcftools := tool(t, "plink2"), tool(t, "bcftools")
	n, seed := sets(t)
	for s := seed; s < seed+n; s++ {
		g := rand.New(rand.NewPCG(uint64(s), 217))
		d := filepath.Join(t.TempDir(), "m")
		want := manyAlleles(t, d+".vcf", g, 1+g.IntN(300), 1+g.IntN(60))
		plink2(t, "--vcf", d+".vcf", "--make-pgen", "--out", d)
		bcftools(t, "view", "-Oz", "-o", d+".vcf.gz", d+".vcf")
		bcftools(t, "view", "-Ob", "-o", d+".bcf", d+".vcf")
		bcftools(t, "norm", "-m-", "-o", d+"norm.vcf", d+".vcf")
		for _, end := range []string{".vcf", ".vcf.gz", ".bcf", ".pgen", "norm.vcf"} {
			set := open(t, d+end, Options{})
			if len(set.Sites) != len(want) {
				t.Fatalf("seed %d, %s: %d variants, want %d", s, end, len(set.Sites), len(want))
			}
			err := set.Each(context.Background(), set.All(), func(k int, hard []byte, dosage []float32) error {
				v := set.Sites[k]
				if string(hard) != string(want[v.ID+v.Alt]) {
					t.Errorf("seed %d, %s: %s %s is %v, want %v", s, end, v.ID, v.Alt, hard, want[v.ID+v.Alt])
				}
				return nil
			})
			if err != nil {
				t.Fatalf("seed %d, %s: %v", s, end, err)
			}
		}
	}
}
