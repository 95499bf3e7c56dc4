package plink

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"contig-gpu/data"
)

// FuzzOpen reads anything as a fileset: a Problem, or genotypes of the right shape.
func FuzzOpen(f *testing.F) {
	fam := "1 1 0 0 1 -9\n2 2 0 0 2 -9\n"
	f.Add([]byte("\x6c\x1b\x01\x0e\x0b"), []byte("1 rs1 0 5 A G\n1 rs2 0 9 A G\n"), []byte(fam))
	f.Add([]byte("\x6c\x1b\x00\x0e"), []byte("1 rs1 5 A G\n"), []byte("# x\n"+fam))
	f.Fuzz(func(t *testing.T, bed, bim, fam []byte) {
		prefix := filepath.Join(t.TempDir(), "x")
		for end, b := range map[string][]byte{".bed": bed, ".bim": bim, ".fam": fam} {
			if err := os.WriteFile(prefix+end, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open([]string{prefix})
		var p *data.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("no Problem: %v", err)
		}
		all := &data.Faults{}
		if _, second := Check([]string{prefix}, all); second != nil || (all.Total > 0) != (err != nil) {
			t.Fatalf("first: %v, all: %d, %v", err, all.Total, second)
		}
		if err != nil {
			return
		}
		s.Names()
		persons := make([]int, len(s.Samples))
		for i := range persons {
			persons[i] = i
		}
		packed, err := s.Read(s.Every(1, false), persons)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range packed.Counts(persons) {
			if n[0]+n[1]+n[2]+n[3] != len(persons) {
				t.Fatalf("%v of %d persons", n, len(persons))
			}
		}
	})
}
