package cohort

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/plink"
)

// missingIn counts the variants of every second one of both filesets, and the persons among rows, that lack more than one
// genotype in twenty, from the bytes of the .bed files.
func missingIn(w world, rows []int) (inVariants, inPersons int) {
	byPerson := map[int]int{}
	for c := 1; c <= 2; c++ {
		bed := w.get(fmt.Sprintf("geno/c%d.bed", c))[3:]
		for v := 0; v < variants; v += 2 {
			n := 0
			for _, i := range rows {
				if bed[v*people/4+i/4]>>(2*(i%4))&3 == plink.Missing {
					n++
					byPerson[i]++
				}
			}
			if 20*n > len(rows) {
				inVariants++
			}
		}
	}
	for _, n := range byPerson {
		if 20*n > variants { // every second one of twice as many
			inPersons++
		}
	}
	return inVariants, inPersons
}

func TestMissingGenotypesAreToldOf(t *testing.T) {
	w := newWorld(t)
	c := w.open()
	var train []int
	for i, p := range c.Persons {
		if p.Split == data.Train {
			train = append(train, i)
		}
	}
	inVariants, inPersons := missingIn(w, train)
	if inVariants == 0 || inVariants == variants || inPersons == 0 {
		t.Fatalf("%d variants, %d persons: nothing to tell apart", inVariants, inPersons)
	}
	for _, want := range []string{
		fmt.Sprintf("geno: W212: %d of %d variants", inVariants, len(c.Tables[0].Stats().Names)), fmt.Sprintf("geno: W213: %d of %d training persons", inPersons, len(train)),
	} {
		if !slices.ContainsFunc(c.Notes, func(n string) bool { return strings.HasPrefix(n, want) }) {
			t.Errorf("no note %q in\n%s", want, strings.Join(c.Notes, "\n"))
		}
	}
	for c := 1; c <= 2; c++ {
		w.put(fmt.Sprintf("geno/c%d.bed", c), typed(w.get(fmt.Sprintf("geno/c%d.bed", c))))
	}
	if notes := strings.Join(w.open().Notes, "\n"); strings.Contains(notes, "W212") || strings.Contains(notes, "W213") {
		t.Errorf("nothing is missing any more:\n%s", notes)
	}
}

// typed makes every missing genotype of a .bed heterozygous.
func typed(bed string) string {
	b := []byte(bed)
	for i := 3; i < len(b); i++ {
		for k := 0; k < 8; k += 2 {
			if b[i]>>k&3 == plink.Missing {
				b[i] ^= (plink.Missing ^ plink.Het) << k
			}
		}
	}
	return string(b)
}

func TestDriftedFrequenciesAreToldOf(t *testing.T) {
	w := newWorld(t)
	o, stats := w.options(), map[string]*data.Stats{}
	for _, table := range w.open().Tables {
		stats[table.Name()] = table.Stats()
	}
	o.Stats = stats
	told := func() string {
		c, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range c.Notes {
			if strings.Contains(n, "W214") {
				return n
			}
		}
		return ""
	}
	if n := told(); n != "" {
		t.Errorf("the persons of training have drifted: %s", n)
	}
	geno := *stats["geno"]
	geno.Center = slices.Clone(geno.Center)
	for i := range 3 {
		geno.Center[i] = 2 * 0.01 // nobody had the allele
	}
	stats["geno"] = &geno
	if n := told(); !strings.HasPrefix(n, "geno: W214: 3 of ") {
		t.Errorf("told %q of 3 variants that have drifted", n)
	}
}

// TestTolerated: 5 % is one in twenty, exactly.
func TestTolerated(t *testing.T) {
	for all := range 600 {
		for n := range all + 1 {
			if more(n, all) != (20*n > all) {
				t.Fatalf("%d of %d", n, all)
			}
		}
	}
}
