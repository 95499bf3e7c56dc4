package table

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"contig-gpu/data"
)

// aProblem fails where an error is none of the catalogue's.
func aProblem(t *testing.T, err error) {
	t.Helper()
	var p *data.Problem
	if err != nil && !errors.As(err, &p) {
		t.Fatalf("no Problem: %v", err)
	}
}

// FuzzWide reads anything as a table, under every kind of name: a Problem, or finite values of the right shape. Where faults are collected, there is
// one if and only if reading to the first ends in one.
func FuzzWide(f *testing.F) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte("IID\ta\n1\t2\n"))
	z.Close()
	for _, s := range []string{"person_id\ta\tb\n1\t2\tNA\n2\t1e3\tTRUE\n", "IID,a\n1,\"2\"\n", "FID IID a\n0 1 2\n", "sep=;\nIID;a\n1;2,5\n", "\ufeffIID\ta\r\nx\t\r\n", packed.String()} {
		for kind := range byte(3) {
			f.Add([]byte(s), kind)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, kind byte) {
		path := filepath.Join(t.TempDir(), [...]string{"x.tsv", "x.csv", "x"}[kind%3])
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := ReadWide(path, Selection{})
		aProblem(t, err)
		all := &data.Faults{}
		_, second := ReadWide(path, Selection{Faults: all})
		aProblem(t, all.Take(second))
		if (all.Total > 0) != (err != nil) {
			t.Fatalf("first: %v, all: %d", err, all.Total)
		}
		if err != nil {
			return
		}
		row := make([]float64, len(w.Names))
		for i := range w.IID {
			w.Row(w.Kept(i), row)
			for _, v := range row {
				if math.IsInf(v, 0) {
					t.Fatal("infinity")
				}
			}
		}
	})
}

// FuzzNumber: what is read as a number is finite in single precision, or missing.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1", "-1.5e3", "NA", "TRUE", "1e400", "0x1p3", "1_0", "3.4028236e38", "16777217"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, ok := Number(s); ok && math.IsInf(float64(float32(v)), 0) || !ok && v != 0 {
			t.Fatalf("%q: %g, %t", s, v, ok)
		}
	})
}
