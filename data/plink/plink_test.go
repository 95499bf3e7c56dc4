package plink

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
)

// code is a made-up genotype, never the same for all of a variant or person.
func code(person, variant int) uint8 { return uint8((person*7 + variant*3 + person*variant) % 4) }

// fileset writes a fileset of made-up genotypes; fam and variants are its lines, persons those in the .bed.
func fileset(t *testing.T, prefix string, persons, fam, variants int) {
	t.Helper()
	bed := []byte{0x6c, 0x1b, 1}
	for v := range variants {
		row := make([]byte, rowBytes(persons))
		for i := range persons {
			row[i/4] |= code(i, v) << (2 * (i % 4))
		}
		bed = append(bed, row...)
	}
	var f, b strings.Builder
	for i := range fam {
		fmt.Fprintf(&f, "F%d P%d 0 0 1 -9\n", i, i)
	}
	for v := range variants {
		fmt.Fprintf(&b, "1 rs%d 0 %d A G\n", v, 100+v)
	}
	for ext, text := range map[string]string{".bed": string(bed), ".fam": f.String(), ".bim": b.String()} {
		put(t, prefix+ext, text)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 9} {
		p := filepath.Join(t.TempDir(), "g")
		fileset(t, p, n, n, 600)
		s, err := Open([]string{p + ".bed"})
		if err != nil {
			t.Fatal(err)
		}
		variants := []int{599, 0, 5, 300}
		persons := []int{n - 1, 0}
		g, err := s.Read(variants, persons)
		if err != nil {
			t.Fatal(err)
		}
		for i, person := range persons {
			for j, v := range variants {
				if g.Code(i, j) != code(person, v) {
					t.Fatalf("%d persons: person %d variant %d is %d, want %d", n, person, v, g.Code(i, j), code(person, v))
				}
			}
		}
		lut := make([][4]float32, 2)
		lut[0], lut[1] = [4]float32{0, 1, 2, 3}, [4]float32{0, 10, 20, 30}
		dst := make([]float32, 2)
		g.Decode(dst, 0, []int32{3, 1}, lut)
		if dst[0] != float32(code(n-1, 300)) || dst[1] != 10*float32(code(n-1, 0)) {
			t.Errorf("decoded %v", dst)
		}
	}
}

