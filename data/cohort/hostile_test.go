package cohort

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/data"
)

// TestHostileInputs: what would take all memory or stack, or say something to a terminal, is one short numbered error.
func TestHostileInputs(t *testing.T) {
	deep := func(open string) string { return "a = " + strings.Repeat(open, 200_000) }
	files := func(p string) string { return "[snps]\nfiles = " + p + "\n" }
	for _, c := range []flaw{
		{"brackets", 112, "nested too deep", put("data.toml", deep("["))}, {"braces", 112, "nested too deep", put("data.toml", deep("{b="))},
		{"dots", 112, "nested too deep", put("data.toml", strings.Repeat("a.", 200_000)+"a = 1")}, {"long", 119, "1 MiB", put("data.toml", "# "+strings.Repeat("x", 1<<20))},
		{"a range", 114, "10000", put("data.toml", files(`"x{1..999999999}"`))}, {"a product", 114, "10000", put("data.toml", files(`"x{1..999}{1..999}{1..999}"`))},
		{"many ranges", 114, "10000", put("data.toml", files("["+strings.Repeat(`"x{1..9999}", `, 99)+"]"))}, {"open braces", 114, "4096 bytes", put("data.toml", files(`"`+strings.Repeat("{", 500_000)+`"`))},
		{"an escape in an id", 101, `\x1b`, swap("images.tsv", person(3)+"\t", person(3)+"\x1b[2J\t")}, {"an escape in a name", 101, `\x1b`, swap("images.tsv", "img/3R.jpg", "img/3R\x1b[2J.jpg")},
		{"an escape in a header", 108, `\x1b`, each("images.tsv", `^person_id`, "\x1b[2Jperson")}, {"an escape in a column", 108, "control character", swap("labs.tsv", "person_id\t", "person_id\tx\x07\t")},
	} {
		w := newWorld(t)
		c.spoil(w)
		_, err := Open(w.options())
		var p *data.Problem
		switch {
		case !errors.As(err, &p) || p.Code != c.code || !strings.Contains(err.Error(), c.has):
			t.Errorf("%s: %.300v, want E%d about %s", c.what, err, c.code, c.has)
		case strings.ContainsAny(err.Error(), "\x1b\x07") || len(err.Error()) > 8<<10:
			t.Errorf("%s: %d bytes: %.300q", c.what, len(err.Error()), err.Error())
		}
	}
}

// TestFoldersAreNoPatterns: a cohort opens in a folder of any name.
func TestFoldersAreNoPatterns(t *testing.T) {
	for _, name := range []string{"study[1]", `b\a`, "a*b", "q?", "{1..3}", "[", "two words"} {
		w := newWorld(t)
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Rename(w.dir, dir); err != nil {
			t.Fatal(err)
		}
		o := w.options()
		o.Manifest, o.DataTOML = filepath.Join(dir, "images.tsv"), filepath.Join(dir, "data.toml")
		if _, err := Open(o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
