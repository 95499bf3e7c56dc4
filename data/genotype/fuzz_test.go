package genotype

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"contig-gpu/data"
)

// FuzzLists reads anything as a list of variants, a panel, a BED file and a region: a Problem, or variants that ascend.
func FuzzLists(f *testing.F) {
	f.Add([]byte("rs1 A\nchr1:200:A:AT\tA\n1_300_t_c C\n"), "1:100-200")
	f.Add([]byte("chr1\t99\t200\nX\t0\t400\tgene\n"), "chrX")
	f.Add([]byte("SNP,A1\nrs1,A\n"), "1:3,000")
	s := sites()
	path := filepath.Join(f.TempDir(), "list")
	f.Fuzz(func(t *testing.T, text []byte, region string) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		check := func(variants []int, err error) {
			var p *data.Problem
			if err != nil && !errors.As(err, &p) {
				t.Fatalf("no Problem: %v", err)
			}
			if !slices.IsSorted(variants) || err == nil && len(variants) == 0 {
				t.Fatalf("%v, %v", variants, err)
			}
		}
		variants, _, err := s.Extract(path, s.All())
		check(variants, err)
		variants, alt, _, _, err := s.Panel(path, s.All())
		if check(variants, err); len(alt) != len(variants) {
			t.Fatalf("%d variants, %d alleles", len(variants), len(alt))
		}
		check(s.Within(nil, path, s.All()))
		if i, err := ParseRegion(region); err == nil {
			check(s.Within([]Interval{i}, "", s.All()))
		}
	})
}
