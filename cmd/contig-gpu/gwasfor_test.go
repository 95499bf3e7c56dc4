package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestFilesForOtherPrograms: what --write-for writes has one separator, LF, as many fields a line, ids as the genotypes have them, and names that R keeps (P14 to P17); categories are words
// and named as such, numbers are standardised (P18, P19); plink2 does without covariates only where the user said so (P21), takes no column for cases and controls (P22), and writes the variants' lines alone (P24).
func TestFilesForOtherPrograms(t *testing.T) {
	f := makeGWAS(t)
	fam := strings.Split(strings.TrimSpace(string(read(t, "", f.genotypes+".fam"))), "\n")
	for i, l := range fam { // ids that are numbers, some with zeros before them
		w := strings.Fields(l)
		was := w[1]
		w[0], w[1] = fmt.Sprintf("%03d", i/2), fmt.Sprintf("%06d", 7*i+1)
		fam[i] = strings.Join(w, "\t")
		for _, name := range []string{f.covariates, filepath.Join(f.features, "persons.tsv")} {
			put(t, name, regexp.MustCompile(`(?m)^`+was+`\b`).ReplaceAllString(string(read(t, "", name)), w[1]))
		}
	}
	put(t, f.genotypes+".fam", strings.Join(fam, "\n")+"\n")
	lines := strings.Split(strings.TrimSpace(string(read(t, "", f.covariates))), "\n")
	g := rand.New(rand.NewPCG(4, 4))
	for i, l := range lines {
		more := fmt.Sprintf(" %g %g %d", 1e9+1e7*g.NormFloat64(), 1e-5*g.NormFloat64(), g.IntN(3))
		if i == 0 {
			more = " 1936 PC-1 batch"
		}
		lines[i] = l + more
	}
	put(t, f.covariates, strings.Join(lines, "\r\n")+"\r\n")
	out := filepath.Join(t.TempDir(), "out")
	must(t, f.args(out, "--write-for", "plink2,regenie,bolt,saige", "--categorical", "batch")...)

	ids := map[string]bool{}
	for _, l := range fam {
		w := strings.Fields(l)
		ids[w[0]+" "+w[1]] = true
	}
	private := filepath.Join(out, "private")
	name, number := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`), regexp.MustCompile(`^-?[0-9.]+(e[-+][0-9]+)?$`)
	columns := map[string][]string{}
	for file, keys := range map[string]int{"features.txt": 2, "covar.txt": 2, "saige.txt": 1} {
		text := string(read(t, private, file))
		rows := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		head := strings.Split(rows[0], " ")
		if strings.ContainsAny(text, "\r\t\"") || strings.Contains(text, "  ") || len(rows) < 50 {
			t.Errorf("%s has \\r, tabs, quotes, empty fields, or %d lines", file, len(rows))
		}
		for _, h := range head {
			if !name.MatchString(h) {
				t.Errorf("%s has a column %q", file, h)
			}
		}
		for _, row := range rows[1:] {
			w := strings.Split(row, " ")
			if len(w) != len(head) || keys == 2 && !ids[w[0]+" "+w[1]] {
				t.Fatalf("%s: %q", file, row)
			}
			for k, v := range w[keys:] {
				if v != "NA" && !strings.HasPrefix(v, "k") && (!number.MatchString(v) || !strings.ContainsAny(v, ".e")) {
					t.Fatalf("%s: %s is %q", file, head[keys+k], v)
				}
				columns[file+" "+head[keys+k]] = append(columns[file+" "+head[keys+k]], v)
			}
		}
	}
	for _, h := range []string{"age", "C3_1936", "C4_PC_1"} {
		if m, sd := moments(t, columns["covar.txt "+h]); math.Abs(m) > 1e-6 || math.Abs(sd-1) > 1e-6 {
			t.Errorf("covariate %s has mean %g and standard deviation %g", h, m, sd)
		}
	}
	for _, h := range []string{"centre", "batch"} {
		for _, v := range columns["covar.txt "+h] {
			if !regexp.MustCompile(`^k[1-3]$`).MatchString(v) {
				t.Fatalf("category %s is %q", h, v)
			}
		}
	}
	for script, words := range map[string][]string{
		"plink2": {"--glm hide-covar ", "--covar-variance-standardize", "--no-input-missing-phenotype"}, "regenie": {"--covarColList age,C3_1936,C4_PC_1 ", "--catCovarList centre,batch "},
		"bolt": {"--qCovarCol=age ", "--covarCol=centre "}, "saige": {"--covarColList=age,C3_1936,C4_PC_1,centre,batch ", "--qCovarColList=centre,batch ", "begin with 0"},
	} {
		text := string(read(t, private, "run_"+script+".sh"))
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("the script for %s has no %q:\n%s", script, w, text)
			}
		}
		if strings.Contains(text, "allow-no-covars") {
			t.Errorf("%s is allowed to do without covariates", script)
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	must(t, "gwas", "--features", f.features, "--genotypes", f.genotypes, "--no-covariates", "--pca", "2", "--out", none, "--write-for", "plink2")
	if text := string(read(t, none, "private/run_plink2.sh")); !strings.Contains(text, "allow-no-covars") || strings.Contains(text, "--covar") {
		t.Errorf("without covariates:\n%s", text)
	}
}

// moments returns mean and standard deviation, the squares divided by how many there are.
func moments(t *testing.T, words []string) (mean, sd float64) {
	t.Helper()
	n, sum, squares := 0.0, 0.0, 0.0
	for _, w := range words {
		v, err := strconv.ParseFloat(w, 64)
		mustDo(t, err)
		n, sum, squares = n+1, sum+v, squares+v*v
	}
	mean = sum / n
	return mean, math.Sqrt(squares/n - mean*mean)
}
