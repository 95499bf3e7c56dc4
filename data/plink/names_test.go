package plink

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestNames: an id that is unique in all filesets is the name; others are made unlike by where the variants are, and the
// order of the alleles does not matter.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	fileset(t, a, 5, 5, 5)
	fileset(t, b, 5, 5, 3)
	put(t, a+".bim", "1 rs0 0 100 A G\n1 rs1 0 101 G A\n1 . 0 102 A C\n1 rs1 0 101 G T\n1 rs4 0 104 A G\n")
	put(t, b+".bim", "2 rs4 0 7 T C\n2 . 0 8 C A\n2 rs2 0 9 A AT\n")
	s, err := Open([]string{a, b})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"rs0", "rs1:1:101:A:G", ".:1:102:A:C", "rs1:1:101:G:T", "rs4:1:104:A:G", "rs4:2:7:C:T", ".:2:8:A:C", "rs2"}
	if got := s.Names(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
