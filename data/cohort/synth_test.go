package cohort

import (
	"os"
	"path/filepath"
	"testing"

	"contig-gpu/data/synth"
)

// TestSynth opens made-up cohorts: simulated genotypes, and effects planted on real ones.
func TestSynth(t *testing.T) {
	fixtures := os.Getenv("CONTIG_FIXTURES")
	if fixtures == "" {
		fixtures = "../../../shared/fixtures"
	}
	for _, bfile := range []string{"", filepath.Join(fixtures, "genotypes", "cineca")} {
		if _, err := os.Stat(bfile + ".bed"); bfile != "" && err != nil {
			t.Skipf("no fixtures at %s (set CONTIG_FIXTURES)", fixtures)
		}
		o := synth.DefaultDemo()
		o.Persons, o.ImageSize, o.BFile = 40, 16, bfile
		s, err := synth.Write(t.Context(), filepath.Join(t.TempDir(), "cohort"), o)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Open(Options{Manifest: s.Manifest, DataTOML: s.DataTOML})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Persons) != s.Persons || len(c.Images) != s.Images || len(c.Tables) != 4 {
			t.Errorf("%d persons, %d images, %d tables", len(c.Persons), len(c.Images), len(c.Tables))
		}
		for _, sum := range Summarise(c) {
			if sum.Persons != s.With[sum.Name] {
				t.Errorf("%s: %d persons, %d written", sum.Name, sum.Persons, s.With[sum.Name])
			}
		}
		for _, n := range c.Notes {
			t.Log(n)
		}
	}
}

// TestImagesAlone: without data.toml everybody with an image is in, and the split is by the defaults.
func TestImagesAlone(t *testing.T) {
	o := synth.DefaultDemo()
	o.Persons, o.ImageSize = 40, 16
	s, err := synth.Write(t.Context(), filepath.Join(t.TempDir(), "cohort"), o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(Options{Manifest: s.Manifest, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Persons) != 40 || len(c.Images) != s.Images || len(c.Tables) != 0 {
		t.Errorf("%d persons, %d images, %d tables", len(c.Persons), len(c.Images), len(c.Tables))
	}
	var n [splits]int
	for _, p := range c.Persons {
		n[p.Split]++
	}
	if n != [splits]int{28, 4, 8} {
		t.Errorf("split %v", n)
	}
	other, err := Open(Options{Manifest: s.Manifest, DataTOML: s.DataTOML, Seed: 3})
	if err != nil || other.Hash == c.Hash {
		t.Errorf("the same digest with genetics and without: %v", err)
	}
}
