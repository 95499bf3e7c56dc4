package cohort

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/synth"
)

// plink2 runs it, or skips where it is absent.
func plink2(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("plink2")
	if err != nil {
		t.Skip("no plink2 to write the formats: apt-get install plink2")
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Fatalf("plink2 %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// snpCohort writes a cohort and its genotypes as PREFIX.bed: variants with and without ids, of ids that are not unique, on X, and with an allele that nobody has.
func snpCohort(t *testing.T, dir string, seed int) (s synth.Summary, prefix string) {
	t.Helper()
	o := synth.DefaultDemo()
	o.Persons, o.ImageSize, o.Seed = 60, 16, uint64(seed)
	s, err := synth.Write(t.Context(), filepath.Join(dir, "cohort"), o)
	if err != nil {
		t.Fatal(err)
	}
	prefix = filepath.Join(dir, "g")
	found, err := filepath.Glob(filepath.Join(dir, "cohort", "*", "*.bed"))
	if more, _ := filepath.Glob(filepath.Join(dir, "cohort", "*.bed")); err == nil {
		found = append(found, more...)
	}
	if len(found) == 0 {
		t.Fatal("the cohort has no .bed")
	}
	from := strings.TrimSuffix(found[0], ".bed")
	for _, end := range []string{".bed", ".bim", ".fam"} {
		b, err := os.ReadFile(from + end)
		if err != nil {
			t.Fatal(err)
		}
		switch end {
		case ".bim":
			b = []byte(mixedBim(string(b), seed))
		case ".fam": // of women, who have two copies of X
			b = []byte(regexp.MustCompile(`(?m)[12](\s+\S+)$`).ReplaceAllString(string(b), "2$1"))
		case ".bed":
			fam, err := os.ReadFile(from + ".fam")
			if err != nil {
				t.Fatal(err)
			}
			monomorphic(b, strings.Count(string(fam), "\n"))
		}
		if err := os.WriteFile(prefix+end, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s, prefix
}

// unseenEvery is how far apart variants are at which everybody has A2.
const unseenEvery = 13

func monomorphic(bed []byte, persons int) {
	row := (persons + 3) / 4
	for at := 3; at < len(bed); at += unseenEvery * row {
		for i := range persons {
			bed[at+i/4] |= 3 << (2 * (i % 4))
		}
	}
}

func mixedBim(text string, seed int) string {
	g := rand.New(rand.NewPCG(uint64(seed), 7))
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, l := range lines {
		f := strings.Fields(l)
		switch g.IntN(6) {
		case 0:
			f[1] = "."
		case 1:
			f[1] = "same"
		}
		f[3] = fmt.Sprint(1000 + 10*i)
		if i%unseenEvery == 0 {
			f[4] = "0"
		}
		if i > len(lines)*9/10 {
			f[0] = "23"
		}
		lines[i] = strings.Join(f, "\t")
	}
	return strings.Join(lines, "\n") + "\n"
}

// opened opens a cohort with one section of genotypes.
func opened(t *testing.T, dir string, s synth.Summary, keys string) *data.Cohort {
	t.Helper()
	path := filepath.Join(dir, "data.toml")
	if err := os.WriteFile(path, []byte("[snps]\n"+keys), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(Options{Manifest: s.Manifest, DataTOML: path, Seed: 3})
	if err != nil {
		t.Fatalf("%s: %v", keys, err)
	}
	return c
}

// TestFormats: plink2's conversions of one .bed give the same features, names and values, whatever is selected of them and counted.
func TestFormats(t *testing.T) {
	dir := t.TempDir()
	s, g := snpCohort(t, dir, 1)
	plink2(t, "--bfile", g, "--make-pgen", "--out", g+"p")
	plink2(t, "--bfile", g, "--make-pgen", "vzs", "--out", g+"z")
	plink2(t, "--bfile", g, "--export", "bgen-1.2", "bits=8", "ref-first", "--out", g+"b")
	plink2(t, "--bfile", g, "--export", "bgen-1.3", "--out", g+"l")
	plink2(t, "--bfile", g, "--export", "vcf", "id-paste=iid", "--out", g+"v")
	plink2(t, "--bfile", g, "--export", "vcf", "bgz", "id-paste=iid", "--out", g+"w")
	plink2(t, "--bfile", g, "--export", "bcf", "id-paste=iid", "--out", g+"c")
	plink2(t, "--bfile", g, "--chr", "1", "--make-pgen", "--out", g+"1")
	plink2(t, "--bfile", g, "--not-chr", "1", "--export", "vcf", "bgz", "id-paste=iid", "--out", g+"2")
	panel := filepath.Join(dir, "panel")
	if err := os.WriteFile(panel, []byte(panelOf(t, g+".bim")), 0o600); err != nil {
		t.Fatal(err)
	}
	intervals := filepath.Join(dir, "some.bed.txt")
	if err := os.WriteFile(intervals, []byte("chr1\t1000\t1500\n2\t0\t2000\n1\t1400\t2500\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, keys := range []string{"", "count = \"ref\"\n", "count = \"a2\"\nstandardize = \"none\"\nimpute = \"mode\"\n", "select = {every = 7, restart = \"overall\"}\nmaf = 0.05\nmax_missing = 0.1\n",
		"panel = \"panel\"\n", "bed = \"some.bed.txt\"\nselect = {every = 2, restart = \"overall\"}\n", "region = [\"1:1-1,800\", \"chr2\"]\nstandardize = \"center\"\n", "extract = \"panel\"\n"} {
		want := opened(t, dir, s, "files = \"g.bed\"\n"+keys)
		content := contentOf(t, want)
		for _, file := range []string{"gp", "gz.pgen", "gb.bgen", "gv.vcf", "gw", "gc.bcf", "gl.bgen\"\nref = \"last", "g{1..2}"} {
			got := opened(t, dir, s, "files = \""+file+"\"\n"+keys)
			a, b := want.Tables[0].Stats(), got.Tables[0].Stats()
			if !slices.Equal(a.Names, b.Names) || !slices.Equal(a.Allele, b.Allele) || !slices.Equal(a.Other, b.Other) || !slices.Equal(a.Fill, b.Fill) {
				t.Errorf("%q of %s: other statistics\n%v\n%v", keys, file, a, b)
			}
			if contentOf(t, got) != content {
				t.Errorf("%q of %s: other values", keys, file)
			}
		}
	}
}

// TestSwapped: a file whose REF and ALT are turned round gives a checkpoint's features all the same; so does one with other names of chromosomes.
func TestSwapped(t *testing.T) {
	dir := t.TempDir()
	s, g := snpCohort(t, dir, 2)
	plink2(t, "--bfile", g, "--export", "bgen-1.3", "ref-first", "--out", g+"b")
	plink2(t, "--bfile", g, "--output-chr", "chrM", "--export", "vcf", "id-paste=iid", "--out", g+"v")
	want := opened(t, dir, s, "files = \"g.bed\"\nselect = {every = 3}\n")
	for _, keys := range []string{"files = \"gb.bgen\"\nref = \"last\"\n", "files = \"gb.bgen\"\ncount = \"ref\"\n", "files = \"gv.vcf\"\n"} {
		path := filepath.Join(dir, "other.toml")
		if err := os.WriteFile(path, []byte("[snps]\n"+keys), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := OpenAligned(Options{Manifest: s.Manifest, DataTOML: path, Seed: 3, Stats: map[string]*data.Stats{"snps": want.Tables[0].Stats()}}, []string{"snps"})
		if err != nil {
			t.Fatalf("%s: %v", keys, err)
		}
		a, b := make([]float32, want.Tables[0].Stats().Width()), make([]float32, want.Tables[0].Stats().Width())
		for p := range want.Persons {
			want.Tables[0].Row(p, a)
			if got.Tables[0].Row(p, b); !slices.Equal(a, b) {
				t.Fatalf("%s: person %d has other features", keys, p)
			}
		}
	}
}

func contentOf(t *testing.T, c *data.Cohort) string {
	t.Helper()
	sum, err := Content(context.Background(), c, ContentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// panelOf lists variants of a .bim with an allele: by id, or by place and alleles.
func panelOf(t *testing.T, bim string) string {
	t.Helper()
	b, err := os.ReadFile(bim)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	fmt.Fprintln(&out, "rsid\tallele\tweight")
	for i, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		f := strings.Fields(l)
		switch {
		case i%3 == 0 && strings.HasPrefix(f[1], "rs"):
			fmt.Fprintf(&out, "%s\t%s\t0.1\n", f[1], f[4+i%2])
		case i%3 == 1:
			fmt.Fprintf(&out, "chr%s:%s:%s:%s\t%s\t0.1\n", f[0], f[3], f[5], f[4], f[4+i%2])
		}
	}
	fmt.Fprintln(&out, "absent\tA\t1")
	return out.String()
}
