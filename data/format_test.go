package data

import (
	"archive/zip"
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// zipped is an archive whose first file has this name.
func zipped(t *testing.T, name string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create(name); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return b.String()
}

// TestFormatOf: files are named by what they begin with, whatever follows.
func TestFormatOf(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 1))
	for begin, want := range map[string]string{
		zipped(t, "[Content_Types].xml"): ".xlsx", zipped(t, "xl/workbook.xml"): ".xlsx", zipped(t, "model/data.pkl"): ".pth", zipped(t, "archive/data.pkl"): ".pth", zipped(t, "a.npy"): ".npz", zipped(t, "x.txt"): "ZIP",
		"PAR1\x15\x04": "Parquet", "\x89HDF\r\n\x1a\n": "HDF5", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n": "Git LFS", "/annex/objects/SHA256E-s1": "git-annex",
		"<!DOCTYPE html>\n<html>": "HTML", "\n  <HTML><head>": "HTML", "\xef\xbb\xbf<!doctype html>": "HTML", "BZh91AY&SY": "bzip2", "\xfd7zXZ\x00": "xz", "X\n\x00\x00\x00\x03": ".rds", "RDX3\nX\n": ".RData", "\x80\x02}q\x00": "pickle",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ".xls", "$FL2@(#)": "SPSS", "ARROW1\x00\x00": "Arrow", "SQLite format 3\x00": "SQLite",
	} {
		for range 20 {
			rest := make([]byte, g.IntN(2*FormatBytes))
			for i := range rest {
				rest[i] = byte(g.Uint32())
			}
			if f, ok := FormatOf(append([]byte(begin), rest...)); !ok || !strings.Contains(f.Name, want) || f.Fix == "" || strings.Contains(f.Name, "ZIP") != (want == "ZIP") {
				t.Fatalf("%.20q: %+v, want %s", begin, f, want)
			}
		}
	}
	for _, text := range []string{"", "P", "person_id\ta\n", "<NA>,1\n", "<h", "#IID\tx\n", "version\tx\n", "\x10\x00\x00\x00\x00\x00\x00\x00{\"a\":1}", "1 rs1 0 5 A G\n", "BZH1 BZH1 0 0 1 -9\n"} {
		if f, ok := FormatOf([]byte(text)); ok {
			t.Errorf("%q is taken for %s", text, f.Name)
		}
	}
}
