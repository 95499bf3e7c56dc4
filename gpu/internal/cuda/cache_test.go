//go:build linux && cgo

package cuda

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestCacheRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	path := filepath.Join(dir, "x.cubin")
	if _, err := readCached(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	for _, want := range [][]byte{{}, []byte("machine code"), []byte("other code")} {
		if err := writeCached(path, want); err != nil {
			t.Fatal(err)
		}
		if got, err := readCached(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q came back as %q, %v", want, got, err)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files are left, want 1", len(files))
	}
}

// TestCacheDamage cuts the file off everywhere and changes each byte.
func TestCacheDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.cubin")
	if err := writeCached(path, []byte("machine code")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		for _, b := range [][]byte{whole[:i], changed} {
			if err := os.WriteFile(path, b, 0o666); err != nil {
				t.Fatal(err)
			}
			if got, err := readCached(path); !errors.Is(err, errCorrupt) {
				t.Fatalf("byte %d: a damaged file was read as %q, %v", i, got, err)
			}
		}
	}
}

// TestKeys: whatever a cubin depends on changes the key.
func TestKeys(t *testing.T) {
	base := func() compilation {
		return compilation{"NVRTC 13.0", []string{"--a", "--b"}, "unit", map[string][]byte{"x.cu": []byte("1"), "y.cu": []byte("2")}}
	}
	seen := map[string]string{base().key(): "nothing"}
	for what, change := range map[string]func(c *compilation){
		"compiler":       func(c *compilation) { c.compiler = "NVRTC 13.1" },
		"option":         func(c *compilation) { c.options[1] = "--c" },
		"joined options": func(c *compilation) { c.options = []string{"--a--b"} },
		"unit":           func(c *compilation) { c.unit = "other" },
		"source":         func(c *compilation) { c.sources["x.cu"] = []byte("3") },
		"name":           func(c *compilation) { c.sources["z.cu"] = c.sources["y.cu"]; delete(c.sources, "y.cu") },
		"one more":       func(c *compilation) { c.sources["z.cu"] = nil },
	} {
		c := base()
		change(&c)
		if other, ok := seen[c.key()]; ok {
			t.Errorf("a change of %s has the key of %s", what, other)
		}
		seen[c.key()] = what
	}
	if first, again := base().key(), base().key(); first != again {
		t.Error("the key changes by itself")
	}
}
