package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"contig-gpu/data"
)

// FuzzLoad reads anything as a configuration: a Problem, or settings.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("a = 1\nb = \"x\"\n"))
	f.Add([]byte("[a]\nb.c = 1e400\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.Count(b, []byte("[")) > 1000 {
			return // nesting is bounded elsewhere
		}
		path := filepath.Join(t.TempDir(), "c.toml")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path)
		if err == nil {
			var into fields
			err = c.Into(into.rows())
		}
		var p *data.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("no Problem: %v", err)
		}
	})
}

// FuzzText: text that is written is read back as it was, or refused.
func FuzzText(f *testing.F) {
	for _, s := range []string{"a", "a\\b", "\"", "'", "\n", "\x7f", "é", "\a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		was := fields{name: s}
		var out bytes.Buffer
		if err := Write(&out, was.rows()); err != nil {
			return // refused
		}
		path := filepath.Join(t.TempDir(), "c.toml")
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path)
		if err != nil {
			t.Fatalf("%q is written as %q: %v", s, out.Bytes(), err)
		}
		var back fields
		if err := c.Into(back.rows()); err != nil || back.name != s {
			t.Fatalf("%q came back as %q, %v", s, back.name, err)
		}
	})
}
