package data

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{"": "", "a b\nc": "a b\nc", "\x1b[2Jé\t\x00": `\x1b[2Jé\t\x00`, "a\xffb": `a\xffb`, "\u009b1m": `\u009b1m`, "\u202eabc": `\u202eabc`, "\ufffd": "\ufffd", "日本 🙂": "日本 🙂", "a\r": `a\r`} {
		if got := Plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestProblemsAreText: whatever part of a Problem comes from a file, no escape of a terminal comes out, and no more than a page.
func TestProblemsAreText(t *testing.T) {
	bad := "\x1b[31m" + strings.Repeat("x", 1<<20) + "\x07"
	p := &Problem{Code: 101, File: bad, Line: 3, What: bad, Expected: bad, Found: bad, Cause: bad, Fix: bad, Err: errors.New(bad)}
	text := p.Error()
	if strings.ContainsAny(text, "\x1b\x07") || len(text) > 20_000 || strings.Count(text, `\x1b[31m`) != 7 {
		t.Errorf("%d bytes: %.200q", len(text), text)
	}
}

// TestLiteral: a folder of any name in a pattern is itself.
func TestLiteral(t *testing.T) {
	for _, name := range []string{"study[1]", `b\a`, "a*", "q?", "[", "plain", `\[x]`} {
		dir := filepath.Join(t.TempDir(), name)
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "x.tsv"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		if found, err := filepath.Glob(filepath.Join(Literal(dir), "*.tsv")); err != nil || len(found) != 1 {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}
