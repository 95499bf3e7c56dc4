package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPitfalls: the tests that docs/pitfalls.md names are there, and every pitfall has one.
func TestPitfalls(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "pitfalls.md"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	paths, _ := repository(t)
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for p := range paths {
		if !strings.HasSuffix(p, "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, p))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllSubmatch(text, -1) {
			there[filepath.ToSlash(filepath.Dir(p))+" "+string(m[1])], there[string(m[1])] = true, true
		}
	}
	named := regexp.MustCompile("`(Test\\w+)`(?: of ([\\w/]+))?")
	rows := 0
	for _, line := range strings.Split(string(page), "\n") {
		tests := named.FindAllStringSubmatch(line, -1)
		if strings.HasPrefix(line, "| P") {
			if rows++; len(tests) == 0 {
				t.Errorf("a pitfall without a test: %s", line)
			}
		}
		for _, m := range tests {
			if name := strings.TrimSpace(m[2] + " " + m[1]); !there[name] {
				t.Errorf("docs/pitfalls.md names %s, which is not there", name)
			}
		}
	}
	if rows == 0 {
		t.Error("docs/pitfalls.md has no pitfall")
	}
}