func TestEvery(t *testing.T) {
	dir := t.TempDir()
	fileset(t, dir+"/a", 5, 5, 20)
	fileset(t, dir+"/b", 5, 5, 20)
	s, err := Open([]string{dir + "/a", dir + "/b"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Every(15, true), s.Every(15, false), len(s.Every(1, true))); got != "[0 15 20 35] [0 15 30] 40" {
		t.Error(got)
	}
	put(t, dir+"/list", "rs3\nrs9 A\nabsent\n")
	v, absent, err := s.Extract(dir + "/list")
	if err != nil || fmt.Sprint(v, absent) != "[3 9 23 29] 1" {
		t.Error(v, absent, err)
	}
	if bim, line := s.Where(23); bim != dir+"/b.bim" || line != 4 {
		t.Errorf("variant 23 is on line %d of %s", line, bim)
	}
	g, err := s.Read([]int{0, 39, 1, 20}, []int{4})
	if err != nil || g.Code(0, 1) != code(4, 19) || g.Code(0, 3) != code(4, 0) || g.Code(0, 2) != code(4, 1) {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	replace := func(ext, old, with string) func(string) {
		return func(p string) {
			b, _ := os.ReadFile(p + ext)
			os.WriteFile(p+ext, []byte(strings.Replace(string(b), old, with, 1)), 0o600)
		}
	}
	for _, c := range []struct {
		what    string
		code    int
		has     string
		persons int
		fam     int
		spoil   func(prefix string)
	}{
		{"truncated", 201, "expected 3+20*3=63, found 40: .bim has 20, .fam 10", 10, 10, func(p string) { os.Truncate(p+".bed", 40) }},
		{"another fam", 201, "fits 9 to 12", 10, 14, nil},
		{"magic", 201, "50 4B", 10, 10, replace(".bed", "\x6c\x1b", "PK")},
		{"sample major", 201, "sample-major", 10, 10, replace(".bed", "\x1b\x01", "\x1b\x00")},
		{"pgen", 201, ".pgen", 10, 10, replace(".bed", "\x1b\x01", "\x1b\x10")},
		{"empty bed", 201, "empty", 10, 10, func(p string) { os.Truncate(p+".bed", 0) }},
		{"no bed", 104, "no such file", 10, 10, func(p string) { os.Remove(p + ".bed") }},
		{"short fam", 202, "too few", 10, 9, nil},
		{"long fam", 202, "too many", 10, 11, nil},
		{"duplicate", 120, "twice", 10, 10, replace(".fam", "F1 P1 ", "F0 P0 ")},
		{"zero", 121, "", 10, 10, replace(".fam", "F1 P1 ", "F1 0 ")},
		{"fam columns", 203, "6 fields", 10, 10, replace(".fam", "F1 P1 0 0 1 -9", "F1 P1 0")},
		{"bim columns", 203, "6 fields", 10, 10, replace(".bim", "1 rs1 0", "1 rs1")},
		{"bim swapped", 203, "whole number", 10, 10, replace(".bim", "1 rs1 0 101 A G", "1 rs1 0 A 101 G")},
		{"empty fam", 105, "", 10, 10, func(p string) { os.Truncate(p+".fam", 0) }},
		{"utf-16 bim", 103, "UTF-16", 10, 10, func(p string) { os.WriteFile(p+".bim", []byte("\xff\xfe1\x00"), 0o600) }},
	} {
		p := filepath.Join(t.TempDir(), "g")
		n := 20
		if c.what == "long fam" { // of few variants the last person may have two copies everywhere
			n = endsSure
		}
		fileset(t, p, c.persons, c.fam, n)
		if c.spoil != nil {
			c.spoil(p)
		}
		_, err := Open([]string{p})
		var e *data.Problem
		if !errors.As(err, &e) || e.Code != c.code || !strings.Contains(err.Error(), c.has) {
			t.Errorf("%s: want E%d with %q, got %v", c.what, c.code, c.has, err)
		}
	}
}

func TestOtherPersons(t *testing.T) {
	dir := t.TempDir()
	fileset(t, dir+"/a", 5, 5, 20)
	fileset(t, dir+"/b", 5, 5, 20)
	b, _ := os.ReadFile(dir + "/b.fam")
	put(t, dir+"/b.fam", strings.Replace(string(b), "P1", "Q1", 1))
	_, err := Open([]string{dir + "/a", dir + "/b"})
	var e *data.Problem
	if !errors.As(err, &e) || e.Code != 204 || e.Line != 2 {
		t.Error(err)
	}
}

// TestAgainstPlink compares genotype counts with those of plink1.9 --freqx on real and simulated files.
func TestAgainstPlink(t *testing.T) {
	dir := os.Getenv("CONTIG_FIXTURES")
	if dir == "" {
		dir = "../../../shared/fixtures"
	}
	for _, c := range fixtures() {
		p := filepath.Join(dir, "genotypes", c.name)
		if _, err := os.Stat(p + ".bed"); err != nil {
			t.Skipf("no fixtures at %s (set CONTIG_FIXTURES)", dir)
		}
		s, err := Open([]string{p})
		if err != nil {
			t.Fatal(err)
		}
		all := s.Every(1, true)
		people := make([]int, len(s.Samples))
		for i := range people {
			people[i] = i
		}
		g, err := s.Read(all, people)
		if err != nil {
			t.Fatal(err)
		}
		var sum [4]int
		counts := g.Counts(people)
		for _, n := range counts {
			for k := range n {
				sum[k] += n[k]
			}
		}
		if sum != c.sum || counts[0] != c.first || counts[498] != c.later {
			t.Errorf("%s: %v %v %v, plink has %v %v %v", c.name, sum, counts[0], counts[498], c.sum, c.first, c.later)
		}
	}
}

// A fixture holds counts by code (two copies of A1, missing, one, none), made with
// plink1.9 --keep-allele-order --freqx --nonfounders: over all, of the first and of the 499th variant.
type fixture struct {
	name              string
	sum, first, later [4]int
}

func fixtures() []fixture {
	return []fixture{
		{"cineca", [4]int{217731, 96, 666237, 1191752}, [4]int{112, 0, 680, 1712}, [4]int{55, 0, 494, 1955}},
		{"example", [4]int{12381, 0, 124950, 362669}, [4]int{24, 0, 166, 310}, [4]int{23, 0, 151, 326}},
	}
}
