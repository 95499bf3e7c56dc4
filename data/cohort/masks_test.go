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
	"contig-gpu/data/synth"
)

// masked makes a cohort whose burdens are a fileset of masks as regenie writes it, with calls that are drawn: of each person in the manifest, nobody else.
func masked(t *testing.T, keys string) (o Options, calls map[string][]int) {
	t.Helper()
	d := synth.DefaultDemo()
	d.Persons, d.ImageSize, d.SNPs, d.Scores, d.Genes, d.Covariates = 30, 16, 0, 3, 0, 0
	dir := filepath.Join(t.TempDir(), "cohort")
	s, err := synth.Write(t.Context(), dir, d)
	if err != nil {
		t.Fatal(err)
	}
	g := rand.New(rand.NewPCG(5, 5))
	names := []string{"A.M1.0.01", "A.M2.0.01", "B.M1.0.01", "B.M1.singleton"}
	calls = map[string][]int{}
	fam, bim, bed := "", "", make([]byte, 3+len(names)*((d.Persons+3)/4))
	copy(bed, []byte{0x6c, 0x1b, 1})
	for j, n := range names {
		bim += fmt.Sprintf("1\t%s\t0\t1\tmask\tref\n", n)
		for i := range d.Persons {
			id := fmt.Sprintf("S%06d", i+1)
			if j == 0 {
				fam += fmt.Sprintf("%s\t%s\t0\t0\t0\t-9\n", id, id)
			}
			c := g.IntN(4) // 3: missing
			calls[id] = append(calls[id], c)
			bed[3+j*((d.Persons+3)/4)+i/4] |= []byte{3, 2, 0, 1}[c] << (2 * (i % 4))
		}
	}
	for name, b := range map[string][]byte{"out_masks.bed": bed, "out_masks.bim": []byte(bim), "out_masks.fam": []byte(fam), "masks.toml": []byte("[burden]\nmasks = \"out_masks\"\n" + keys + "\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Options{Manifest: s.Manifest, DataTOML: filepath.Join(dir, "masks.toml")}, calls
}

// TestMasks: burdens are the copies of A1 in regenie's masks; a mask may be chosen, and a checkpoint finds its own again.
func TestMasks(t *testing.T) {
	for keys, columns := range map[string][]int{"standardize = \"none\"": {0, 1, 2, 3}, "standardize = \"none\"\nmask = \"M1.0.01\"": {0, 2}, "standardize = \"none\"\nmask = [\"M2.0.01\", \"M1.singleton\"]": {1, 3}} {
		o, calls := masked(t, keys)
		c, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		row := make([]float32, len(columns))
		for p, person := range c.Persons {
			c.Tables[0].Row(p, row)
			for k, j := range columns {
				if want := calls[person.ID][j]; want != 3 && row[k] != float32(want) {
					t.Errorf("%q: %s has %v, drawn %v", keys, person.ID, row, calls[person.ID])
				}
			}
		}
		o.Stats = map[string]*data.Stats{"burden": c.Tables[0].Stats()}
		if again, err := Open(o); err != nil || again.Hash != c.Hash {
			t.Errorf("%q: with the statistics of a checkpoint: %v", keys, err)
		}
	}
	for keys, code := range map[string]int{"mask = \"M9.0.01\"": 114, "min_carriers = -1": 114, "sscore = \"x\"": 114, "min_carriers = 1000": 402, "limit = 1": 113} {
		o, _ := masked(t, keys)
		_, err := Open(o)
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != code {
			t.Errorf("%s: %v, want E%d", keys, err, code)
		}
	}
	o, _ := masked(t, "")
	o.Memory = 1
	var p *data.Problem
	if _, err := Open(o); !errors.As(err, &p) || p.Code != 403 || !strings.Contains(p.File, "out_masks") {
		t.Error(err)
	}
}
