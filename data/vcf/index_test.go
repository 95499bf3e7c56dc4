package vcf

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/genotype"
)

// sorted makes a VCF whose variants are sorted, on chromosomes of several names, with deletions that reach far.
func sorted(g *rand.Rand, variants int) string {
	var b strings.Builder
	b.WriteString("##fileformat=VCFv4.3\n##contig=<ID=chr1>\n##contig=<ID=7>\n##contig=<ID=chrX>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n")
	for _, chrom := range []string{"chr1", "7", "chrX"} {
		pos := 0
		for k := range variants {
			pos += 1 + g.IntN(1<<g.IntN(17))
			ref := "A"
			if g.IntN(9) == 0 {
				ref += strings.Repeat("C", g.IntN(3000))
			}
			alt := []string{"T", "T,G"}[g.IntN(8)/7]
			fmt.Fprintf(&b, "%s\t%d\trs%s_%d\t%s\t%s\t.\t.\t.\tGT\t0/%d\t./.\n", chrom, pos, chrom, k, ref, alt, g.IntN(2))
		}
	}
	return b.String()
}

// TestRegions: with an index of either kind, of text or BCF, the variants of regions are those that a pass over the file finds in them, with the same genotypes.
func TestRegions(t *testing.T) {
	bcftools, err := exec.LookPath("bcftools")
	if err != nil {
		t.Skip("no bcftools to make an index: apt-get install bcftools")
	}
	g := rand.New(rand.NewPCG(7, 207))
	dir := t.TempDir()
	text := write(t, "x.vcf", []byte(sorted(g, 700)))
	for _, c := range []struct{ format, name, index string }{{"z", "x.vcf.gz", "-t"}, {"z", "y.vcf.gz", "-c"}, {"b", "x.bcf", "-c"}} {
		path := filepath.Join(dir, c.name)
		for _, args := range [][]string{{"view", "-O", c.format, "-o", path, text}, {"index", c.index, path}} {
			if out, err := exec.Command(bcftools, args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
		}
		whole, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		last := whole.Variants()[len(whole.Variants())-1].Pos
		for range 60 {
			regions := randomRegions(g, last)
			f, err := Open(path, Options{Regions: regions})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(fmt.Sprint(f.About().Notes), "regions alone") {
				t.Fatal(f.About().Notes)
			}
			sameWithin(t, whole, f, regions)
		}
	}
}

func randomRegions(g *rand.Rand, last int) []genotype.Interval {
	var out []genotype.Interval
	for range 1 + g.IntN(3) {
		from := g.IntN(last)
		out = append(out, genotype.Interval{Chromosome: []string{"1", "7", "X", "22"}[g.IntN(4)], From: from, To: from + g.IntN(1<<g.IntN(20))})
	}
	return genotype.Disjoint(out)
}

func sameWithin(t *testing.T, whole, f genotype.File, regions []genotype.Interval) {
	t.Helper()
	calls := func(f genotype.File, of []int) []string {
		var out []string
		if err := f.Each(t.Context(), of, func(k int, hard []byte, _ []float32) error {
			v := f.Variants()[of[k]]
			out = append(out, fmt.Sprint(v.Chrom, v.Pos, v.ID, v.Alt, hard))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	var inside []int
	for i, v := range whole.Variants() {
		if slices.ContainsFunc(regions, func(r genotype.Interval) bool {
			return v.Chromosome() == r.Chromosome && r.From <= v.Pos && v.Pos <= r.To
		}) {
			inside = append(inside, i)
		}
	}
	all := make([]int, len(f.Variants()))
	for i := range all {
		all[i] = i
	}
	if want, got := calls(whole, inside), calls(f, all); !slices.Equal(want, got) {
		t.Fatalf("%v: %d variants, want %d", regions, len(got), len(want))
	}
}

// FuzzIndex reads anything as an index: a Problem, or variants of the file.
func FuzzIndex(f *testing.F) {
	text := sorted(rand.New(rand.NewPCG(1, 1)), 40)
	path := write(f, "x.vcf.gz", bgzip([]byte(text), 4000))
	chunk := "\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x0f\x00\x00\x00\x00\x00"
	one := "\x01\x00\x00\x00\x49\x12\x00\x00\x01\x00\x00\x00" + chunk
	head := "\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00#\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00chr1\x00"
	f.Add([]byte("TBI\x01\x01\x00\x00\x00" + head + one + "\x00\x00\x00\x00"))
	f.Add([]byte("CSI\x01\x0e\x00\x00\x00\x05\x00\x00\x00\x21\x00\x00\x00" + head + "\x01\x00\x00\x00" + "\x01\x00\x00\x00\x49\x12\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00" + chunk))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path+".csi", bytes.Clone(b), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, Options{Regions: []genotype.Interval{{Chromosome: "1", From: 1, To: 1 << 20}}})
		var p *data.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("no Problem: %v", err)
		}
	})
}
