package assoc

import (
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

	"contig-gpu/data/genotype"
)

// TestScanIsPlinks: effects, standard errors and P are those of plink2 --glm to its digits, on random filesets with missing genotypes, on X too.
func TestScanIsPlinks(t *testing.T) {
	need(t, "plink2")
	for seed := range uint64(6) {
		g := rand.New(rand.NewPCG(seed, 77))
		chromosomes := [][]string{{"1", "22"}, {"1", "X"}}[g.IntN(2)]
		f := randomSet(t, g, 60+g.IntN(200), 60, chromosomes)
		s := Study{Persons: upTo(f.persons), Traits: [][]float64{normals(g, f.persons)}, Covariates: [][]float64{normals(g, f.persons), normals(g, f.persons)}}
		for i := range f.persons {
			s.Covariates[1][i] = float64(f.sex[i]) // plink2 adds sex on X by itself
			s.Traits[0][i] += 0.5 * float64(f.calls[7][i]&1)
			if g.IntN(20) == 0 {
				s.Traits[0][i] = math.NaN()
			}
		}
		set := f.open(t)
		theirs := plink2Scan(t, f, s)
		ours := collect(t, openCPU(t), set, s, Options{}, 0)
		wantPlinks(t, fmt.Sprint("seed ", seed), f, ours, theirs)
	}
}

// wantPlinks holds what plink2 tested to its digits, and returns how many variants of each chromosome that are.
func wantPlinks(t *testing.T, name string, f *fileset, ours collected, theirs []plinkResult) map[string]int {
	t.Helper()
	n := map[string]int{}
	for v, w := range theirs {
		if w.errors != "." {
			continue
		}
		n[f.chrom[v]]++
		for _, c := range [][2]float64{{ours.beta[v], w.beta}, {ours.se[v], w.se}, {ours.p[v], w.p}, {ours.n[v], w.n}} {
			if !(math.Abs(c[0]-c[1]) <= 6e-6*math.Abs(c[1])) {
				t.Errorf("%s, %s, variant %d: %v, plink2 %v", name, f.chrom[v], v, c[0], c[1])
			}
		}
	}
	return n
}

// TestScanIsPlinksOfOneCopy: on Y and mitochondria too, beside chromosomes of two copies; among males, effects by copy.
func TestScanIsPlinksOfOneCopy(t *testing.T) {
	need(t, "plink2")
	for seed := range uint64(6) {
		g := rand.New(rand.NewPCG(seed, 78))
		f := randomSet(t, g, 80+g.IntN(200), 80, []string{"3", "X", "Y", "MT"})
		s := Study{Persons: upTo(f.persons), Traits: [][]float64{normals(g, f.persons)}, Covariates: [][]float64{normals(g, f.persons), normals(g, f.persons)}}
		for i := range f.persons {
			s.Traits[0][i] += 0.4 * float64(f.calls[47][i]&2)
		}
		f.mix(t, g)
		set := f.open(t)
		var ploidy []Ploidy
		for _, p := range placesOf(set) {
			ploidy = append(ploidy, p.Ploidy)
		}
		ours := collect(t, openCPU(t), set, s, Options{}.Chromosomes(ploidy, malesOf(set)), 0)
		n := wantPlinks(t, fmt.Sprint("seed ", seed), f, ours, plink2Scan(t, f, s))
		for _, c := range []string{"3", "X", "Y", "MT"} {
			if n[c] < 5 {
				t.Errorf("seed %d: plink2 tested %d variants of %s", seed, n[c], c)
			}
		}
	}
}

type plinkResult struct {
	beta, se, p, n float64
	errors         string
}

func plink2Scan(t *testing.T, f *fileset, s Study) []plinkResult {
	t.Helper()
	var y, c strings.Builder
	y.WriteString("FID IID Y\n")
	c.WriteString("FID IID C1 C2\n")
	for i := range f.persons {
		word := strconv.FormatFloat(s.Traits[0][i], 'g', -1, 64)
		if math.IsNaN(s.Traits[0][i]) {
			word = "NA"
		}
		fmt.Fprintf(&y, "f%d i%d %s\n", i, i, word)
		fmt.Fprintf(&c, "f%d i%d %v %v\n", i, i, s.Covariates[0][i], s.Covariates[1][i])
	}
	dir := filepath.Dir(f.prefix)
	for name, text := range map[string]string{"y": y.String(), "c": c.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("plink2", "--bfile", f.prefix, "--pheno", dir+"/y", "--covar", dir+"/c", "--covar-variance-standardize", "--no-psam-pheno", "--no-input-missing-phenotype", "--glm", "hide-covar", "omit-ref", "log10", "no-x-sex",
		"--out", dir+"/o", "--threads", "1", "--xchr-model", "2").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(dir + "/o.Y.glm.linear")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	head := strings.Split(lines[0], "\t")
	var list []plinkResult
	for _, l := range lines[1:] {
		w := strings.Split(l, "\t")
		at := func(name string) float64 {
			v, err := strconv.ParseFloat(w[slices.Index(head, name)], 64)
			if err != nil {
				return math.NaN()
			}
			return v
		}
		list = append(list, plinkResult{at("BETA"), at("SE"), at("LOG10_P"), at("OBS_CT"), w[slices.Index(head, "ERRCODE")]})
	}
	if len(list) != len(f.pos) {
		t.Fatalf("%d lines of %d variants", len(list), len(f.pos))
	}
	return list
}

func malesOf(set *genotype.Set) []bool {
	var out []bool
	for _, p := range set.Persons() {
		out = append(out, p.Sex == 1)
	}
	return out
}

// mix makes some calls heterozygous, which where there is one copy they cannot be.
func (f *fileset) mix(t *testing.T, g *rand.Rand) {
	t.Helper()
	bed, err := os.ReadFile(f.prefix + ".bed")
	if err != nil {
		t.Fatal(err)
	}
	row := (f.persons + 3) / 4
	for v := range f.calls {
		for i := range f.persons {
			if g.IntN(25) == 0 {
				b := &bed[3+v*row+i/4]
				*b = *b&^(3<<(2*(i%4))) | 2<<(2*(i%4))
			}
		}
	}
	if err := os.WriteFile(f.prefix+".bed", bed, 0o600); err != nil {
		t.Fatal(err)
	}
}
