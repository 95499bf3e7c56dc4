package genome

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"contig-gpu/data"
)

// FuzzTables reads anything as a table of genes and as one of names.
func FuzzTables(f *testing.F) {
	for _, s := range []string{"1\t0\t10\tA\n", "gene\tchrom\tstart\tend\nA\tchr1\t1\t9\n", "1\tx\tgene\t1\t9\t.\t+\t.\tgene_id \"A\"; gene_name \"B\";\n", "a\tb\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		genes, err := ReadGenes(path)
		_, second := ReadNames(path)
		for _, e := range []error{err, second} {
			var p *data.Problem
			if e != nil && !errors.As(e, &p) {
				t.Fatalf("no Problem: %v", e)
			}
		}
		for _, g := range genes {
			if g.Start > g.End || g.Name == "" && err == nil && len(g.Chromosome) == 0 {
				t.Fatalf("%+v", g)
			}
		}
	})
}
