package cohort

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
)

// dosageVCF writes dosages of the persons of a .fam, and returns them by person and variant, NaN where they are missing.
func dosageVCF(t *testing.T, path, fam string, variants int) map[string][]float64 {
	t.Helper()
	b, err := os.ReadFile(fam)
	if err != nil {
		t.Fatal(err)
	}
	g := rand.New(rand.NewPCG(3, 4))
	var ids []string
	for _, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		ids = append(ids, strings.Fields(l)[1])
	}
	out := map[string][]float64{}
	var v strings.Builder
	v.WriteString("##fileformat=VCFv4.3\n##FORMAT=<ID=DS,Number=A,Type=Float,Description=\"x\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + strings.Join(ids, "\t") + "\n")
	for k := range variants {
		fmt.Fprintf(&v, "1\t%d\trs%d\tA\tG\t.\t.\t.\tDS", 100+k, k)
		for _, id := range ids {
			d := math.NaN()
			word := "."
			if g.IntN(9) > 0 {
				d = math.Round(2*g.Float64()*g.Float64()*16384) / 16384
				word = fmt.Sprint(d)
			}
			out[id] = append(out[id], d)
			v.WriteString("\t" + word)
		}
		v.WriteString("\n")
	}
	if err := os.WriteFile(path, []byte(v.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDosages: features are the dosages of the allele that is counted, standardised by the frequency of that allele among training persons; a missing one has its mean.
func TestDosages(t *testing.T) {
	dir := t.TempDir()
	s, g := snpCohort(t, dir, 3)
	const variants = 40
	want := dosageVCF(t, filepath.Join(dir, "d.vcf"), g+".fam", variants)
	for _, count := range []string{"alt", "ref"} {
		for _, standardize := range []string{"none", "center", "2pq"} {
			c := opened(t, dir, s, fmt.Sprintf("files = \"d.vcf\"\ncount = %q\nstandardize = %q\n", count, standardize))
			table := c.Tables[0]
			row := make([]float32, variants)
			for p, person := range c.Persons {
				table.Row(p, row)
				for k, got := range row {
					f := frequencyOf(c, want, k)
					x := want[person.ID][k]
					if math.IsNaN(x) {
						x = 2 * f
					}
					if count == "ref" {
						x = 2 - x
						f = 1 - f
					}
					switch standardize {
					case "center":
						x -= 2 * f
					case "2pq":
						x = (x - 2*f) / math.Sqrt(2*f*(1-f))
					}
					if math.Abs(x-float64(got)) > 1e-5 {
						t.Fatalf("%s %s: person %d variant %d: %v, want %v", count, standardize, p, k, got, x)
					}
				}
			}
		}
	}
}

// frequencyOf is that of ALT among training persons.
func frequencyOf(c *data.Cohort, dosage map[string][]float64, k int) float64 {
	sum, n := 0.0, 0
	for p, person := range c.Persons {
		if d := dosage[person.ID][k]; person.Split == data.Train && d == d && c.Tables[0].Has(p) {
			sum, n = sum+d, n+2
		}
	}
	return sum / float64(n)
}

// TestDosagesInBytes: dosages = "bytes" rounds them to 1/127 of a copy, so that all of a variant's are codes of a byte; without it nothing is rounded.
func TestDosagesInBytes(t *testing.T) {
	dir := t.TempDir()
	s, g := snpCohort(t, dir, 5)
	const variants = 40
	want := dosageVCF(t, filepath.Join(dir, "d.vcf"), g+".fam", variants)
	for keys, steps := range map[string]float64{"": 16384, "dosages = \"exact\"\n": 16384, "dosages = \"bytes\"\n": 127} {
		c := opened(t, dir, s, "files = \"d.vcf\"\nstandardize = \"none\"\n"+keys)
		row := make([]float32, variants)
		for p, person := range c.Persons {
			c.Tables[0].Row(p, row)
			for k, x := range row {
				w := want[person.ID][k]
				if w != w {
					continue
				}
				if w = math.Round(w*steps) / steps; math.Abs(w-float64(x)) > 0.5/16384 {
					t.Fatalf("%q: %v, want %v", keys, x, w)
				}
			}
		}
	}
}

// TestChromosomesOfFiles: chrom names those of files, one or as many as there are.
func TestChromosomesOfFiles(t *testing.T) {
	for keys, want := range map[string]string{
		"files = \"c{1..3}.bgen\"\nchrom = \"{1..3}\"\n": "[1 2 3]", "files = [\"a\", \"b\"]\nchrom = \"X\"\n": "[X X]", "files = [\"a\", \"b\"]\nchrom = [\"1\", \"X\"]\n": "[1 X]", "files = \"a\"\n": "[]",
		"files = \"c{1..3}.bgen\"\nchrom = [\"1\", \"2\"]\n": "E114",
	} {
		path := filepath.Join(t.TempDir(), "data.toml")
		if err := os.WriteFile(path, []byte("[snps]\n"+keys), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _, err := readConfig(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &c.sources[0]
		paths, err := c.expand(s.files.Files, s.name, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.chroms(s, len(paths))
		if text := fmt.Sprint(got); err == nil && text != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %s", keys, got, err, want)
		}
	}
}

// TestWarningsOfGenotypes: variants that say nothing or lie on chromosomes of the sexes, few persons and few founders, and constant features are told of, and else nothing is.
func TestWarningsOfGenotypes(t *testing.T) {
	dir := t.TempDir()
	s, g := snpCohort(t, dir, 5)
	fam, err := os.ReadFile(g + ".fam")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Split(strings.TrimSpace(string(fam)), "\n")
	for _, odd := range []bool{false, true} {
		persons, chrom, alt := all, "1", "1"
		if odd {
			persons, chrom, alt = all[:len(all)/3], "X", "0"
		}
		vcf, table := "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT", "IID\ta\tb\n"
		for i, l := range persons {
			id := strings.Fields(l)[1]
			vcf += "\t" + id
			table += fmt.Sprintf("%s\t%d\t%s\n", id, i, map[bool]string{true: "7", false: fmt.Sprint(i % 5)}[odd])
		}
		for k := range 10 {
			vcf += fmt.Sprintf("\n%s\t%d\trs%d\tA\tG\t.\t.\t.\tGT", chrom, 100+k, k)
			for i := range persons {
				vcf += "\t0/" + map[bool]string{true: alt, false: "0"}[(i+k)%3 == 0]
			}
		}
		for name, text := range map[string]string{"w.vcf": vcf + "\n", "t.tsv": table, "w.score": "rs0\tG\t1\nrs1\tG\t2\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := opened(t, dir, s, "files = \"w.vcf\"\n[t]\ntable = \"t.tsv\"\n[scores]\nscores = \"w.score\"\ngenotypes = \"w.vcf\"\nstandardize = \"none\"\n")
		notes := strings.Join(c.Notes, "\n")
		for _, code := range []string{"W111", "W211", "W216", "W303", "W314"} {
			if strings.Contains(notes, code) != odd {
				t.Errorf("%s, odd %v:\n%s", code, odd, notes)
			}
		}
	}
}
