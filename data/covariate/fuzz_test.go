package covariate

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"contig-gpu/data"
)

// FuzzRead reads anything as covariates, with and without a column of categories: a Problem, or columns of the height of the ids, whose design is finite or missing, and whose categories are levels that are there.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"FID IID age centre\n0 a 1.5 North\n0 b NA South\n", "IID,sex\n1,2\n2,1\n", "person_id\tx\r\na\t1e308\r\nb\t-inf\r\n", "IID a a\n1 2 3\n", "\ufeffIID a\nx \n", "IID a\nx nan\nx 1\n", ""} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, second bool) {
		path := filepath.Join(t.TempDir(), "c.txt")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var categories []string
		if first, err := Read(path, nil); second && err == nil && len(first.Columns) > 0 {
			categories = []string{first.Columns[len(first.Columns)-1].Name}
		}
		c, err := Read(path, categories)
		if err != nil {
			var p *data.Problem
			if !errors.As(err, &p) {
				t.Fatalf("no Problem: %v", err)
			}
			return
		}
		rows := make([]int, len(c.IDs))
		for i := range rows {
			rows[i] = i
		}
		for _, x := range c.Columns {
			if len(x.Values) != len(c.IDs) {
				t.Fatalf("%s has %d values of %d", x.Name, len(x.Values), len(c.IDs))
			}
			for _, v := range x.Values {
				if x.Levels != nil && !math.IsNaN(v) && (v != math.Trunc(v) || v < 0 || int(v) >= len(x.Levels)+1) {
					t.Fatalf("%s: a category %v of %d", x.Name, v, len(x.Levels))
				}
			}
		}
		columns, names := c.Design(rows)
		if len(columns) != len(names) {
			t.Fatalf("%d columns of %d names", len(columns), len(names))
		}
		for k, x := range columns {
			for _, v := range x {
				if math.IsInf(v, 0) {
					t.Fatalf("%s is infinite", names[k])
				}
			}
		}
	})
}
