package plink

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data/genotype"
)

// mangled changes a text at a few places.
func mangled(g *rand.Rand, text string) string {
	b := []byte(text)
	for range g.IntN(3) {
		at := g.IntN(len(b))
		if what := []string{"\"", "#", "\n", "\r", "\x00", "\xff", "\t", " ", "", "-1", "1e5", ".", "0"}[g.IntN(13)]; g.IntN(2) == 0 {
			b = slices.Insert(b, at, []byte(what)...)
		} else {
			b = slices.Replace(b, at, at+1, []byte(what)...)
		}
	}
	return string(b)
}

// TestListsAgree: lists that are read by all processors are those that are read line by line, and what these refuse or note is not read so.
func TestListsAgree(t *testing.T) {
	read := 0
	for seed := range uint64(400) {
		g := rand.New(rand.NewPCG(seed, 71))
		var fam, bim strings.Builder
		for i := range 1 + g.IntN(40) {
			id := fmt.Sprint([]string{"", "P", "-", "NA", "1.", "0"}[g.IntN(6)*g.IntN(2)], i)
			fmt.Fprintf(&fam, "F%d%s%s 0 %d %d -9\n", i*g.IntN(2), " \t"[g.IntN(2):][:1], id, g.IntN(2), g.IntN(4))
			fmt.Fprintf(&bim, "%d\trs%d\t0\t%d %s\tG\n", 1+i%24, i, g.IntN(1e9), []string{"A", "AT", ".", "0", "<DEL>"}[g.IntN(5)])
		}
		p := filepath.Join(t.TempDir(), "g")
		put(t, p+".fam", mangled(g, fam.String()))
		put(t, p+".bim", mangled(g, bim.String()))
		fast, slow := readLists(p), &lists{}
		people, notes, err := slow.readFam(p+".fam", nil)
		if fast.fam != nil {
			read++
			if got, more, _ := fast.readFam(p+".fam", nil); err != nil || !slices.Equal(got, people) || !slices.Equal(notes, more) {
				t.Fatalf("seed %d: %v\n%+v %q\n%+v %q", seed, err, got, more, people, notes)
			}
		}
		variants, notes, err := slow.readBim(p+".bim", nil)
		if fast.bim != nil {
			read++
			if err != nil || !slices.Equal(fast.bim, variants) || len(notes) > 0 {
				t.Fatalf("seed %d: %v\n%+v\n%+v %q", seed, err, fast.bim, variants, notes)
			}
		}
	}
	if read < 200 {
		t.Errorf("only %d were read", read)
	}
}

// TestEachBits: the bits of a .bed are the hard calls that Each hands out.
func TestEachBits(t *testing.T) {
	for seed := range uint64(20) {
		g := rand.New(rand.NewPCG(seed, 73))
		p := filepath.Join(t.TempDir(), "g")
		n, m := 1+g.IntN(90), 1+g.IntN(20)
		fileset(t, p, n, n, m)
		f, err := Genotypes(p, nil)
		if err != nil {
			t.Fatal(err)
		}
		var some []int
		for v := range m {
			if g.IntN(2) == 0 {
				some = append(some, v)
			}
		}
		var want, got []string
		err = f.Each(t.Context(), some, func(k int, hard []byte, _ []float32) error {
			want = append(want, fmt.Sprint(k, hard))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = f.(genotype.BitsFile).EachBits(t.Context(), some, func(k int, bits []byte) error {
			hard := make([]byte, n)
			genotype.Unpack(hard, bits, genotype.Quads([4]byte{0, 1, 2, genotype.Missing}))
			got = append(got, fmt.Sprint(k, hard))
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v\n%v\n%v", seed, err, got, want)
		}
	}
}
