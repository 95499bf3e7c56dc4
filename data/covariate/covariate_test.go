package covariate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
)

func read(t *testing.T, text string, categories ...string) (*Table, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cov.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(path, categories)
}

// TestRead: ids are found by their header, FID is no covariate, words are categories, and the design has a column less than there are categories.
func TestRead(t *testing.T) {
	c, err := read(t, "FID IID age centre sex\n0 a 1.5 North 1\n0 007 NA South 2\n0 c 3 North 1\n", "sex")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.IDs, c.Columns[1].Levels, c.Columns[2].Values); got != "[a 007 c] [North South] [1 2 1]" {
		t.Error(got)
	}
	columns, names := c.Design([]int{2, 1, -1})
	if got := fmt.Sprint(names, columns); got != "[age centre=South sex=2] [[3 NaN NaN] [0 1 NaN] [0 1 NaN]]" {
		t.Error(got)
	}
}

// TestProblems: what is wrong is one numbered error.
func TestProblems(t *testing.T) {
	many := "IID x\n"
	for i := range 60 {
		many += fmt.Sprintf("p%d w%d\n", i, i)
	}
	for name, c := range map[string]struct {
		text       string
		categories string
		want       int
	}{
		"empty": {"", "", 105}, "no rows": {"IID age\n", "", 105}, "twice": {"IID age\na 1\na 2\n", "", 120}, "ragged": {"IID age\na\n", "", 106}, "no such column": {"IID age\na 1\n", "agee", 953},
		"many words": {many, "", 107}, "many numbers": {strings.ReplaceAll(many, "w", ""), "x", 953}, "column twice": {"IID age age\na 1 1\n", "", 108},
	} {
		var list []string
		if c.categories != "" {
			list = append(list, c.categories)
		}
		_, err := read(t, c.text, list...)
		var p *data.Problem
		if !errors.As(err, &p) || p.Code != c.want {
			t.Errorf("%s: %v, want E%d", name, err, c.want)
		}
	}
}
