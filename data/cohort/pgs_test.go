package cohort

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/plink"
	"contig-gpu/data/synth"
)

// scored makes a cohort, with a scoring file for its genotypes whose weights are drawn; the keys of [pgs] are appended.
func scored(t *testing.T, keys, weights string) (Options, *plink.Set) {
	t.Helper()
	o := synth.DefaultDemo()
	o.Persons, o.ImageSize, o.Scores, o.Genes, o.Covariates = 40, 16, 0, 0, 0
	dir := filepath.Join(t.TempDir(), "cohort")
	s, err := synth.Write(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	beds, err := filepath.Glob(filepath.Join(dir, "*.bed"))
	if err != nil || len(beds) == 0 {
		beds, err = filepath.Glob(filepath.Join(dir, "*", "*.bed"))
	}
	if err != nil || len(beds) == 0 {
		t.Fatal(beds, err)
	}
	set, err := plink.Open(beds[:1])
	if err != nil {
		t.Fatal(err)
	}
	if weights == "" {
		g := rand.New(rand.NewPCG(1, 2))
		weights = "ID\tA1\tone\ttwo\n"
		for _, v := range set.Variants {
			weights += fmt.Sprintf("%s\t%s\t%g\t%g\n", v.ID, v.Alt, g.NormFloat64(), g.NormFloat64())
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "w.score"), []byte(weights), 0o600); err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(dir, strings.TrimSuffix(beds[0], ".bed"))
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("[pgs]\nscores = \"*.score\"\ngenotypes = %q\n%s\n", rel, keys)
	if err := os.WriteFile(filepath.Join(dir, "scores.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Options{Manifest: s.Manifest, DataTOML: filepath.Join(dir, "scores.toml")}, set
}

// TestScoresOfGenotypes: [pgs] scores are sums of weights times counts, of the persons of the manifest; a checkpoint's statistics find their scores again.
func TestScoresOfGenotypes(t *testing.T) {
	o, set := scored(t, "column = \"SUM\"\nkeep_ambiguous = true\nmean_imputation = false\nstandardize = \"none\"", "")
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	variants := make([]int, len(set.Variants))
	for i := range variants {
		variants[i] = i
	}
	persons := make([]int, len(set.Samples))
	at := map[string]int{}
	for i := range persons {
		persons[i], at[set.Samples[i].IID] = i, i
	}
	packed, err := set.Read(variants, persons)
	if err != nil {
		t.Fatal(err)
	}
	g := rand.New(rand.NewPCG(1, 2))
	var weights [2][]float64
	for range variants {
		weights[0], weights[1] = append(weights[0], g.NormFloat64()), append(weights[1], g.NormFloat64())
	}
	table := c.Tables[0]
	if names := table.Stats().Names; len(names) != 2 || names[0] != "one" || names[1] != "two" {
		t.Fatalf("%q", names)
	}
	row := make([]float32, 2)
	for p, person := range c.Persons {
		if !table.Row(p, row) {
			t.Fatalf("%s has no scores", person.ID)
		}
		for k := range row {
			want := 0.0
			for j, w := range weights[k] {
				want += w * []float64{2, 0, 1, 0}[packed.Code(at[person.ID], j)]
			}
			if d := float64(row[k]) - want; d > 1e-4 || d < -1e-4 {
				t.Errorf("%s: score %d is %g, want %g", person.ID, k, row[k], want)
			}
		}
	}
	o.Stats = map[string]*data.Stats{"pgs": table.Stats()}
	again, err := Open(o)
	if err != nil || again.Hash != c.Hash {
		t.Errorf("with the statistics of a checkpoint: %v", err)
	}
}

// TestScoresRefused: what is wrong with the section or with the match is said by its number.
func TestScoresRefused(t *testing.T) {
	for _, c := range []struct {
		keys, weights string
		code          int
	}{
		{"min_overlap = 2", "", 114}, {"positions = \"theirs\"", "", 114}, {"column = \"MEAN\"", "", 114}, {"overlap = 1", "", 113}, {"", "rs1 A 1\n", 312}, {"", "a b\n", 310},
	} {
		o, _ := scored(t, c.keys, c.weights)
		_, err := Open(o)
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.code {
			t.Errorf("%s %q: %v, want E%d", c.keys, c.weights, err, c.code)
		}
		f := &data.Faults{}
		if _, _, err := Check(o, f); err != nil || f.Total == 0 || f.Kinds[0].Code != c.code {
			t.Errorf("check of %s %q: %v, %d faults", c.keys, c.weights, err, f.Total)
		}
	}
}
