package table

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readSheet reads the first two cells of every row, and its line.
func readSheet(path string) (rows []string, head int, ok bool) {
	s := Sheet{Least: 2, Head: func(string) bool { head++; return true }, Room: func(n, about int) { rows = slices.Grow(rows, about-len(rows))[:n] }, Rows: func(text string, row, line int) bool {
		var f [2]string
		for ok := true; text != ""; row, line = row+1, line+1 {
			var n int
			if n, text, ok = Cells(text, f[:]); !ok {
				return false
			}
			rows[row] = fmt.Sprint(line, f[:n])
		}
		return true
	}}
	return rows, head, s.Read(path)
}

// TestSheet: rows of files that are longer than what is read at a time stand at their places, with their lines.
func TestSheet(t *testing.T) {
	for _, n := range []int{1, 2, 3, 1000, 150_000} {
		for _, comments := range []int{0, 1, 40_000} {
			var b strings.Builder
			var want []string
			for k := range comments {
				fmt.Fprintf(&b, "# line %d is a comment and no row\n", k)
			}
			for k := range n {
				fmt.Fprintf(&b, "%d \trs%d%s 7\n", k%22, k, strings.Repeat("x", k%30))
				want = append(want, fmt.Sprintf("%d [%d rs%d%s]", comments+k+1, k%22, k, strings.Repeat("x", k%30)))
			}
			path := filepath.Join(t.TempDir(), "s")
			if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			got, head, ok := readSheet(path)
			if !ok || head != comments || !slices.Equal(got, want) {
				t.Errorf("%d rows after %d: %v, %d and %d", n, comments, ok, len(got), head)
			}
		}
	}
}

// TestSheetUnusual: what Lines notes, leaves out, refuses or reads in its own way is none, wherever in the file it is.
func TestSheetUnusual(t *testing.T) {
	rows := strings.Repeat("1 rs1 7\n", 40_000)
	for _, c := range []string{"", "\n", " \t\n", "1 \"rs1\" 7\n", "1 rs1\r\n", "1 r\x00s 7\n", "1 r\xffs 7\n", "1 r\u00e4s 7\n", "1 r\x7fs 7\n", "1\vrs1 7\n", "1 rs1 7", strings.Repeat("x", 3<<20) + "\n", strings.Repeat("\n", 10)} {
		for _, text := range []string{c, rows + c, c + rows, rows + c + rows} {
			if strings.Count(text, c) > 0 && c == "1 rs1 7" && !strings.HasSuffix(text, c) || c == "" && text != "" {
				continue // whole
			}
			path := filepath.Join(t.TempDir(), "s")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, ok := readSheet(path); ok {
				t.Errorf("%.20q is read, %d bytes", c, len(text))
			}
		}
	}
}
