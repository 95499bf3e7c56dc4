package cohort

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"contig-gpu/data"
)

func targetsOf(t *testing.T, text string) ([]Target, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	targets, err := Targets(path)
	return targets, filepath.Dir(path), err
}

// TestTargets: they come in the file's order, with or without genetics, beside a modality of any name, and leave sources alone.
func TestTargets(t *testing.T) {
	got, dir, err := targetsOf(t, `
[target.sex]
labels = "l.tsv"
column = "sex"

[snps]
files = "a.bed"

[target."grade of retinopathy"]
labels = "/abs/l.tsv"
column = ["dr", "RFMiD_*"]
task = "labels"
split = "random"
`)
	want := []Target{{"sex", filepath.Join(dir, "l.tsv"), []string{"sex"}, "", ""}, {"grade of retinopathy", "/abs/l.tsv", []string{"dr", "RFMiD_*"}, "labels", "random"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, _, err := targetsOf(t, "[target]\ntable = \"x.tsv\"\n"); err != nil || len(got) != 0 {
		t.Errorf("a modality called target: %v, %v", got, err)
	}
	if got, _, err := targetsOf(t, "# nothing\n"); err != nil || len(got) != 0 {
		t.Errorf("an empty file: %v, %v", got, err)
	}
}

// TestBadTargets: each is one problem, of the line.
func TestBadTargets(t *testing.T) {
	for text, want := range map[string]struct{ code, line int }{
		"[target.a]\nlabels = \"l.tsv\"\n":                                     {114, 1},
		"[target.a]\ncolumn = \"c\"\n":                                         {114, 1},
		"[target.a]\nlabels = \"l\"\ncolumn = \"c\"\ntask = \"grades\"\n":      {114, 4},
		"[target.a]\nlabels = \"l\"\ncolumn = \"c\"\nsplit = \"half\"\n":       {114, 4},
		"[target.a]\nlabels = \"l\"\ncolumns = \"c\"\n":                        {113, 3},
		"[target.a]\nlabels = 7\ncolumn = \"c\"\n":                             {114, 2},
		"[target.a]\nlabels = \"l\"\ncolumn = []\n":                            {114, 3},
		"[target]\nlabels = \"l\"\n":                                           {113, 2},
		"[target.a]\nlabels = \"https://x/l.tsv\"\ncolumn = \"c\"\n":           {114, 2},
		"[target.a]\nlabels = \"l\"\ncolumn = \"c\"\n[target.a]\ntask = \"x\"": {112, 4},
	} {
		_, _, err := targetsOf(t, text)
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != want.code || p.Line != want.line {
			t.Errorf("%q: %v, want E%d in line %d", text, err, want.code, want.line)
		}
	}
}
