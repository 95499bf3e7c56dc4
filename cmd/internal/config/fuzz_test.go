package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

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
