package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data/synth"
)

// A gwasFixture is genotypes of synth, and features of its persons as embed writes them, on which the first variant has an effect.
type gwasFixture struct{ genotypes, features, covariates string }

func makeGWAS(t *testing.T) gwasFixture {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cohort")
	o := synth.DefaultDemo()
	o.Persons, o.ImageSize, o.Scores, o.Genes, o.Covariates = 140, 16, 0, 0, 0
	if _, err := synth.Write(t.Context(), dir, o); err != nil {
		t.Fatal(err)
	}
	bims, err := filepath.Glob(filepath.Join(dir, "*", "*.bim"))
	if err != nil || len(bims) == 0 {
		bims, _ = filepath.Glob(filepath.Join(dir, "*.bim"))
	}
	f := gwasFixture{genotypes: strings.TrimSuffix(bims[0], ".bim"), features: t.TempDir()}
	f.covariates = filepath.Join(f.features, "cov.txt")
	fam := strings.Split(strings.TrimSpace(string(read(t, "", f.genotypes+".fam"))), "\n")
	bed := read(t, "", f.genotypes+".bed")
	g := rand.New(rand.NewPCG(1, 9))
	persons, covariates := "person_id\tsplit\trow\n", "IID age centre\n"
	var rows [][]float32
	for i, l := range fam {
		id := strings.Fields(l)[1]
		copies := []float32{2, 0, 1, 0}[bed[3+i/4]>>(2*(i%4))&3]
		row := make([]float32, 5)
		for j := range row {
			row[j] = float32(g.NormFloat64()) + 3*copies*float32(j%2)
		}
		rows = append(rows, row)
		persons += fmt.Sprintf("%s\t%s\t%d\n", id, []string{"test", "test", "new", "train"}[i%4], i)
		covariates += fmt.Sprintf("%s %.3f %s\n", id, 50+10*g.NormFloat64(), []string{"North", "South"}[i%2])
	}
	if err := writeNPY(filepath.Join(f.features, "features.npy"), 5, rows); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(f.features, "persons.tsv"), persons)
	put(t, f.covariates, covariates)
	return f
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f gwasFixture) args(out string, more ...string) []string {
	return append([]string{"gwas", "--features", f.features, "--genotypes", f.genotypes, "--covariates", f.covariates, "--pca", "3", "--out", out}, more...)
}

