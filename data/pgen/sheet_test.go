package pgen

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestListsAgree: a .pvar and .psam that are read by all processors are what they are line by line, and what is refused or noted there is not read so.
func TestListsAgree(t *testing.T) {
	read := 0
	for seed := range uint64(400) {
		g := rand.New(rand.NewPCG(seed, 72))
		pvar := []string{"##fileformat\n#CHROM\tPOS\tID\tREF\tALT\n", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tINFO\n", "##x\n#CHROM\tID\tALT\tREF\tPOS\n", ""}[g.IntN(4)]
		psam := []string{"#IID\tSEX\n", "#FID\tIID\tPAT\tMAT\tSEX\n", "#IID\n", ""}[g.IntN(4)]
		for i := range 1 + g.IntN(30) {
			alt := []string{"A", "AT,C", ".", "A,<DEL>,*"}[g.IntN(4)]
			switch {
			case strings.Contains(pvar, "ALT\tREF"):
				pvar += fmt.Sprintf("%d\trs%d\t%s\tG\t%d\n", 1+i%24, i, alt, g.IntN(1e9))
			case strings.Contains(pvar, "INFO"):
				pvar += fmt.Sprintf("%d\t%d\trs%d\tG\t%s\t.\tAC=1;x y\n", 1+i%24, g.IntN(1e9), i, alt)
			case strings.Contains(pvar, "#"):
				pvar += fmt.Sprintf("chr%d\t%d\trs%d\tG\t%s\n", 1+i%24, g.IntN(1e9), i, alt)
			default:
				pvar += fmt.Sprintf("%d\trs%d\t0\t%d\t%s\tG\n", 1+i%24, i, g.IntN(1e9), alt)
			}
			psam += fmt.Sprintf("%s%d\t%s%d\t0\t0\t%d\n", "P", i, []string{"Q", "-", "NA"}[g.IntN(3)], i, g.IntN(3))
		}
		for _, p := range []*string{&pvar, &psam} {
			b := []byte(*p)
			for range g.IntN(3) {
				b = slices.Insert(b, g.IntN(len(b)), []byte([]string{"\"", "#", "\n", "\r", "\x00", "\xff", "\t", " ", "-", "1e5"}[g.IntN(10)])...)
			}
			*p = string(b)
		}
		dir := t.TempDir()
		for name, text := range map[string]string{"x.pvar": pvar, "x.psam": psam} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		variants, notes, err := listVariants(filepath.Join(dir, "x.pvar"), nil)
		if got := plainVariants(filepath.Join(dir, "x.pvar")); got != nil {
			if read++; err != nil || !slices.Equal(got, variants) || len(notes) > 0 {
				t.Fatalf("seed %d: %v %q\n%+v\n%+v\n%s", seed, err, notes, got, variants, pvar)
			}
		}
		persons, notes, err := listPersons(filepath.Join(dir, "x.psam"), nil)
		if got, gone := plainPersons(filepath.Join(dir, "x.psam")); got != nil {
			if read++; err != nil || !slices.Equal(got, persons) || !slices.Equal(notes, withdrawn(filepath.Join(dir, "x.psam"), gone)) {
				t.Fatalf("seed %d: %v %q\n%+v\n%+v\n%s", seed, err, notes, got, persons, psam)
			}
		}
	}
	if read < 200 {
		t.Errorf("only %d were read", read)
	}
}
