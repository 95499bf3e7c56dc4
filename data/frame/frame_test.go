package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/table"

	"github.com/parquet-go/parquet-go"
)

func write(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// values returns all rows of a table that keeps all.
func values(w *table.Wide) [][]float64 {
	out := make([][]float64, len(w.IID))
	for i := range out {
		out[i] = make([]float64, len(w.Names))
		w.Row(i, out[i])
	}
	return out
}

// npyOf writes an array of float32, in the order of C, with a header as NumPy writes it.
func npyOf(shape string, v ...float32) []byte {
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape)
	head += strings.Repeat(" ", 63-(10+len(head))%64) + "\n"
	b := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(head)))
	b = append(b, head...)
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// TestArrays: arrays are read with their lists, turned where features are rows; persons who are not wanted are checked and not kept.
func TestArrays(t *testing.T) {
	dir := t.TempDir()
	ids, names := write(t, dir, "ids", []byte("IID\np1\np2\np3\n")), write(t, dir, "names", []byte("a\nb\n"))
	pairs := write(t, dir, "pairs", []byte("f1 p1\nf2 p2\nf3 p3\n"))
	straight, turned := write(t, dir, "s.npy", npyOf("(3, 2)", 1, 2, 3, 4, 5, 6)), write(t, dir, "t.npy", npyOf("(2, 3)", 1, 3, 5, 2, 4, 6))
	want := [][]float64{{1, 2}, {3, 4}, {5, 6}}
	for path, orient := range map[string]string{straight: OrientPersons, turned: OrientFeatures} {
		for _, list := range []string{ids, pairs} {
			for _, o := range []string{"", OrientAuto, orient} {
				w, err := Read(path, Options{IDs: list, Names: names, Orient: o}, table.Selection{})
				if err != nil || !slices.EqualFunc(values(w), want, slices.Equal[[]float64]) || (list == pairs) != (w.FID != nil) {
					t.Errorf("%s, %q: %v %v", path, o, w, err)
				}
			}
		}
	}
	w, err := Read(turned, Options{IDs: ids, Names: names}, table.Selection{Want: func(ids []string) bool { return ids[0] == "p3" }})
	row := make([]float64, 2)
	if err != nil || w.Kept(0) != -1 || w.Kept(2) != 0 {
		t.Fatal(w, err)
	}
	if w.Row(0, row); !slices.Equal(row, want[2]) {
		t.Errorf("%v", row)
	}
	square := write(t, dir, "q.npy", npyOf("(2, 2)", 1, 2, 3, 4))
	two := write(t, dir, "two", []byte("p1\np2\n"))
	w, err = Read(square, Options{IDs: two, Names: names}, table.Selection{})
	if err != nil || !slices.EqualFunc(values(w), want[:2], slices.Equal[[]float64]) || len(w.Notes) != 2 {
		t.Errorf("%v %v", w, err)
	}
	w, err = Read(square, Options{IDs: two, Names: names, Orient: OrientFeatures}, table.Selection{})
	if err != nil || !slices.EqualFunc(values(w), [][]float64{{1, 3}, {2, 4}}, slices.Equal[[]float64]) {
		t.Errorf("%v %v", w, err)
	}
}

// TestHDF5: files that h5py wrote, in chunks and plain, and one with the lists of AnnData.
func TestHDF5(t *testing.T) {
	dir := t.TempDir()
	ids, names := write(t, dir, "ids", []byte("p1\np2\np3\n")), write(t, dir, "names", []byte("a\nb\nc\nd\n"))
	want := [][]float64{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9, 10, 11}}
	for file, o := range map[string]Options{"gzip.h5": {IDs: ids, Names: names}, "plain.h5": {IDs: ids, Names: names, Dataset: "/G"}, "anndata.h5": {}, "fixed.h5": {}} {
		w, err := Read(filepath.Join("testdata", file), o, table.Selection{})
		if err != nil || !slices.EqualFunc(values(w), want, slices.Equal[[]float64]) || !slices.Equal(w.IID, []string{"p1", "p2", "p3"}) || !slices.Equal(w.Names, []string{"a", "b", "c", "d"}) {
			t.Errorf("%s: %+v %v", file, w, err)
		}
	}
}

