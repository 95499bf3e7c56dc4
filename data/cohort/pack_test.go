package cohort

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/synth"
)

// checkPack holds every table's packed form against its rows, bit by bit, and returns the bits it takes.
func checkPack(t *testing.T, c *data.Cohort) map[string]int {
	t.Helper()
	bits := map[string]int{}
	for _, table := range c.Tables {
		p := data.Pack(table, len(c.Persons))
		bits[table.Name()] = p.Bits
		want, codes, values := make([]float32, p.Features), make([]uint8, p.Stride()), make([]float32, p.Stride())
		for i := range c.Persons {
			k := int(p.Row[i])
			if table.Row(i, want) != (k >= 0) || table.Has(i) != (k >= 0) {
				t.Fatalf("%s: person %d has row %d", table.Name(), i, k)
			}
			if k < 0 {
				continue
			}
			if p.Bits == 32 {
				p.Values(values, k, k+1)
			} else {
				p.Codes(codes, k, k+1)
			}
			for f, w := range want {
				if got := feature(p, codes, values, f); math.Float32bits(got) != math.Float32bits(w) {
					t.Fatalf("%s: person %d, feature %d of %d is %v, want %v", table.Name(), i, f, len(want), got, w)
				}
			}
		}
	}
	return bits
}

func feature(p *data.Packed, codes []uint8, values []float32, f int) float32 {
	switch p.Bits {
	case 32:
		return values[f]
	case 8:
		return float32(codes[f])
	}
	at := f * p.Bits
	return p.LUT[f<<p.Bits+int(codes[at/8])>>(at%8)&(1<<p.Bits-1)]
}

// TestPackGenotypes: whatever is counted, scaled and imputed, genotypes take two bits and are those of Row.
func TestPackGenotypes(t *testing.T) {
	w := newWorld(t)
	for _, count := range []string{"a1", "a2"} {
		for _, scale := range []string{"none", "center", "2pq"} {
			for _, impute := range []string{"mean", "mode"} {
				for every := 1; every <= 3; every++ { // 40, 20 and 14 variants: whole bytes and not
					keys := fmt.Sprintf("count=%q\nscaling=%q\nimpute=%q\nselect = {every = %d,", count, scale, impute, every)
					w.put("data.toml", strings.Replace(tomlText, "select = {every = 2,", keys, 1))
					if bits := checkPack(t, w.open()); bits["geno"] > 2 {
						t.Errorf("%s: %d bits", keys, bits["geno"])
					}
				}
			}
		}
	}
}

// TestPackSwapped: under a checkpoint's statistics, with swapped alleles, more variants than it knows and persons without,
// the packed form is still that of Row.
func TestPackSwapped(t *testing.T) {
	w := newWorld(t)
	st := map[string]*data.Stats{}
	for _, x := range w.open().Tables {
		st[x.Name()] = x.Stats()
	}
	w.replace("geno/c1.bim", "A G", "G A")
	w.replace("data.toml", "every = 2", "every = 1")
	w.replace("pgs/PGS1.sscore", "F0\t"+person(0)+"\t0\n", "")
	w.replace("labs.tsv", person(1)+"\t1\tNA\n", person(1)+"\tNA\tNA\n")
	o := w.options()
	o.Stats = st
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	checkPack(t, c)
}

// TestPackSynth: each modality of a made-up cohort takes as few bits as it should.
func TestPackSynth(t *testing.T) {
	o := synth.DefaultDemo()
	o.Persons, o.ImageSize, o.SNPs, o.Genes = 60, 8, 41, 13
	s, err := synth.Write(t.Context(), filepath.Join(t.TempDir(), "cohort"), o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(Options{Manifest: s.Manifest, DataTOML: s.DataTOML})
	if err != nil {
		t.Fatal(err)
	}
	bits := checkPack(t, c)
	if bits["snps"] != 2 || bits["pgs"] != 32 || bits["burden"] != 1 {
		t.Errorf("bits %v", bits)
	}
}
