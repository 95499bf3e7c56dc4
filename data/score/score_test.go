package score

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/table"

	"github.com/klauspost/compress/zstd"
)

const header = "#FID\tIID\tALLELE_CT\tNAMED_ALLELE_DOSAGE_SUM\tSCORE1_AVG\tSCORE1_SUM\n"

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// values returns those of the first rows that were wanted, row after row.
func values(w *table.Wide, rows int) []float64 {
	width := len(w.Names)
	out := make([]float64, rows*width)
	for i := range rows {
		w.Row(i, out[i*width:(i+1)*width])
	}
	return out
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	a := write(t, dir, "PGS1.chr22.sscore", header+"f\tx\t404\t194\t0.5\t5\nf\ty\t404\t190\t-0.5\tnan\n")
	b := write(t, dir, "many.sscore", "#FID\tIID\tDENOM\tH_AVG\tW_AVG\nf\ty\t9\t3\t4\nf\tx\t9\t1\t2\n")
	w, err := Read([]string{a, b}, "AVG", table.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.Names, []string{"PGS1", "H", "W"}) || !slices.Equal(values(w, 2), []float64{0.5, 1, 2, -0.5, 3, 4}) || !slices.Equal(w.IID, []string{"x", "y"}) {
		t.Errorf("%+v", w)
	}
	w, err = Read([]string{a}, "SUM", table.Selection{})
	if err != nil || len(w.Names) != 1 || values(w, 2)[0] != 5 || !table.Missing(values(w, 2)[1]) {
		t.Errorf("%+v %v", w, err)
	}
}

// TestReadZstd reads what plink2 --score writes with the modifier zs.
func TestReadZstd(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	text := header + "f\tx\t404\t194\t0.5\t5\nf\ty\t404\t190\t-0.5\tnan\n"
	w, err := Read([]string{write(t, t.TempDir(), "PGS1.sscore.zst", string(z.EncodeAll([]byte(text), nil)))}, "AVG", table.Selection{})
	if err != nil || !slices.Equal(w.Names, []string{"PGS1"}) || !slices.Equal(values(w, 2), []float64{0.5, -0.5}) || !slices.Equal(w.IID, []string{"x", "y"}) {
		t.Errorf("%+v %v", w, err)
	}
}

// TestSelection: of files in different orders, those who are wanted get their own scores, in the order of the first file.
func TestSelection(t *testing.T) {
	const persons, files = 90, 4
	dir := t.TempDir()
	g := rand.New(rand.NewPCG(1, 1))
	var paths []string
	var want [persons][]float64
	for f := range files {
		order := g.Perm(persons)
		if f < 2 { // the second file is in the order of the first
			order = rand.New(rand.NewPCG(2, 2)).Perm(persons)
		}
		var b strings.Builder
		b.WriteString("#FID\tIID\tALLELE_CT")
		for s := range f + 1 {
			fmt.Fprintf(&b, "\tS%d_%d_AVG", f, s)
		}
		for _, i := range order {
			fmt.Fprintf(&b, "\nf%d\tp%d\t40", i%7, i)
			for range f + 1 {
				v := float64(g.IntN(1000)) / 8
				want[i] = append(want[i], v)
				fmt.Fprintf(&b, "\t%g", v)
			}
		}
		paths = append(paths, write(t, dir, fmt.Sprintf("S%d.sscore", f), b.String()+"\n"))
	}
	wanted := func(ids []string) bool { return len(ids) == 2 && ids[0] == "f3" && ids[1] != "p10" }
	w, err := Read(paths, "AVG", table.Selection{Want: wanted})
	if err != nil {
		t.Fatal(err)
	}
	got, n := make([]float64, len(w.Names)), 0
	for r, id := range w.IID {
		k := w.Kept(r)
		if wanted([]string{w.FID[r], id}) != (k >= 0) {
			t.Fatalf("%s: number %d", id, k)
		}
		if k < 0 {
			continue
		}
		i, _ := strconv.Atoi(id[1:])
		if w.Row(k, got); k != n || !slices.Equal(got, want[i]) {
			t.Errorf("%s: number %d is %v, want number %d: %v", id, k, got, n, want[i])
		}
		n++
	}
	if n != 12 || len(w.Names) != 10 {
		t.Errorf("%d persons, scores %q", n, w.Names)
	}
	if _, err := Read(paths, "AVG", table.Selection{Want: wanted, Room: w.Bytes()}); err != nil {
		t.Error(err)
	}
	var p *data.Problem
	if _, err := Read(paths, "AVG", table.Selection{Want: wanted, Room: w.Bytes() - 1}); !errors.As(err, &p) || p.Code != 403 || p.File != paths[3] {
		t.Errorf("a byte too little: %v", err)
	}
}

func TestNoFiles(t *testing.T) {
	if w, err := Read(nil, "AVG", table.Selection{}); err != nil || len(w.IID) > 0 || w.Bytes() != 0 {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "good.sscore", "#IID\tS_AVG\nx\t1\ny\t2\n")
	for _, c := range []struct {
		what, text, kind string
		code             int
	}{
		{"other persons", "#IID\tS_AVG\nx\t1\nz\t2\n", "AVG", 302}, {"fewer persons", "#IID\tS_AVG\nx\t1\n", "AVG", 302}, {"only sums", "#IID\tS_SUM\nx\t1\ny\t2\n", "AVG", 302}, {"no scores", "#IID\tS\nx\t1\n", "AVG", 302},
		{"other order of families", "#FID\tIID\tS_AVG\nf\ty\t1\nf\tx\t2\n", "AVG", 302},
		{"no ids", "S_AVG\n1\n", "AVG", 108}, {"empty", "", "AVG", 105}, {"header", "#IID\tS_AVG\n", "AVG", 105}, {"text", "#IID\tS_AVG\nx\thigh\n", "AVG", 107}, {"inf", "#IID\tS_AVG\nx\tinf\n", "AVG", 107},
		{"ragged", "#IID\tS_AVG\nx\n", "AVG", 106}, {"twice", "#IID\tS_AVG\nx\t1\nx\t1\n", "AVG", 120}, {"zero", "#IID\tS_AVG\n0\t1\n", "AVG", 121},
	} {
		_, err := Read([]string{good, write(t, dir, "bad.sscore", c.text)}, c.kind, table.Selection{})
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.code {
			t.Errorf("%s: %v, want E%d", c.what, err, c.code)
		}
	}
}
