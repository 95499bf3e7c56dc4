package assoc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/data/genofile"
	"contig-gpu/data/genotype"
)

// need skips the test where a program is not on PATH.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("no %s: apt-get install %s", program, program)
	}
}

// A fileset is random genotypes with linkage disequilibrium, written as PLINK 1.
type fileset struct {
	prefix  string
	persons int
	chrom   []string
	pos     []int
	calls   [][]byte // by variant: copies of A1, 3 missing
	sex     []int
}

// randomSet draws haplotypes that mutate and recombine along each chromosome, so that neighbours are correlated, some variants do not vary, and some positions are shared.
func randomSet(t *testing.T, g *rand.Rand, persons, variants int, chromosomes []string) *fileset {
	t.Helper()
	f := &fileset{prefix: filepath.Join(t.TempDir(), "set"), persons: persons}
	var fam, bim strings.Builder
	for i := range persons {
		f.sex = append(f.sex, 1+g.IntN(2))
		father := "0"
		if i > 5 && g.IntN(12) == 0 {
			father = "i0"
		}
		fmt.Fprintf(&fam, "f%d i%d %s 0 %d -9\n", i, i, father, f.sex[i])
	}
	haplotypes := make([]byte, 2*persons)
	for k := range haplotypes {
		haplotypes[k] = byte(g.IntN(2))
	}
	missing := []float64{0, 0.02, 0.3}[g.IntN(3)]
	for v := range variants {
		c := chromosomes[v*len(chromosomes)/variants]
		pos := 1
		if v > 0 && f.chrom[v-1] == c {
			pos = f.pos[v-1] + g.IntN(4)*g.IntN(40000)
		}
		share := math.Pow(g.Float64(), 3)
		for k := range haplotypes {
			if g.Float64() < share {
				haplotypes[k] = byte(g.IntN(2))
			}
		}
		f.chrom, f.pos = append(f.chrom, c), append(f.pos, pos)
		row := make([]byte, persons)
		for i := range row {
			row[i] = haplotypes[2*i] + haplotypes[2*i+1]
			if v%17 == 5 {
				row[i] = 0
			}
			if c == "X" && f.sex[i] == 1 && g.IntN(30) > 0 || c == "Y" || c == "MT" {
				row[i] = 2 * haplotypes[2*i]
			}
			if g.Float64() < missing {
				row[i] = missingCall
			}
		}
		f.calls = append(f.calls, row)
		fmt.Fprintf(&bim, "%s v%d 0 %d A C\n", c, v, pos)
	}
	f.write(t, fam.String(), bim.String())
	return f
}

