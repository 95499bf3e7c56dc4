package score

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// FuzzRead reads anything as two files of scores: a Problem, or a table of all persons.
func FuzzRead(f *testing.F) {
	const wide = "#FID\tIID\tALLELE_CT\tDENOM\tSCORE1_AVG\n1\t1\t4\t4\t0.5\n2\t2\t4\t4\t-1\n"
	f.Add([]byte(wide), []byte(wide), true)
	f.Add([]byte("#IID SCORE1_SUM\n1 2\n"), []byte("#IID SCORE1_SUM\n1 2\n"), false)
	f.Add([]byte("sampleset\tIID\tPGS\tSUM\treference\na\t1\tp\t2\t0\na\t1\tq\t3\t0\n"), []byte(wide), false)
	f.Fuzz(func(t *testing.T, a, b []byte, average bool) {
		dir := t.TempDir()
		paths := []string{filepath.Join(dir, "a.sscore"), filepath.Join(dir, "b.sscore")}
		for i, text := range [][]byte{a, b} {
			if err := os.WriteFile(paths[i], text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		kind := "SUM"
		if average {
			kind = "AVG"
		}
		w, err := Read(paths, kind, table.Selection{})
		var p *data.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("no Problem: %v", err)
		}
		all := &data.Faults{}
		if _, second := Read(paths, kind, table.Selection{Faults: all}); all.Take(second) != nil || (all.Total > 0) != (err != nil) {
			t.Fatalf("first: %v, all: %d, %v", err, all.Total, second)
		}
		if err == nil {
			row := make([]float64, len(w.Names))
			for i := range w.IID {
				w.Row(w.Kept(i), row)
			}
		}
	})
}
