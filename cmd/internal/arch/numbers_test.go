package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// An error's number stands in the code as a constant, or where the error is made.
var (
	constantNumber = regexp.MustCompile(`(?m)^\s*(?:const )?([cC]ode\w*)\s+= (\d{3,4})\b`)
	anyNumber      = regexp.MustCompile(`\b(?:[cC]ode\w*\s+= |Code: )(\d{3,4})\b`)
)

// TestErrorNumbers: a number is one error's, whatever package names it, and docs/errors.md explains it.
func TestErrorNumbers(t *testing.T) {
	catalogue, err := os.ReadFile(filepath.Join(root, "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, top := range []string{"cmd", "data", "model"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range constantNumber.FindAllStringSubmatch(string(text), -1) {
				if other := named[m[2]]; other != "" {
					t.Errorf("E%s is %s and %s in %s", m[2], other, m[1], path)
				}
				named[m[2]] = m[1] + " in " + path
			}
			for _, m := range anyNumber.FindAllStringSubmatch(string(text), -1) {
				if !strings.Contains(string(catalogue), "E"+m[1]+" ") {
					t.Errorf("E%s of %s is not in docs/errors.md", m[1], path)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(named) < 20 {
		t.Errorf("%d numbers were found: the patterns no longer fit the code", len(named))
	}
}
