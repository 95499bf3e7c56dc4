package cohort

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
)

// asTrained returns the options that open a world by the statistics of c, as a checkpoint of it does.
func (w world) asTrained(c *data.Cohort) Options {
	o := w.options()
	o.Stats = map[string]*data.Stats{}
	for _, x := range c.Tables {
		o.Stats[x.Name()] = x.Stats()
	}
	return o
}

// sameRows holds the features of two cohorts of the same persons against each other.
func sameRows(t *testing.T, a, b *data.Cohort) {
	t.Helper()
	for i, x := range a.Tables {
		u, v := make([]float32, x.Stats().Width()), make([]float32, x.Stats().Width())
		for p := range a.Persons {
			if x.Row(p, u) != b.Tables[i].Row(p, v) || !slices.Equal(u, v) {
				t.Fatalf("%s: person %d differs", x.Name(), p)
			}
		}
	}
}

// TestDuplicatedIDs: the variants of a selection are found again in the same files, whichever variants of their ids are
// selected too, and whichever is first.
func TestDuplicatedIDs(t *testing.T) {
	for _, every := range []int{1, 2, 3, 7} {
		for twin := 1; twin < variants; twin++ {
			w := newWorld(t)
			w.replace("data.toml", "every = 2", fmt.Sprintf("every = %d", every))
			w.replace("geno/c1.bim", fmt.Sprintf("rs1_%d ", twin), "rs1_0 ")
			w.replace("geno/c2.bim", "rs2_6 ", "rs1_0 ")
			w.replace("geno/c2.bim", "rs2_9 ", ". ")
			c := w.open()
			if n := c.Tables[0].Stats().Names[0]; n != "rs1_0:1:100:A:G" {
				t.Errorf("every %d: the first variant, whose id is there thrice, is called %s", every, n)
			}
			again, err := Open(w.asTrained(c))
			if err != nil {
				t.Fatalf("every %d, variant %d is another rs1_0: %v", every, twin, err)
			}
			sameRows(t, c, again)
		}
	}
}

// TestUniqueIDsOfOtherFiles: what training had to name in full is found where its id is unique.
func TestUniqueIDsOfOtherFiles(t *testing.T) {
	w := newWorld(t)
	unique := w.get("geno/c1.bim")
	w.replace("geno/c1.bim", "rs1_5 ", "rs1_4 ")
	c := w.open()
	w.put("geno/c1.bim", unique)
	again, err := Open(w.asTrained(c))
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, c, again)
}

// TestIndistinctVariants: a variant that is used and is there twice in all that names it is refused, also where only one of
// the two is selected. One that is not used does not matter.
func TestIndistinctVariants(t *testing.T) {
	for _, c := range []struct {
		every    int
		is, twin string // a line of c1.bim and what it becomes
		refused  string // where the error points
	}{
		{1, "1 rs1_1 0 101 A G", "1 rs1_0 0 100 G A", "c1.bim:2: "},
		{3, "1 rs1_1 0 101 A G", "1 rs1_0 0 100 G A", "c1.bim:2: "},
		{3, "1 rs1_2 0 102 A G", "1 rs1_1 0 101 A G", ""},
	} {
		w := newWorld(t)
		w.replace("data.toml", "every = 2", fmt.Sprintf("every = %d", c.every))
		w.replace("geno/c1.bim", c.is, c.twin)
		_, err := Open(w.options())
		switch {
		case c.refused == "" && err != nil:
			t.Errorf("every %d, unused twins: %v", c.every, err)
		case c.refused != "" && (code(err) != 120 || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("every %d, twins: %v", c.every, err)
		}
	}
	w := newWorld(t)
	w.replace("geno/c2.bim", "2 rs2_4 0 104 A G\n", "1 rs1_6 0 106 A G\n")
	if _, err := Open(w.options()); code(err) != 120 || !strings.Contains(err.Error(), "c2.bim:5: ") || !strings.Contains(err.Error(), "line 7 of c1.bim") {
		t.Errorf("twins in two filesets: %v", err)
	}
}

// TestIndistinctVariantsOfOtherFiles: nor does a checkpoint take one of twins.
func TestIndistinctVariantsOfOtherFiles(t *testing.T) {
	w := newWorld(t)
	w.replace("geno/c1.bim", "rs1_1 ", "rs1_0 ")
	o := w.asTrained(w.open())
	w.replace("geno/c1.bim", "1 rs1_0 0 101 A G", "1 rs1_0 0 100 A G")
	if _, err := Open(o); code(err) != 120 {
		t.Error(err)
	}
}

// TestAutosomes: only whole numbers from 1 to 22 count, with or without chr.
func TestAutosomes(t *testing.T) {
	for chrom, want := range map[string]bool{"1": true, "22": true, "chr6": true, "06": true, "0": false, "23": false, "X": false, "chrX": false, "MT": false,
		"chr1_random": false, "6_alt": false, "1_KI270706v1_random": false, "+6": false, "-6": false, "6.5": false, "": false, "chr": false, "1e1": false, "300": false} {
		if autosome(chrom) != want {
			t.Errorf("%q is taken for %t", chrom, !want)
		}
	}
}

// TestOtherAllelesNameTheirFile: the error points into the fileset that has the variant, not into the first.
func TestOtherAllelesNameTheirFile(t *testing.T) {
	w := newWorld(t)
	o := w.asTrained(w.open())
	w.replace("geno/c2.bim", "rs2_4 0 104 A G", "rs2_4 0 104 A T")
	if _, err := Open(o); code(err) != 701 || !strings.Contains(err.Error(), "c2.bim:5: ") {
		t.Error(err)
	}
}