func (f *fileset) write(t *testing.T, fam, bim string) {
	t.Helper()
	bed := []byte{0x6c, 0x1b, 1}
	for _, row := range f.calls {
		for lo := 0; lo < f.persons; lo += 4 {
			var b byte
			for i := lo; i < min(f.persons, lo+4); i++ {
				b |= [4]byte{3, 2, 0, 1}[row[i]] << (2 * (i - lo))
			}
			bed = append(bed, b)
		}
	}
	for end, text := range map[string][]byte{".bed": bed, ".fam": []byte(fam), ".bim": []byte(bim)} {
		if err := os.WriteFile(f.prefix+end, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *fileset) open(t *testing.T) *genotype.Set {
	t.Helper()
	set, err := genofile.Open([]string{f.prefix}, genofile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// plinkClumps runs plink1.9 --clump and returns its lines: index, total, bins, members.
func plinkClumps(t *testing.T, f *fileset, p []string, o ClumpOptions) []string {
	t.Helper()
	var text strings.Builder
	text.WriteString("SNP P\n")
	for v, word := range p {
		fmt.Fprintf(&text, "v%d %s\n", v, word)
	}
	if err := os.WriteFile(f.prefix+".p", []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	args := []string{"--bfile", f.prefix, "--clump", f.prefix + ".p", "--clump-p1", number(o.P1), "--clump-p2", number(o.P2), "--clump-r2", number(o.R2), "--clump-kb", number(o.KB),
		"--out", f.prefix, "--allow-no-sex", "--threads", "1"}
	out, err := exec.Command("plink1.9", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("plink1.9: %v\n%s", err, out)
	}
	return clumpedLines(t, f.prefix+".clumped")
}

func clumpedLines(t *testing.T, path string) []string {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i, line := range strings.Split(string(text), "\n") {
		w := strings.Fields(line)
		if i == 0 || len(w) == 0 {
			continue
		}
		var members []string
		if last := w[len(w)-1]; last != "NONE" {
			for _, m := range strings.Split(last, ",") {
				name, _, _ := strings.Cut(m, "(")
				members = append(members, name)
			}
		}
		lines = append(lines, fmt.Sprint(w[2], w[5:11], members))
	}
	return lines
}

// randomP draws P with ties, absent ones, and some below what a float64 holds.
func randomP(g *rand.Rand, n int) []string {
	tie := g.IntN(2) == 0
	out := make([]string, n)
	for v := range out {
		p := math.Pow(g.Float64(), 1+6*g.Float64())
		switch {
		case g.IntN(12) == 0:
			out[v] = "NA"
		case g.IntN(15) == 0:
			out[v] = fmt.Sprintf("%.4ge-%d", 1+8*g.Float64(), 280+g.IntN(27))
		case tie:
			out[v] = strconv.FormatFloat(max(0.005, math.Round(100*p)/100), 'g', -1, 64)
		default:
			out[v] = strconv.FormatFloat(p, 'g', 6, 64)
		}
	}
	return out
}

// TestClumpsArePlinks: clumps of random genotypes are those of plink1.9, in its order, with its counts. The thresholds of r² are no fractions of small numbers: on such a one plink's
// rounding decides.
func TestClumpsArePlinks(t *testing.T) {
	need(t, "plink1.9")
	sets := 40
	if testing.Short() {
		sets = 8
	}
	for seed := range uint64(sets) {
		g := rand.New(rand.NewPCG(seed, 16))
		chromosomes := [][]string{{"1"}, {"1", "7", "22"}, {"2", "X", "XY", "MT"}, {"9", "Y"}}[g.IntN(4)]
		f := randomSet(t, g, 20+g.IntN(300), 30+g.IntN(400), chromosomes)
		p := randomP(g, len(f.pos))
		o := ClumpOptions{P1: []float64{5e-8, 0.01, 0.2}[g.IntN(3)], P2: []float64{1e-7, 0.05, 0.3}[g.IntN(3)], R2: []float64{0.02113, 0.10371, 0.51713, 0.90797}[g.IntN(4)], KB: []float64{1, 150, 250.5, 3000}[g.IntN(4)]}
		o.P2 = max(o.P1, o.P2) // plink1.9 wants it so
		want := plinkClumps(t, f, p, o)
		set := f.open(t)
		neglog10 := make([]float64, len(p))
		for v, word := range p {
			neglog10[v] = math.NaN()
			if x, err := strconv.ParseFloat(word, 64); err == nil && word != "NA" {
				neglog10[v] = Log10P(x)
			}
		}
		clumps, err := Clumps(context.Background(), set, founders(set), placesOf(set), neglog10, o)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range clumps {
			var members []string
			for _, m := range c.Members {
				members = append(members, set.Sites[m].ID)
			}
			b := c.Bins
			got = append(got, fmt.Sprint(set.Sites[c.Index].ID, []string{strconv.Itoa(len(c.All)), strconv.Itoa(b[0]), strconv.Itoa(b[1]), strconv.Itoa(b[2]), strconv.Itoa(b[3]), strconv.Itoa(b[4])}, members))
		}
		if !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Errorf("clump %d: %s, plink1.9 %s", i, got[i], want[i])
					break
				}
			}
			t.Errorf("seed %d, %v, %d persons, %+v: %d clumps, plink1.9 %d", seed, chromosomes, f.persons, o, len(got), len(want))
		}
	}
}
