package plink

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestColumns: .fam and .bim as both plinks take them give the same set, however they are written.
func TestColumns(t *testing.T) {
	for seed := range uint64(40) {
		g := rand.New(rand.NewPCG(seed, 203))
		p := filepath.Join(t.TempDir(), "g")
		n, m := g.IntN(9)+1, g.IntN(30)+1
		fileset(t, p, n, n, m)
		plain, err := Open([]string{p})
		if err != nil {
			t.Fatal(err)
		}
		quote, short := g.IntN(2) == 0, g.IntN(2) == 0
		line := func(fields ...string) string {
			for k := range g.IntN(4) {
				if !short || len(fields) > 5 {
					fields = append(fields, fmt.Sprint("more", k))
				}
			}
			if quote {
				for i := range fields {
					fields[i] = `"` + fields[i] + `"`
				}
			}
			return strings.Join(fields, []string{" ", "\t", "  "}[g.IntN(3)]) + []string{"\n", "\r\n", " \n"}[g.IntN(3)]
		}
		fam, bim := "", ""
		for k := range g.IntN(3) {
			fam, bim = fam+fmt.Sprintf("# line %d\n", k), bim+"#CHROM ID\tCM POS\n"
		}
		for _, s := range plain.Samples {
			fam += line(s.FID, s.IID, "0", "0", fmt.Sprint(s.Sex), "-9")
		}
		for _, v := range plain.Variants {
			if short {
				bim += line(v.Chrom, v.ID, fmt.Sprint(v.Pos), v.Alt, v.Ref)
			} else {
				bim += line(v.Chrom, v.ID, "0.5", fmt.Sprint(v.Pos), v.Alt, v.Ref)
			}
		}
		put(t, p+".fam", fam)
		put(t, p+".bim", bim)
		got, err := Open([]string{p})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s%s", seed, err, fam, bim)
		}
		for i := range got.Variants {
			got.Variants[i].Line = plain.Variants[i].Line
		}
		if !slices.Equal(got.Samples, plain.Samples) || !slices.Equal(got.Variants, plain.Variants) {
			t.Fatalf("seed %d: %+v %+v", seed, got.Samples, got.Variants)
		}
	}
}

