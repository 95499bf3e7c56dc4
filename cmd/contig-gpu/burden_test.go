package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data/table"
)

// burdenFixture makes genotypes of one gene's variants and the three files of regenie.
func burdenFixture(t *testing.T) (genotypes string, args []string) {
	t.Helper()
	genotypes, _ = scoringFixture(t)
	lines := strings.Split(strings.TrimSpace(string(read(t, "", genotypes+".bim"))), "\n")
	anno, list := "", []string{"absent"}
	for i, l := range lines[:20] {
		id := strings.Fields(l)[1]
		list = append(list, id)
		anno += id + " GENE " + []string{"lof", "mis"}[i%2] + "\n"
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"anno": anno, "sets": "GENE 1 1 " + strings.Join(list, ",") + "\nOTHER 1 1 x,y\n", "masks": "M1 lof\nM2 lof,mis\n"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--"+name, path)
	}
	return genotypes, args
}

// TestBurden: a table that the reader of tables reads, plain or compressed, with the persons of the genotypes; what matched nothing is said.
func TestBurden(t *testing.T) {
	genotypes, args := burdenFixture(t)
	dir := t.TempDir()
	args = append([]string{"burden", "--genotypes", genotypes, "--aaf-bins", "0.6,1"}, args...)
	var first *table.Wide
	for _, name := range []string{"b.tsv", "b.tsv.gz", "b.tsv.zst"} {
		out := filepath.Join(dir, name)
		text := must(t, append(args, "--out", out, "--report", out+".report")...)
		if !strings.Contains(text, "absent of GENE") || !strings.Contains(text, "OTHER") || !strings.Contains(text, "burdens of") {
			t.Errorf("printed %q", text)
		}
		w, err := table.ReadWide(out, table.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = w
		}
		a, b := make([]float64, len(w.Names)), make([]float64, len(w.Names))
		for i := range w.IID {
			first.Row(i, a)
			w.Row(i, b)
			for j := range a {
				if a[j] != b[j] && a[j] == a[j] {
					t.Fatalf("%s: %v, want %v", name, b, a)
				}
			}
		}
		if w.Names[len(w.Names)-1] != "GENE.M2.1" || len(w.IID) < 40 {
			t.Errorf("%q of %d persons", w.Names, len(w.IID))
		}
		if r := string(read(t, "", out+".report")); !strings.HasPrefix(r, reportHead) || !strings.Contains(r, "GENE.M2.1\tGENE\tM2\t1\t20\t") {
			t.Errorf("%s", r)
		}
		if st, err := os.Stat(out); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", st.Mode(), err)
		}
		if code, _, errs := exec(t, append(args, "--out", out)...); code != 1 || !strings.Contains(errs, "E135") {
			t.Errorf("exit code %d, %s", code, errs)
		}
		must(t, append(args, "--out", out, "--overwrite")...)
	}
	for want, out := range map[string]string{"made by this program": genotypes + ".fam", "is what is read": args[6]} {
		if code, _, errs := exec(t, append(args, "--out", out, "--overwrite")...); code != 1 || !strings.Contains(errs, "E135") || want == "" {
			t.Errorf("%s: exit code %d, %s", out, code, errs)
		}
	}
}
