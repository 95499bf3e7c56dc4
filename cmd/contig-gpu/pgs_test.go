package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data/score"
	"contig-gpu/data/synth"
	"contig-gpu/data/table"
)

// scoringFixture makes genotypes and a folder of scoring files: two scores of its variants, and one of others.
func scoringFixture(t *testing.T) (genotypes, scores string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cohort")
	o := synth.DefaultDemo()
	o.Persons, o.ImageSize, o.Scores, o.Genes, o.Covariates = 60, 16, 0, 0, 0
	if _, err := synth.Write(t.Context(), dir, o); err != nil {
		t.Fatal(err)
	}
	var bims []string
	for _, pattern := range []string{"*.bim", "*/*.bim"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		bims = append(bims, found...)
	}
	lines := strings.Split(strings.TrimSpace(string(read(t, "", bims[0]))), "\n")
	text := "#pgs_id=PGS000123\nrsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"
	plain := ""
	for i, l := range lines {
		f := strings.Fields(l)
		text += fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t0.%d\n", f[1], f[0], f[3], f[4], f[5], i)
		plain += fmt.Sprintf("%s %s %d\n", f[1], f[5], i%7)
	}
	scores = t.TempDir()
	for name, text := range map[string]string{"a.txt": text, "b.txt": plain, "none.txt": "rs1 A 1\n"} {
		if err := os.WriteFile(filepath.Join(scores, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return strings.TrimSuffix(bims[0], ".bim"), scores
}

// TestPGS: scores are written that the reader of .sscore reads, those without variants are left out with a warning, and the folder is replaced only if asked.
func TestPGS(t *testing.T) {
	genotypes, scores := scoringFixture(t)
	out := filepath.Join(t.TempDir(), "out")
	args := []string{"pgs", "--genotypes", genotypes, "--scores", filepath.Join(scores, "*.txt"), "--out", out, "--keep-ambiguous"}
	text := must(t, args...)
	if !strings.Contains(text, "W312: none") || !strings.Contains(text, "2 scores of ") {
		t.Errorf("printed %q", text)
	}
	w, err := score.Read([]string{filepath.Join(out, "PGS000123.sscore"), filepath.Join(out, "b.sscore")}, "SUM", table.Selection{})
	if err != nil || len(w.Names) != 2 || w.Names[0] != "PGS000123" || len(w.IID) < 40 || len(w.IID) > 60 {
		t.Fatalf("%+v, %v", w, err)
	}
	match := string(read(t, out, "match.tsv"))
	if !strings.HasPrefix(match, "score\tvariants\tmatched\tflipped\tambiguous\tabsent\tmismatched\tused\t") || strings.Count(match, "\n") != 4 || !strings.Contains(match, "left out") {
		t.Errorf("%s", match)
	}
	if page := string(read(t, out, "match.html")); !strings.Contains(page, "PGS000123") || !strings.Contains(page, "Left out.") || strings.Contains(page, w.IID[0]+"<") {
		t.Errorf("%s", page)
	}
	if st, err := os.Stat(filepath.Join(out, "b.sscore")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	braced := filepath.Join(t.TempDir(), "out")
	must(t, "pgs", "--genotypes", genotypes, "--scores", filepath.Join(scores, "{a,b}.txt"), "--out", braced, "--keep-ambiguous", "--threads", "1")
	if string(read(t, braced, "b.sscore")) != string(read(t, out, "b.sscore")) {
		t.Error("other scores with one thread")
	}
	if code, _, errs := exec(t, args...); code != 1 || !strings.Contains(errs, "E130") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	must(t, append(args, "--overwrite")...)
	if code, _, errs := exec(t, "synth", "--out", out, "--overwrite"); code != 1 || !strings.Contains(errs, "E134") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestPGSRefused: nothing is left behind where nothing is scored.
func TestPGSRefused(t *testing.T) {
	genotypes, scores := scoringFixture(t)
	out := filepath.Join(t.TempDir(), "new", "out")
	for want, args := range map[string][]string{
		"E312": {"--genotypes", genotypes, "--scores", filepath.Join(scores, "none.txt")}, "E116": {"--genotypes", genotypes, "--scores", filepath.Join(scores, "x*")}, "E104": {"--genotypes", genotypes + "x", "--scores", filepath.Join(scores, "a.txt")},
		"E301": {"--genotypes", genotypes, "--scores", filepath.Join(scores, "a.txt"), "--scores", filepath.Join(scores, "a.txt")},
	} {
		code, _, errs := exec(t, append([]string{"pgs", "--out", out}, args...)...)
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
		if _, err := os.Stat(filepath.Dir(out)); err == nil {
			t.Errorf("%v left a folder", args)
		}
	}
	if code, _, errs := exec(t, "pgs", "--genotypes", genotypes, "--scores", filepath.Join(scores, "a.txt"), "--out", scores, "--overwrite"); code != 1 || !strings.Contains(errs, "E133") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
