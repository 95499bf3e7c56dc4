package arch

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the floors into docs/design.md")

// Where the picture stands in docs/design.md.
const floorsBegin, floorsEnd = "<!-- floors: go test ./cmd/internal/arch -run Floors -update -->\n```\n", "```\n<!-- end of floors -->\n"

// TestFloors holds the picture of the floors in docs/design.md to the code: a package stands above all that it imports.
func TestFloors(t *testing.T) {
	path := filepath.Join(root, "docs", "design.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begun := strings.Cut(string(text), floorsBegin)
	was, tail, ended := strings.Cut(rest, floorsEnd)
	if !begun || !ended {
		t.Fatalf("docs/design.md has no place for the floors: %q ... %q", floorsBegin, floorsEnd)
	}
	want := floors(packages(t))
	if *update {
		if err := os.WriteFile(path, []byte(head+floorsBegin+want+floorsEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if was != want {
		t.Errorf("the floors in docs/design.md are not the code's: go test ./cmd/internal/arch -run Floors -update\n%s", want)
	}
}

// floors draws the packages, the highest floor first.
func floors(all []pkg) string {
	imports := map[string][]string{}
	for _, p := range all {
		imports[p.ImportPath] = p.Imports
	}
	heights := map[string]int{}
	var height func(path string) int
	height = func(path string) int {
		if _, ours := imports[path]; !ours {
			return -1
		}
		if h, ok := heights[path]; ok {
			return h
		}
		h := 0
		for _, i := range imports[path] {
			h = max(h, height(i)+1)
		}
		heights[path] = h
		return h
	}
	var rows [][]string
	for _, p := range all {
		h := height(p.ImportPath)
		for len(rows) <= h {
			rows = append(rows, nil)
		}
		rows[h] = append(rows[h], strings.TrimPrefix(p.ImportPath, "contig-gpu/"))
	}
	var b strings.Builder
	for h, row := range slices.Backward(rows) {
		slices.Sort(row)
		fmt.Fprintf(&b, "%2d  %s\n", h, strings.Join(row, "  "))
	}
	return b.String()
}
