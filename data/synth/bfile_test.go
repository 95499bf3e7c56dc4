package synth

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func fixtures(t *testing.T) string {
	t.Helper()
	dir := cmp.Or(os.Getenv("CONTIG_FIXTURES"), filepath.Join("..", "..", "..", "shared", "fixtures"))
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no fixtures: %v; set CONTIG_FIXTURES", err)
	}
	return dir
}

func TestRealGenotypes(t *testing.T) {
	prefix := filepath.Join(fixtures(t), "genotypes", "cineca")
	o := Options{Persons: 0, ImagesPerPerson: 1, ImageSize: 8, Scores: 12, Genes: 6, Effect: 1, Seed: 1, BFile: prefix}
	s := write(t, o)
	if s.Persons != 2504 || s.SNPs != 829 {
		t.Errorf("%d persons, %d SNPs", s.Persons, s.SNPs)
	}
	files := contents(t, s.Dir)
	want, err := os.ReadFile(prefix + ".bed")
	if err != nil || !slices.Equal(files["cohort.bed"], want) {
		t.Errorf("the .bed is not the original: %v", err)
	}
	o.Persons = 101
	if s := write(t, o); s.Persons != 101 || s.Images != 101 {
		t.Errorf("of the first 101: %+v", s)
	}
	for _, p := range readTruth(t, s).Properties {
		for _, c := range p.Scores {
			if c.R2 < 0.2 {
				t.Errorf("%s: %s explains %g", p.Name, c.Name, c.R2)
			}
		}
	}
}

// TestOnePerson: a cohort of one is refused; nothing could be told apart in it.
func TestOnePerson(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "x")
	for ending, text := range map[string]string{".bed": bedMagic + "\x02", ".bim": "1 rs1 0 5 A C\n", ".fam": "a a 0 0 1 -9\n"} {
		if err := os.WriteFile(prefix+ending, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := readBFile(prefix+".bed", 0); code(err) != 203 {
		t.Errorf("%v, want E203", err)
	}
}

// damage writes a small bfile whose parts a test has changed, and returns its prefix.
func damage(t *testing.T, change func(files map[string][]byte)) string {
	t.Helper()
	o := small()
	o.ImagesPerPerson, o.ImageSize = 1, 8
	files := contents(t, write(t, o).Dir)
	change(files)
	dir := t.TempDir()
	for _, ending := range []string{".bed", ".bim", ".fam"} {
		if raw, ok := files["cohort"+ending]; ok {
			if err := os.WriteFile(filepath.Join(dir, "x"+ending), raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return filepath.Join(dir, "x")
}

func TestDamagedGenotypes(t *testing.T) {
	for name, c := range map[string]struct {
		code   int
		change func(f map[string][]byte)
	}{
		"no .fam":    {104, func(f map[string][]byte) { delete(f, "cohort.fam") }},
		"no .bed":    {104, func(f map[string][]byte) { delete(f, "cohort.bed") }},
		"empty .bim": {105, func(f map[string][]byte) { f["cohort.bim"] = nil }},
		"empty .fam": {105, func(f map[string][]byte) { f["cohort.fam"] = nil }},
		"columns":    {203, func(f map[string][]byte) { f["cohort.fam"] = []byte("a a 0 0 1\nb b 0 0 1\n") }},
		"position":   {203, func(f map[string][]byte) { f["cohort.bim"] = []byte("1 rs1 0 x A C\n") }},
		"twice":      {120, func(f map[string][]byte) { f["cohort.fam"] = append(f["cohort.fam"], f["cohort.fam"]...) }},
		"families": {120, func(f map[string][]byte) {
			f["cohort.fam"] = bytes.Replace(f["cohort.fam"], []byte("S000002 S000002"), []byte("F S000001"), 1)
		}},
		"magic":     {201, func(f map[string][]byte) { f["cohort.bed"][2] = 0 }},
		"truncated": {201, func(f map[string][]byte) { f["cohort.bed"] = f["cohort.bed"][:50] }},
		"pad bits":  {202, func(f map[string][]byte) { f["cohort.bed"][3+10] = 0xff }},
	} {
		o := small()
		o.Persons, o.BFile = 0, damage(t, c.change)
		dir := filepath.Join(t.TempDir(), "out")
		if _, err := Write(t.Context(), dir, o); code(err) != c.code {
			t.Errorf("%s: %v, want E%d", name, err, c.code)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: %s was written", name, dir)
		}
	}
}
