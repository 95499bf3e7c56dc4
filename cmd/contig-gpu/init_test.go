package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInit: from files of UK Biobank's names and genetics it writes what check accepts by the command that it proposes, with eye and visit; it
// replaces nothing unasked, and nothing that it has not written.
func TestInit(t *testing.T) {
	cohort := tiny(t)
	work := t.TempDir()
	t.Chdir(work)
	mustDo(t, os.MkdirAll("photos/left", 0o700))
	table, err := csv.NewReader(strings.NewReader(strings.ReplaceAll(string(read(t, cohort, "images.tsv")), "\t", ","))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range table[1:] {
		mustDo(t, os.WriteFile(filepath.Join("photos", "left", row[0]+"_21015_2_0.JPG"), read(t, cohort, row[1]), 0o600))
	}
	mustDo(t, os.WriteFile("photos/notes.txt", nil, 0o600))
	args := []string{"init", "--images", "photos", "--genotypes", cohort + "/cohort", "--scores", cohort + "/pgs/*.sscore", "--burden", cohort + "/burden.tsv", "--out", "new"}
	said := must(t, args...)
	if first := strings.SplitN(string(read(t, "new", "images.tsv")), "\n", 3)[1]; !strings.HasPrefix(first, table[1][0]+"\t../photos/left/") || !strings.HasSuffix(first, "_21015_2_0.JPG\tL\t2") {
		t.Errorf("images.tsv has %q", first)
	}
	_, next, found := strings.Cut(said, "  contig-gpu ")
	if !found || !strings.Contains(said, "(40 images)") || !strings.Contains(said, "PNG: 1\n") {
		t.Fatalf("said %s", said)
	}
	if out := must(t, shellArgs(t, "contig-gpu "+strings.TrimSpace(next))...); !strings.Contains(out, "40 images decoded") || !strings.Contains(out, "burden") {
		t.Errorf("check: %s", out)
	}
	if code, _, errs := exec(t, args...); code != 1 || !strings.Contains(errs, "E135") {
		t.Errorf("again: %d, %s", code, errs)
	}
	must(t, append(args, "--overwrite")...)
	mustDo(t, os.WriteFile("new/data.toml", []byte("[snps]"), 0o600))
	if code, _, errs := exec(t, append(args, "--overwrite")...); code != 1 || !strings.Contains(errs, "E135") {
		t.Errorf("over another's file: %d, %s", code, errs)
	}
	for _, wrong := range [][]string{{"init"}, {"init", "--images", "photos"}, {"init", "--images", "new", "--scores", "x", "--out", "none"}} {
		if code, _, errs := exec(t, wrong...); code != 2 {
			t.Errorf("%v: exit code %d: %s", wrong, code, errs)
		}
	}
}
