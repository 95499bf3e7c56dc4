package data

import (
	"strings"
	"testing"
)

func TestDeepTOML(t *testing.T) {
	deep := func(open string, n int) string { return strings.Repeat(open, n) }
	for text, want := range map[string]int{
		"": 0, "a = 1\n[b]\nc = [[1.5, 2.5], [3.5]]\n": 0, "a = " + deep("[", 64): 0, "x = 1\na = " + deep("[", 65): 2, "a = " + deep("{b=", 65): 1, "\n\n" + deep("a.", 64) + "a = 1": 3,
		"a = \"" + deep("[", 99) + "\"": 0, "a = '" + deep("[", 99) + "'": 0, "# " + deep("[", 99) + "\na = 1": 0, "a = '''\n" + deep("[", 99) + "\n''' # x\nb = " + deep("[", 65): 4,
		"a = \"\\\"" + deep("[", 99) + "\"": 0, "a = [" + deep("1.5, ", 99) + "]": 0, "a = [" + deep("[1],", 99) + "]": 0, "a = \"x\nb = " + deep("[", 65): 2, deep("[", 1<<20): 1,
		"a = \"": 0, "a = \"\\": 0, "a = '''": 0,
	} {
		if line, found := DeepTOML(text); line != want || (found != "") != (want > 0) {
			t.Errorf("%.40q: line %d (%s), want %d", text, line, found, want)
		}
	}
}

// FuzzDeepTOML: any text is read to its end, and a line that is told is one of its lines.
func FuzzDeepTOML(f *testing.F) {
	for _, s := range []string{"a = [[1]]", "'''\n'", "\"\\", "a.b.c = {d = '#'} # ]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if line, _ := DeepTOML(text); line < 0 || line > strings.Count(text, "\n")+1 {
			t.Errorf("%q: line %d", text, line)
		}
	})
}