// unpacked reads a table that bgzip's blocks hold.
func unpacked(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// TestGWAS: the files of the contract, the held-out persons alone, the planted variant found, ids under private/ only, and an earlier result replaced only if asked.
func TestGWAS(t *testing.T) {
	f := makeGWAS(t)
	out := filepath.Join(t.TempDir(), "out")
	args := f.args(out, "--write-for", "plink2,regenie,bolt,saige", "--clump-p1", "1e-4", "--clump-p2", "1e-3")
	must(t, args...)
	var s struct {
		Lambda                *float64
		Tested, Loci, Persons int
		Traits                []struct{ Name string }
	}
	if err := json.Unmarshal(read(t, out, "summary.json"), &s); err != nil {
		t.Fatal(err)
	}
	lines := unpacked(t, filepath.Join(out, "assoc.tsv.gz"))
	bim := strings.Count(string(read(t, "", f.genotypes+".bim")), "\n")
	held := strings.Count(string(read(t, f.features, "persons.tsv")), "\t")/2 - 1 - strings.Count(string(read(t, f.features, "persons.tsv")), "\ttrain\t")
	if s.Persons != held || s.Loci < 1 || s.Tested < 1 || s.Lambda == nil || len(s.Traits) != 3 || len(lines) != bim+1 {
		t.Errorf("%+v, %d lines of %d variants", s, len(lines), bim)
	}
	first := strings.Fields(strings.SplitN(string(read(t, "", f.genotypes+".bim")), "\n", 2)[0])[1]
	if loci := string(read(t, out, "loci.tsv")); !strings.Contains(strings.SplitN(loci, "\n", 3)[1], first) {
		t.Errorf("the planted variant %s is not the first locus:\n%.600s", first, loci)
	}
	for _, name := range []string{"fuma.tsv.gz", "locuszoom.tsv.gz", "ssf.PC1.tsv.gz"} {
		if n := len(unpacked(t, filepath.Join(out, name))); n < 2 {
			t.Errorf("%s has %d lines", name, n)
		}
	}
	for _, name := range []string{"report.html", "private/traits.tsv", "private/features.txt", "private/covar.txt", "private/keep.txt", "private/run_plink2.sh", "private/run_regenie.sh", "private/run_bolt.sh", "private/run_saige.sh"} {
		read(t, out, name)
	}
	page, id := string(read(t, out, "report.html")), strings.Fields(string(read(t, f.genotypes+".fam")))[1]
	if strings.Contains(page, id) || strings.Count(page, "<svg") != 4 {
		t.Errorf("the report has an id, or %d figures", strings.Count(page, "<svg"))
	}
	for _, l := range strings.Split(strings.TrimSpace(string(read(t, out, "private/features.txt"))), "\n")[1:] {
		if w := strings.Split(l, " "); len(w) != 5 || strings.Contains(l, "\r") || strings.Contains(l, "\t") || w[2] != "NA" && !strings.ContainsAny(w[2], ".e") {
			t.Fatalf("a line of features.txt: %q", l)
		}
	}
	wantCodeOf(t, 130, args...)
	before := read(t, out, "assoc.tsv.gz")
	must(t, append(args, "--overwrite", "--threads", "1")...)
	if string(before) != string(read(t, out, "assoc.tsv.gz")) {
		t.Error("another number of threads gives other bytes")
	}
}

// wantCodeOf runs the program and wants an error of a number.
func wantCodeOf(t *testing.T, code int, args ...string) {
	t.Helper()
	err := run(t.Context(), args, io.Discard, io.Discard)
	if err == nil || numbered(err).Code != code {
		t.Errorf("%v: %v, want E%d", args, err, code)
	}
}

// TestGWASRefuses: what cannot be analysed is one numbered error, or a usage error, and nothing is written.
func TestGWASRefuses(t *testing.T) {
	f := makeGWAS(t)
	out := filepath.Join(t.TempDir(), "out")
	change := func(edit func(g *gwasFixture)) gwasFixture {
		g := f
		g.features = t.TempDir()
		for _, name := range []string{"persons.tsv", "features.npy"} {
			put(t, filepath.Join(g.features, name), string(read(t, f.features, name)))
		}
		edit(&g)
		return g
	}
	n := strings.Count(string(read(t, f.features, "persons.tsv")), "\n") - 1
	rows := func(value func(i, j int) float32, width int) func(g *gwasFixture) {
		return func(g *gwasFixture) {
			var m [][]float32
			for i := range n {
				m = append(m, make([]float32, width))
				for j := range width {
					m[i][j] = value(i, j)
				}
			}
			if err := writeNPY(filepath.Join(g.features, "features.npy"), width, m); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		edit func(g *gwasFixture)
		more []string
		want int
	}{
		"persons of others": {func(g *gwasFixture) {
			put(t, filepath.Join(g.features, "persons.tsv"), strings.ReplaceAll(string(read(t, f.features, "persons.tsv")), "\nS", "\nX"))
		}, nil, 950},
		"covariates of others": {func(g *gwasFixture) {
			g.covariates = filepath.Join(g.features, "c.txt")
			put(t, g.covariates, "IID age\nnobody 3\n")
		}, nil, 950},
		"training split alone": {func(g *gwasFixture) {
			put(t, filepath.Join(g.features, "persons.tsv"), strings.NewReplacer("\ttest", "\ttrain", "\tnew", "\ttrain").Replace(string(read(t, f.features, "persons.tsv"))))
		}, nil, 950},
		"constant features":   {rows(func(int, int) float32 { return 3 }, 4), nil, 952},
		"copies of one":       {rows(func(i, _ int) float32 { return float32(i * i % 17) }, 4), nil, 952},
		"not a column":        {func(*gwasFixture) {}, []string{"--categorical", "agee"}, 953},
		"no eyes":             {func(g *gwasFixture) { put(t, filepath.Join(g.features, "m.tsv"), "person_id\timage\nS\ta\n") }, []string{"--images", "M"}, 954},
		"a person a category": {func(*gwasFixture) {}, []string{"--covariates", "WIDE"}, 951},
	} {
		g := change(c.edit)
		args := g.args(out, c.more...)
		for i, a := range args {
			switch a {
			case "M":
				args[i] = filepath.Join(g.features, "m.tsv")
			case "WIDE":
				args[i] = filepath.Join(g.features, "wide.txt")
				put(t, args[i], wideCovariates(t, f))
			}
		}
		wantCodeOf(t, c.want, args...)
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("%s: something was written", name)
		}
	}
	for _, more := range [][]string{{"--split", "train"}, {"--split", "test,validation"}, {"--clump-p2", "1e-9"}, {"--int", "x"}, {"--write-for", "gcta"}, {"--no-covariates"}, {"--tables", "x"}, {"--pca", "-1"}} {
		if code := finish(run(t.Context(), f.args(out, more...), io.Discard, io.Discard), io.Discard); code != 2 {
			t.Errorf("%v: exit code %d", more, code)
		}
	}
	must(t, f.args(out, "--split", "test,train", "--allow-train")...)
	if !strings.Contains(string(read(t, out, "report.html")), "no evidence") {
		t.Error("the report does not say that the encoder has seen them")
	}
}

// wideCovariates is a table with more columns than persons.
func wideCovariates(t *testing.T, f gwasFixture) string {
	t.Helper()
	g := rand.New(rand.NewPCG(3, 3))
	var b strings.Builder
	b.WriteString("IID")
	for j := range 150 {
		fmt.Fprintf(&b, " c%d", j)
	}
	for _, l := range strings.Split(strings.TrimSpace(string(read(t, "", f.genotypes+".fam"))), "\n") {
		b.WriteString("\n" + strings.Fields(l)[1])
		for range 150 {
			fmt.Fprintf(&b, " %.4f", g.NormFloat64())
		}
	}
	return b.String() + "\n"
}
