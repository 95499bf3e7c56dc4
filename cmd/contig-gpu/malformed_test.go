package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// change rewrites a file of a cohort.
func change(t *testing.T, path string, edit func([]byte) []byte) {
	t.Helper()
	if err := os.WriteFile(path, edit(read(t, path)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func replace(old, by string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(old), []byte(by)) }
}

func dropLine(b []byte) []byte { return b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1] }

func repeatLine(b []byte) []byte { return append(b, b[bytes.LastIndexByte(b[:len(b)-1], '\n')+1:]...) }

func TestMalformedCohorts(t *testing.T) {
	utf16 := func(b []byte) []byte {
		out := []byte{0xff, 0xfe}
		for _, c := range b {
			out = append(out, c, 0)
		}
		return out
	}
	for _, c := range []struct {
		name, file, code string
		edit             func([]byte) []byte
	}{
		{"truncated bed", "cohort.bed", "E201", func(b []byte) []byte { return b[:len(b)-7] }},
		{"bad magic", "cohort.bed", "E201", func(b []byte) []byte { b[0] = 'x'; return b }},
		{"short fam", "cohort.fam", "E20", dropLine},
		{"duplicate id in fam", "cohort.fam", "E", repeatLine},
		{"duplicate image", "images.tsv", "E101", repeatLine},
		{"missing image", "images.tsv", "E101", replace("images/00001", "images/99999")},
		{"missing column", "images.tsv", "E101", replace("person_id", "who")},
		{"float ids", "images.tsv", "E102", replace("\nS0", "\n10.0 S0")},
		{"zero overlap", "images.tsv", "E110", replace("\nS0", "\nX0")},
		{"non-numbers", "burden.tsv", "E", replace("\t0\t", "\tzero\t")},
		{"ragged rows", "burden.tsv", "E", replace("\nS000003\t", "\nS000003\t0\t")},
		{"empty table", "burden.tsv", "E", func([]byte) []byte { return nil }},
		{"empty manifest", "images.tsv", "E105", func([]byte) []byte { return nil }},
		{"utf-16", "images.tsv", "E", utf16},
		{"unknown key", "data.toml", "E", replace("[burden]", "[burden]\nspeed = 1")},
		{"not toml", "data.toml", "E", replace("[burden]", "[burden")},
		{"missing source", "data.toml", "E", replace("burden.tsv", "burdens.tsv")},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := tiny(t)
			change(t, filepath.Join(dir, c.file), c.edit)
			run := filepath.Join(t.TempDir(), "run")
			for _, args := range [][]string{{"check", "--images", dir + "/images.tsv", "--data", dir + "/data.toml"}, small(dir, run, "--max-steps", "1")} {
				code, _, errs := exec(t, args...)
				errs = errs[max(0, strings.Index(errs, "contig-gpu: ")):] // after the progress
				if code != 1 || !strings.HasPrefix(errs, "contig-gpu: "+c.code) || !numberedLine(errs) {
					t.Errorf("%s: exit code %d, %s", args[0], code, errs)
				}
			}
			if _, err := os.Stat(run); err == nil {
				t.Error("the failed run left a folder")
			}
		})
	}
}

func TestTolerated(t *testing.T) {
	dir := tiny(t)
	for _, file := range []string{"images.tsv", "burden.tsv", "data.toml"} {
		change(t, filepath.Join(dir, file), func(b []byte) []byte {
			b = bytes.TrimRight(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")), "\r\n")
			return append([]byte("\ufeff"), b...)
		})
	}
	must(t, "check", "--images", dir+"/images.tsv", "--data", dir+"/data.toml")
}
