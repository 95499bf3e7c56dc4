package table

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// benchTable writes a table of carriers (one value in twenty is 1) or of scores, and returns its path and size.
func benchTable(b *testing.B, rows, width int, value func(r *rand.Rand) string) (string, int64) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	text.WriteString("person_id")
	for j := range width {
		fmt.Fprintf(&text, "\tGENE%d", j)
	}
	for i := range rows {
		fmt.Fprintf(&text, "\n%d", 1000000+i)
		for range width {
			text.WriteByte('\t')
			text.WriteString(value(r))
		}
	}
	path := filepath.Join(b.TempDir(), "t.tsv")
	if err := os.WriteFile(path, []byte(text.String()+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	return path, int64(text.Len())
}

func carrier(r *rand.Rand) string { return []string{"0", "1"}[max(0, r.IntN(20)-18)] }

func scored(r *rand.Rand) string { return fmt.Sprintf("%.6g", r.NormFloat64()) }

// BenchmarkReadWide reads tables of which everybody is wanted.
func BenchmarkReadWide(b *testing.B) {
	for name, c := range map[string]struct {
		rows, width int
		value       func(r *rand.Rand) string
	}{"carriers": {400, 18574, carrier}, "scores": {4000, 481, scored}} {
		b.Run(name, func(b *testing.B) {
			path, size := benchTable(b, c.rows, c.width, c.value)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ReadWide(path, Selection{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReadIDs reads 100,000 rows of one value, whose ids are alone, in families, or numbers with dots.
func BenchmarkReadIDs(b *testing.B) {
	for name, form := range map[string]string{"IID": "IID\tx\n|1%06d\t1\n", "FID and IID": "FID\tIID\tx\n|1%06[1]d\t1%06[1]d\t1\n", "dots": "IID\tx\n|1.2.826.0.1.%d.7+\t1\n"} {
		b.Run(name, func(b *testing.B) {
			head, row, _ := strings.Cut(form, "|")
			var text strings.Builder
			text.WriteString(head)
			for i := range 100000 {
				fmt.Fprintf(&text, row, i)
			}
			path := filepath.Join(b.TempDir(), "t.tsv")
			if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ReadWide(path, Selection{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
