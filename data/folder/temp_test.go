package folder

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestWriteFileReplacesWholly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, mode := range []fs.FileMode{0o600, 0o640} {
		if err := WriteFile(path, mode, text(mode.String())); err != nil {
			t.Fatal(err)
		}
		wantFile(t, dir, mode.String())
		if st, err := os.Stat(path); err != nil || st.Mode() != mode {
			t.Errorf("%v, %v, want %v", st.Mode(), err, mode)
		}
	}
	fails := errors.New("fails")
	if err := WriteFile(path, 0o600, func(w io.Writer) error { return errors.Join(text("half")(w), fails) }); !errors.Is(err, fails) {
		t.Errorf("%v", err)
	}
	wantFile(t, dir, fs.FileMode(0o640).String())
	if n := names(t, dir); n != "file" {
		t.Errorf("left %s", n)
	}
}

// TestWriteFileFollowsNothing: neither a link at the path nor one under a temporary name leads to another file.
func TestWriteFileFollowsNothing(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"file", ".file.tmp"} {
		if err := os.Symlink(victim, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteFile(filepath.Join(dir, "file"), 0o600, text("new")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, "new")
	if b, err := os.ReadFile(victim); string(b) != "kept" {
		t.Errorf("the file that a link leads to holds %q, %v", b, err)
	}
}

func TestWriteFileRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, os.DevNull, filepath.Join(dir, "none", "file")} {
		err := WriteFile(path, 0o600, text("x"))
		var p *fs.PathError
		if !errors.As(err, &p) || p.Path != path || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if n := names(t, dir); n != "" {
		t.Errorf("left %s", n)
	}
}

// TestAbandonedFiles: what a killed process leaves is removed by the next that writes the same name, what is being written is
// not.
func TestAbandonedFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, name := range []string{".file.tmp", ".file.tmp-0badcafe"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := WriteFile(path, 0o600, func(w io.Writer) error {
		if err := WriteFile(path, 0o600, text("inner")); err != nil {
			return err
		}
		wantFile(t, dir, "inner")
		return text("outer")(w)
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, "outer")
	if n := names(t, dir); n != "file" {
		t.Errorf("left %s", n)
	}
}

// TestSwap: both ways of putting a folder in another's place end the same, and what a process has left that died between the
// steps of the second is put back.
func TestSwap(t *testing.T) {
	for name, way := range map[string]func(temp, dir, old string) error{"exchange": swap, "two steps": swapByTwo} {
		parent := t.TempDir()
		dir, temp, old := filepath.Join(parent, "dir"), filepath.Join(parent, "temp"), filepath.Join(parent, ".dir.old")
		for _, d := range []string{dir, temp} {
			if err := errors.Join(os.Mkdir(d, 0o700), Target{Kind: Cohort}.complete(d, file(filepath.Base(d)))); err != nil {
				t.Fatal(err)
			}
		}
		if err := way(temp, dir, old); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wantFile(t, dir, "temp")
		if err := os.Rename(dir, old); err != nil { // as a process does that dies then
			t.Fatal(err)
		}
		fails := errors.New("fails")
		if err := publish(dir, func(string) error { return fails }); !errors.Is(err, fails) {
			t.Errorf("%s: %v", name, err)
		}
		wantFile(t, dir, "temp")
	}
}