// TestSparse: AnnData's X by rows and by columns, plain and in chunks; one that lies about itself is E410 or E401.
func TestSparse(t *testing.T) {
	want := [][]float64{{0, 1, 0, 3}, {0, 0, 0, 0}, {8, 9, 0, 11}}
	for _, file := range []string{"csr.h5ad", "csc.h5ad"} {
		path := filepath.Join("testdata", file)
		w, err := Read(path, Options{}, table.Selection{})
		if err != nil || !slices.EqualFunc(values(w), want, slices.Equal[[]float64]) || !slices.Equal(w.IID, []string{"p1", "p2", "p3"}) || !slices.Equal(w.Names, []string{"a", "b", "c", "d"}) {
			t.Errorf("%s: %+v %v", file, w, err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if inside, outside := []byte{1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0}, []byte{1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0}; bytes.Contains(b, inside) {
			if _, err := Read(write(t, t.TempDir(), file, bytes.Replace(b, inside, outside, 1)), Options{}, table.Selection{}); err == nil || !strings.Contains(err.Error(), "a value outside of it") {
				t.Errorf("%s: %v", file, err)
			}
		} else if file == "csr.h5ad" {
			t.Error("the places of the first row are not found")
		}
		const step = 23
		for at := 0; at < len(b); at += step { // no damage reads past the end, or without end
			changed := slices.Clone(b)
			changed[at] ^= 0x55
			var p *data.Problem
			if _, err := Read(write(t, t.TempDir(), file, changed), Options{}, table.Selection{}); err != nil && !errors.As(err, &p) {
				t.Fatalf("%s, byte %d: %v", file, at, err)
			}
		}
	}
}

// parquetOf writes rows by the library's own writer.
func parquetOf[T any](t testing.TB, rows ...T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := parquet.WriteFile(path, rows); err != nil {
		t.Fatal(err)
	}
	return path
}

type wideRow struct {
	A    *float64 `parquet:"a,optional"`
	ID   string   `parquet:"person_id"`
	B    int32    `parquet:"b,dict"`
	Flag bool     `parquet:"flag"`
}

func TestParquet(t *testing.T) {
	x := 1.5
	w, err := Read(parquetOf(t, wideRow{&x, "007", 3, true}, wideRow{nil, "8", -1, false}), Options{}, table.Selection{})
	if err != nil || !slices.Equal(w.IID, []string{"007", "8"}) || !slices.Equal(w.Names, []string{"a", "b", "flag"}) {
		t.Fatal(w, err)
	}
	if v := values(w); !slices.Equal(v[0], []float64{1.5, 3, 1}) || !math.IsNaN(v[1][0]) || v[1][1] != -1 {
		t.Errorf("%v", v)
	}
}

// TestColumns: in every form only columns that are asked for are read.
func TestColumns(t *testing.T) {
	dir := t.TempDir()
	o := Options{IDs: write(t, dir, "ids", []byte("p1\np2\np3\n")), Names: write(t, dir, "names", []byte("a\nb\nc\nd\n"))}
	x := 1.5
	for path, o := range map[string]Options{
		write(t, dir, "x.npy", npyOf("(3, 4)", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)): o, filepath.Join("testdata", "gzip.h5"): o, filepath.Join("testdata", "anndata.h5"): {},
		write(t, dir, "t.tsv", []byte("eid\ta\tb\tc\td\np1\tx\t1\ty\t3\np2\tx\t5\ty\t7\np3\tx\t9\ty\t11\n")): {}, parquetOf(t, wideRow{&x, "p1", 1, true}, wideRow{&x, "p2", 5, true}, wideRow{&x, "p3", 9, true}): {},
	} {
		w, err := Read(path, o, table.Selection{Column: func(n string) bool { return n == "b" }})
		if err != nil || !slices.Equal(w.Names, []string{"b"}) || !slices.EqualFunc(values(w), [][]float64{{1}, {5}, {9}}, slices.Equal[[]float64]) {
			t.Errorf("%s: %v %v", path, w, err)
		}
		var p *data.Problem
		if _, err := Read(path, o, table.Selection{Column: func(n string) bool { return n == "e" }}); !errors.As(err, &p) || p.Code != 401 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	ids, names := write(t, dir, "ids", []byte("p1\np2\n")), write(t, dir, "names", []byte("a\nb\nc\n"))
	both := Options{IDs: ids, Names: names}
	good := npyOf("(2, 3)", 1, 2, 3, 4, 5, 6)
	inf := float64(math.Inf(1))
	cut, err := os.ReadFile(filepath.Join("testdata", "gzip.h5"))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(parquetOf(t, wideRow{nil, "1", 1, true}))
	if err != nil {
		t.Fatal(err)
	}
	claim := slices.Clone(whole)
	binary.LittleEndian.PutUint32(claim[len(claim)-8:], 0xf0000000)
	text := write(t, dir, "x.tsv", []byte("person_id\ta\np1\t1\n"))
	for _, c := range []struct {
		what, path string
		o          Options
		code       int
	}{
		{"no lists", write(t, dir, "1", good), Options{}, 411}, {"one list", write(t, dir, "1", good), Options{IDs: ids}, 411}, {"shape", write(t, dir, "2", npyOf("(3, 3)", 1, 2, 3, 4, 5, 6, 7, 8, 9)), both, 411},
		{"orientation", write(t, dir, "1", good), Options{IDs: ids, Names: names, Orient: OrientFeatures}, 411}, {"cut", write(t, dir, "3", good[:len(good)-1]), both, 410}, {"a claim", write(t, dir, "4", npyOf("(1000000000000, 1000000000000)", 1)), both, 410},
		{"three dimensions", write(t, dir, "5", npyOf("(1, 2, 3)", 1, 2, 3, 4, 5, 6)), both, 410}, {"infinite", write(t, dir, "6", npyOf("(2, 3)", 1, 2, 3, 4, 5, float32(inf))), both, 107}, {"header only", write(t, dir, "7", good[:40]), both, 410},
		{"empty", write(t, dir, "8", npyOf("(0, 3)")), both, 105}, {"lists of text", text, both, 410}, {"a dataset of text", text, Options{Dataset: "G"}, 410}, {"no dataset", filepath.Join("testdata", "gzip.h5"), Options{IDs: ids, Names: names, Dataset: "H"}, 410},
		{"other lists", filepath.Join("testdata", "gzip.h5"), both, 411}, {"a cut file", write(t, dir, "9", cut[:len(cut)-900]), both, 410}, {"parquet", write(t, dir, "10", []byte("PAR1 and no more")), Options{}, 410}, {"a footer longer than the file", write(t, dir, "11", claim), Options{}, 410}, {"a footer cut short", write(t, dir, "12", append(slices.Clone(whole[:len(whole)-20]), whole[len(whole)-8:]...)), Options{}, 410}, {"no list", write(t, dir, "1", good), Options{IDs: ids + "x", Names: names}, 104},
		{"names twice", write(t, dir, "1", good), Options{IDs: ids, Names: write(t, dir, "n2", []byte("a\na\nb\n"))}, 108}, {"ids twice", write(t, dir, "1", good), Options{IDs: write(t, dir, "i2", []byte("a\na\n")), Names: names}, 120},
		{"ragged ids", write(t, dir, "1", good), Options{IDs: write(t, dir, "i3", []byte("a b\na\n")), Names: names}, 106}, {"infinite in parquet", parquetOf(t, wideRow{&inf, "1", 1, true}), Options{}, 107},
	} {
		_, err := Read(c.path, c.o, table.Selection{})
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.code {
			t.Errorf("%s: %v, want E%d", c.what, err, c.code)
		}
	}
	if _, err := Read(write(t, dir, "11", claim), Options{}, table.Selection{}); err == nil || !strings.Contains(err.Error(), "a footer of 4026531840 bytes") {
		t.Errorf("a footer that is longer than the file is read: %v", err)
	}
}

// TestClaims: a header that claims more than there is takes no memory.
func TestClaims(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(filepath.Join("testdata", "plain.h5"))
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for i := range 200000 {
		fmt.Fprintf(&list, "p%d\n", i)
	}
	ids := write(t, dir, "ids", []byte(list.String()))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	three, four := []byte{3, 0, 0, 0, 0, 0, 0, 0}, []byte{4, 0, 0, 0, 0, 0, 0, 0}
	for _, claim := range []uint64{1 << 39, 200000, 1 << 63} {
		b := slices.Clone(whole)
		for at := 0; at+8 <= len(b); at++ {
			if slices.Equal(b[at:at+8], three) || slices.Equal(b[at:at+8], four) {
				binary.LittleEndian.PutUint64(b[at:], claim)
			}
		}
		if w, err := Read(write(t, dir, "c.h5", b), Options{IDs: ids, Names: ids}, table.Selection{}); err == nil {
			t.Errorf("%d: read %d rows", claim, len(w.IID))
		}
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 400<<20 {
		t.Errorf("%d MiB were taken", taken>>20)
	}
}

// FuzzRead reads anything as any of the forms.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"gzip.h5", "plain.h5", "anndata.h5", "fixed.h5"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	x := 1.5
	b, err := os.ReadFile(parquetOf(f, wideRow{&x, "007", 3, true}, wideRow{nil, "8", -1, false}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(npyOf("(3, 4)", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
	dir := f.TempDir()
	o := Options{IDs: write(f, dir, "ids", []byte("p1\np2\np3\n")), Names: write(f, dir, "names", []byte("a\nb\nc\nd\n"))}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := write(t, t.TempDir(), "x", b)
		for _, o := range []Options{o, {}} {
			var p *data.Problem
			if _, err := Read(path, o, table.Selection{}); err != nil && !errors.As(err, &p) {
				t.Fatalf("no Problem: %v", err)
			}
		}
	})
}