// TestCauses: what plink would misread or refuse is refused for what it is.
func TestCauses(t *testing.T) {
	const fam, bim = "F0 P0 0 0 1 -9\nF1 P1 0 0 1 -9\n", "1 rs0 0 100 A G\n1 rs1 0 101 A G\n"
	for _, c := range []struct{ fam, bim, says string }{
		{fam, strings.Replace(bim, "101", "1e+05", 1), "scientific notation"}, {fam, strings.Replace(bim, "101", "1.5E6", 1), "scientific notation"}, {fam, strings.Replace(bim, "101", "101.0", 1), "decimal point"}, {fam, strings.Replace(bim, "101", "1_01", 1), "columns swapped"},
		{fam, strings.Replace(bim, "101", "NA", 1), "columns swapped"}, {fam, "1 rs0 100 A G\n1 rs1 A 0 G\n", "columns swapped"}, {fam, "1 rs0 0 100 A G\n1 rs1 101 A G\n", "g.bim:2"}, {fam, "1 rs0 100 A\n", "5 fields or more"},
		{"F0 P0 0 0 1\n", bim, "add a sixth column"}, {"F0 P0 0 0 1 -9\n# end\nF1 P1 0 0 1 -9\n", bim, "a comment line"}, {fam, bim + "#\n", "a comment line"}, {"FID IID PAT MAT SEX PHENOTYPE\n" + fam, bim, "begins with a header"}, {fam, "CHR SNP CM BP A1 A2\n" + bim, "likely cause: a header"}, {"F0,P0,0,0,1,-9\n", bim, "commas"}, {"version https://git-lfs.github.com/spec/v1\n", bim, "git lfs pull"},
	} {
		p := filepath.Join(t.TempDir(), "g")
		fileset(t, p, 2, 2, 2)
		put(t, p+".fam", c.fam)
		put(t, p+".bim", c.bim)
		if _, err := Open([]string{p}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q %q: %v, want %q", c.fam, c.bim, err, c.says)
		}
	}
	p := filepath.Join(t.TempDir(), "g")
	fileset(t, p, 2, 2, 2)
	put(t, p+".bed", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n")
	if _, err := Open([]string{p}); err == nil || !strings.Contains(err.Error(), "E201") || !strings.Contains(err.Error(), "git lfs pull") {
		t.Error(err)
	}
}

// TestPlaceholders: negative ids may repeat, and FID and IID are never one text.
func TestPlaceholders(t *testing.T) {
	p := filepath.Join(t.TempDir(), "g")
	fileset(t, p, 8, 8, 3)
	put(t, p+".fam", "-1 -1 0 0 1 -9\nA_1 2 0 0 1 -9\n-1 -1 0 0 1 -9\nA 1_2 0 0 1 -9\n-2 -2 0 0 0 -9\n0 -1 0 0 0 -9\n2 A_1 0 0 1 -9\n1 1 0 0 1 -9\n")
	s, err := Open([]string{p})
	if err != nil || len(s.Samples) != 8 || !slices.ContainsFunc(s.Notes, func(n string) bool { return strings.Contains(n, "4 persons have negative ids") }) {
		t.Errorf("%+v %v", s, err)
	}
}

// genotypes writes a .bed of so many persons and variants.
func genotypes(t *testing.T, prefix string, persons, variants int, code func(person, variant int) uint8) {
	t.Helper()
	fileset(t, prefix, persons, persons, variants)
	bed := []byte{0x6c, 0x1b, 1}
	for v := range variants {
		row := make([]byte, rowBytes(persons))
		for i := range persons {
			row[i/4] |= code(i, v) << (2 * (i % 4))
		}
		bed = append(bed, row...)
	}
	put(t, prefix+".bed", string(bed))
}

// TestLastPerson: one with two copies of A1 everywhere is ordinary where A1 is the common allele or variants are inherited together, is warned of in a
// small panel where nobody is like it, and no person at all where many variants say so.
func TestLastPerson(t *testing.T) {
	for seed := range uint64(6) {
		g := rand.New(rand.NewPCG(seed, 202))
		random := func(share float64) uint8 { // of two copies of A1
			if g.Float64() < share {
				return HomA1
			}
			return Het
		}
		block := make([]uint8, 400)
		for i := range block {
			block[i] = random(0.3)
		}
		for what, c := range map[string]struct {
			persons, variants int
			others            func(person, variant int) uint8
			want              string
		}{
			"a small panel": {12 + int(seed), 20, func(int, int) uint8 { return random(0.02) }, "warned"}, "a rare allele": {200, 3000, func(int, int) uint8 { return random(0.9995) }, ""},
			"a block": {200, 2000, func(p, _ int) uint8 { return block[p] }, ""}, "added": {100 + int(seed), 2000, func(int, int) uint8 { return random(0.5) }, "refused"}, "few variants": {50, 15, func(int, int) uint8 { return random(0.02) }, ""},
			"few persons": {3, 3000, func(int, int) uint8 { return random(0.5) }, ""},
		} {
			p := filepath.Join(t.TempDir(), "g")
			genotypes(t, p, c.persons, c.variants, func(person, v int) uint8 {
				if person == c.persons-1 {
					return HomA1
				}
				return c.others(person, v)
			})
			s, err := Open([]string{p})
			got := ""
			switch {
			case err != nil && strings.Contains(err.Error(), "too many"):
				got = "refused"
			case err != nil:
				t.Fatal(err)
			case slices.ContainsFunc(s.Notes, func(n string) bool { return strings.HasPrefix(n, "W215: ") }):
				got = "warned"
			}
			if got != c.want {
				t.Errorf("seed %d, %s: %q, want %q", seed, what, got, c.want)
			}
		}
	}
}
