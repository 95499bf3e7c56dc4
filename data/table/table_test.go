package table

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"contig-gpu/data"

	"github.com/klauspost/compress/zstd"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantCode fails unless err is the numbered problem.
func wantCode(t *testing.T, err error, code, line int) {
	t.Helper()
	var p *data.Problem
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want E%d", err, code)
	}
	if p.Code != code || p.Line != line || p.File == "" || p.Cause == "" && p.Found == "" || p.Fix == "" {
		t.Errorf("got code %d line %d, want %d and %d:\n%v", p.Code, p.Line, code, line, err)
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

func zstandard(s string) string {
	w, _ := zstd.NewWriter(nil)
	return string(w.EncodeAll([]byte(s), nil))
}

func cut(s string) string { return s[:len(s)-9] }

func row(w *Wide, k int) []float64 {
	dst := make([]float64, len(w.Names))
	w.Row(k, dst)
	return dst
}

func TestAccepted(t *testing.T) {
	const plain = "person_id\ta\tb\n007\t1\t2.5\nx\tNA\t-3e2\n"
	for _, c := range []struct{ what, name, text string }{
		{"plain", "t.tsv", plain}, {"bom", "t.tsv", "\ufeff" + plain}, {"crlf", "t.tsv", strings.ReplaceAll(plain, "\n", "\r\n")},
		{"no newline", "t.tsv", strings.TrimSuffix(plain, "\n")}, {"gz", "t.tsv.gz", gzipped(plain)}, {"gz under a plain name", "t.tsv", gzipped(plain)}, {"zst", "t.tsv.zst", zstandard(plain)},
		{"csv.zst", "t.csv.zst", zstandard(strings.ReplaceAll(plain, "\t", ","))},
		{"csv", "t.csv", strings.ReplaceAll(plain, "\t", ",")}, {"quoted csv", "t.csv", "\"person_id\",a,\"b\"\n\"007\",1,\"2.5\"\nx,,-300\n"},
		{"IID", "t.tsv", strings.Replace(plain, "person_id", "IID", 1)}, {"spaces", "t.txt", "FID IID a b\nf 007 1 2.5\ng x nan -300\n"}, {"blank lines", "t.tsv", strings.ReplaceAll(plain, "\n", "\n\n")},
	} {
		w, err := ReadWide(write(t, c.name, c.text), Selection{})
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if !slices.Equal(w.IID, []string{"007", "x"}) || !slices.Equal(w.Names, []string{"a", "b"}) || row(w, 0)[1] != 2.5 || !Missing(row(w, 1)[0]) || row(w, 1)[1] != -300 {
			t.Errorf("%s: %+v", c.what, w)
		}
		odd := c.what == "bom" || c.what == "crlf" || c.what == "no newline"
		if odd != (len(w.Notes) == 1) {
			t.Errorf("%s: notes %q", c.what, w.Notes)
		}
	}
}

func utf16le(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestRefused(t *testing.T) {
	const head = "person_id\ta\tb\n"
	for _, c := range []struct {
		what, text string
		code, line int
	}{
		{"utf-16", utf16le(head), 103, 1}, {"utf-16 without mark", utf16le(head)[2:], 103, 1}, {"nul", head + "x\t1\x00\t2\n", 103, 2}, {"old mac", "person_id\ta\rx\t1\r", 103, 1},
		{"latin-1", "person_id\tgr\xf6sse\nx\t1\n", 103, 1}, {"damaged zstd", "\x28\xb5\x2f\xfd....", 104, 0}, {"cut zstd", cut(zstandard(head + "x\t1\t2\n")), 104, 0}, {"cut gzip", cut(gzipped(head + "x\t1\t2\n")), 104, 0}, {"empty", "", 105, 0}, {"blank", "\n\n", 105, 0}, {"header only", head, 105, 0},
		{"short row", head + "x\t1\t2\ny\t1\n", 106, 3}, {"long row", head + "x\t1\t2\t3\n", 106, 2}, {"text", head + "x\t1\thigh\n", 107, 2}, {"inf", head + "x\t1\t-inf\n", 107, 2},
		{"overflow", head + "x\t1\t1e99\n", 107, 2}, {"decimal comma", head + "x\t1\t1,5\n", 107, 2}, {"duplicate column", "person_id\ta\ta\nx\t1\t2\n", 108, 1}, {"unnamed column", "person_id\ta\t\nx\t1\t2\n", 108, 1},
		{"no id", "a\tb\nx\t1\n", 108, 1}, {"swapped", "a\tperson_id\n1\tx\n", 108, 1}, {"commas in tsv", "person_id,a\nx,1\n", 108, 1}, {"ids only", "person_id\nx\n", 401, 1},
		{"duplicate id", head + "x\t1\t2\nx\t1\t2\n", 120, 3}, {"zero id", head + "0\t1\t2\n", 121, 2}, {"empty id", head + "\t1\t2\n", 102, 2}, {"float id", head + "1000040.0\t1\t2\n", 102, 2},
		{"scientific id", head + "1.00004e+06\t1\t2\n", 102, 2}, {"space in id", head + "a b\t1\t2\n", 102, 2},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := ReadWide(write(t, "t.tsv", c.text), Selection{})
			wantCode(t, err, c.code, c.line)
		})
	}
	_, err := ReadWide(filepath.Join(t.TempDir(), "absent.tsv"), Selection{})
	wantCode(t, err, 104, 0)
	if _, err = ReadWide(t.TempDir(), Selection{}); !strings.Contains(err.Error(), "this is a folder") {
		t.Error(err)
	}
	wantCode(t, err, 104, 0)
}

func TestNumber(t *testing.T) {
	for f, want := range map[string]float64{"1": 1, "-0.5": -0.5, "1e3": 1000} {
		if v, ok := Number(f); !ok || v != want {
			t.Errorf("%s: %v %v", f, v, ok)
		}
	}
	for _, f := range []string{"", "NA", "nan", "."} {
		if v, ok := Number(f); !ok || !math.IsNaN(v) {
			t.Errorf("%q is missing", f)
		}
	}
}
