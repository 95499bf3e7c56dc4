package cohort

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCatalogue checks that docs/errors.md lists every number that the source gives.
func TestCatalogue(t *testing.T) {
	const root = "../.."
	doc, err := os.ReadFile(filepath.Join(root, "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	given := regexp.MustCompile(`\b(?:Code:\s*|Code = |code[A-Z]\w*\s*= )([0-9]{3,4})\b`)
	warned := regexp.MustCompile(`"(W[0-9]{3,4}): `)
	n := 0
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if e != nil && e.IsDir() && path == filepath.Join(root, "gpu") {
			return fs.SkipDir // what has its own codes, the vendor's
		}
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range given.FindAllStringSubmatch(string(text), -1) {
			n++
			if !strings.Contains(string(doc), "| E"+m[1]+" |") {
				t.Errorf("%s gives E%s, which docs/errors.md does not list", path, m[1])
			}
		}
		for _, m := range warned.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(string(doc), "| "+m[1]+" |") {
				t.Errorf("%s gives %s, which docs/errors.md does not list", path, m[1])
			}
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Errorf("%d numbers, %v", n, err)
	}
}
