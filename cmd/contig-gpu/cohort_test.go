package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestJoinTableFits: a terminal that is too narrow for the table has the same numbers below each other, and no line that wraps; what is no terminal has the table.
func TestJoinTableFits(t *testing.T) {
	dir := tiny(t)
	s := newSettings("default")
	s.Images, s.Data = filepath.Join(dir, "images.tsv"), filepath.Join(dir, "data.toml")
	co, err := openCohort(s)
	if err != nil {
		t.Fatal(err)
	}
	table := joinTable(co)
	wide := utf8.RuneCountInString(table[0])
	for columns, whole := range map[int]bool{0: true, wide + 1: true, wide: false, 40: false} {
		lines := joinFor(co, columns)
		if slices.Equal(lines, table) != whole {
			t.Errorf("%d columns: %q", columns, lines)
		}
		if whole {
			continue
		}
		for _, l := range lines {
			if utf8.RuneCountInString(l) >= columns {
				t.Errorf("%d columns: %q", columns, l)
			}
		}
		text := strings.Join(lines, "\n")
		for i, row := range table[1:4] {
			f := strings.Fields(row)
			at := strings.Index(text, fmt.Sprintf("%s: %s persons, %s images\n", f[0], f[1], f[2]))
			if at < 0 {
				t.Fatalf("%d columns, row %d: %q lacks %q", columns, i, text, f)
			}
			part, _, _ := strings.Cut(text[at:], "images\n"+"validation")
			for k, x := range co.Tables {
				if want := fmt.Sprintf("  %s: %s\n", x.Name(), f[3+k]); !strings.Contains(part, want) {
					t.Errorf("%d columns, %s: %q lacks %q", columns, f[0], part, want)
				}
			}
		}
	}
}
