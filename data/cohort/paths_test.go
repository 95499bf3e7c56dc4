package cohort

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

func TestBraces(t *testing.T) {
	for in, want := range map[string]string{"a": "[a]", "c{1..3}_x": "[c1_x c2_x c3_x]", "{a,b}{1..2}": "[a1 a2 b1 b2]",
		"c{01..03}": "[c01 c02 c03]", "c{08..11}": "[c08 c09 c10 c11]", "c{1..010}": "[c001 c002 c003 c004 c005 c006 c007 c008 c009 c010]", "c{3..1}": "[c3 c2 c1]",
		"{1..9..4}": "[1 5 9]", "{9..1..4}": "[9 5 1]", "{-1..1}": "[-1 0 1]", "c{1..2,X}": "[c1 c2 cX]", "c{01..02,X,{3..4}}": "[c01 c02 cX c3 c4]", "{a,b{1,2}}c": "[ac b1c b2c]",
		"c{x}": "[c{x}]", "c{": "[c{]", "c}": "[c}]", "c{1..2": "[c{1..2]", "c{}": "[c{}]", "c{1..x}": "[c{1..x}]", "c{1...2}": "[c{1...2}]", "c{a,}": "[ca c]"} {
		if got, ok := braces(in); fmt.Sprint(got) != want || !ok {
			t.Errorf("%s: %s", in, got)
		}
	}
	for _, in := range []string{"{1..1000000000}", "{0..10000}", "{1..200}{1..200}", "{1..10}{1..10}{1..10}{1..10}{1..10}", "{-2000000000..2000000000}", strings.Repeat("{a,b}", 40), "{a,{1..9999},b}{1..2}"} {
		if got, ok := braces(in); ok {
			t.Errorf("%s stands for %d paths", in, len(got))
		}
	}
}

// TestBracesAsBash holds braces that were drawn at random against what bash makes of them. A list that holds a range is this program's own.
func TestBracesAsBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash to compare with: install it; CI has it")
	}
	const each = 100
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		var in []string
		for range each {
			in = append(in, "p"+drawBraces(r, 2))
		}
		script := ""
		for _, p := range in {
			script += "echo " + p + "\n"
		}
		out, err := exec.Command(bash, "-c", script).Output()
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
			if got, _ := braces(in[i]); strings.Join(got, " ") != line {
				t.Errorf("%s: %s, bash says %s", in[i], strings.Join(got, " "), line)
			}
		}
	}
}

func drawBraces(r *rand.Rand, deep int) string {
	out := ""
	for range 1 + r.IntN(2) {
		switch k := r.IntN(4); {
		case k == 0:
			out += string(rune('a' + r.IntN(26)))
		case k == 1 && deep > 0:
			out += "{" + drawBraces(r, deep-1) + "," + drawBraces(r, deep-1) + "}"
		default:
			form := [...]string{"{%d..%d}", "{%02d..%d}", "{%d..%03d}", "{%d..%d..2}"}[r.IntN(4)]
			out += fmt.Sprintf(form, r.IntN(12)-2, r.IntN(12))
		}
	}
	return out
}

// TestPathSlips: what a path of data.toml can be by mistake, and the word that the error, or the note, must have.
func TestPathSlips(t *testing.T) {
	for _, c := range []struct {
		line string // in the place of table = "labs.tsv"
		code int    // 0: accepted
		has  string
	}{
		{`table = "D:\data\labs.tsv"`, 112, "backslash"},
		{`table = "\labs.tsv"`, 112, "single quotes"},
		{`table = "x\tlabs.tsv"`, 114, "a tab"},
		{`table = "x\nlabs.tsv"`, 114, "the end of a line"},
		{`table = "x\blabs.tsv"`, 114, "a backspace"},
		{`table = 'D:\labs.tsv'`, 114, "no drive D:"},
		{`table = "D:/labs.tsv"`, 114, "no drive D:"},
		{`table = '\\server\share\labs.tsv'`, 114, "mounted"},
		{`table = "s3://bucket/labs.tsv"`, 114, "fetch"},
		{`table = "https://host/labs.tsv"`, 114, "address"},
		{`table = "file:///labs.tsv"`, 114, "address"},
		{`table = "~/labs.tsv"`, 114, "in full"},
		{`table = "$HOME/labs.tsv"`, 114, "in full"},
		{`table = "labs.tsv "`, 114, "white space"},
		{`table = '.\labs.tsv'`, 0, "read as /"},
		{`table = 'deep\labs.tsv'`, 0, "read as /"},
		{`table = 'deep/../labs.tsv'`, 0, ""},
	} {
		w := newWorld(t)
		w.put("deep/labs.tsv", w.get("labs.tsv"))
		w.replace("data.toml", `table = "labs.tsv"`, c.line)
		cohort, err := Open(w.options())
		switch {
		case c.code != 0 && (code(err) != c.code || !strings.Contains(err.Error(), c.has)):
			t.Errorf("%s: want E%d with %q:\n%v", c.line, c.code, c.has, err)
		case c.code == 0 && err != nil:
			t.Errorf("%s: %v", c.line, err)
		case c.code == 0 && !strings.Contains(strings.Join(cohort.Notes, "\n"), c.has):
			t.Errorf("%s: no note %q", c.line, c.has)
		}
	}
}

// TestBackslashPatterns: patterns and prefixes are read like plain paths, and a file that has a backslash in its name is found by it.
func TestBackslashPatterns(t *testing.T) {
	w := newWorld(t)
	plain := w.open()
	w.replace("data.toml", `"geno/c{1..2}"`, `'geno\c{1..2}'`)
	w.replace("data.toml", `"pgs/*.sscore"`, `'pgs\*.sscore'`)
	w.put(`x\labs.tsv`, w.get("labs.tsv"))
	w.put("x/labs.tsv", "no table")
	w.replace("data.toml", `"labs.tsv"`, `'x\labs.tsv'`)
	c := w.open()
	if c.Hash != plain.Hash || !strings.Contains(strings.Join(c.Notes, "\n"), "data.toml: 2 paths have") {
		t.Errorf("other cohort, or notes:\n%s", strings.Join(c.Notes, "\n"))
	}
}
