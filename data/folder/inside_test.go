package folder

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func inside(dir string, fill func(string) error) error {
	return Target{Dir: dir, Kind: Cohort, Overwrite: true}.fillInside(dir, fill)
}

// several returns a fill that writes three files, two of them in a folder.
func several(text, folder string) func(string) error {
	return func(temp string) error {
		below := filepath.Join(temp, folder)
		return errors.Join(file(text)(temp), os.Mkdir(below, 0o700), file(text)(below), os.WriteFile(filepath.Join(below, text), nil, 0o600))
	}
}

// TestInside: a folder that stays is filled whole or not at all, and what was there goes.
func TestInside(t *testing.T) {
	dir := t.TempDir()
	fails := errors.New("fails")
	if err := inside(dir, func(temp string) error { return errors.Join(file("half")(temp), fails) }); !errors.Is(err, fails) || names(t, dir) != "" {
		t.Errorf("%v, left %s", err, names(t, dir))
	}
	for i, text := range []string{"one", "two", "three"} {
		if err := inside(dir, several(text, []string{"a", "b", "b"}[i])); err != nil {
			t.Fatal(err)
		}
		wantFile(t, dir, text)
		if n := names(t, dir); n != MarkName+" "+[]string{"a", "b", "b"}[i]+" file" || !Whole(dir, Cohort) {
			t.Errorf("left %s", n)
		}
	}
	put(t, dir, "b/mine")
	wantCode(t, inside(dir, several("four", "c")), codeForeign)
	wantFile(t, dir, "three")
}

// TestInsideIsFinished: wherever a process dies once the new content is settled, the next one ends it.
func TestInsideIsFinished(t *testing.T) {
	for stop := range 6 {
		dir := t.TempDir()
		if err := inside(dir, several("old", "a")); err != nil {
			t.Fatal(err)
		}
		ready := filepath.Join(dir, readyName)
		if err := os.Mkdir(ready, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := (Target{Kind: Cohort}).complete(ready, several("new", "a")); err != nil {
			t.Fatal(err)
		}
		steps := []func(){ // what a process does before it dies
			func() { os.Remove(filepath.Join(dir, "a", "old")) }, func() { os.RemoveAll(filepath.Join(dir, "a")) }, func() { os.Remove(filepath.Join(dir, "file")) },
			func() { os.Rename(filepath.Join(ready, "a"), filepath.Join(dir, "a")) }, func() { os.Rename(filepath.Join(ready, "file"), filepath.Join(dir, "file")) },
		}
		for _, s := range steps[:stop] {
			s()
		}
		if err := finishInside(dir); err != nil {
			t.Fatalf("stopped at %d: %v", stop, err)
		}
		wantFile(t, dir, "new")
		if n := names(t, dir) + "; " + names(t, filepath.Join(dir, "a")); n != MarkName+" a file; file new" || !Whole(dir, Cohort) {
			t.Errorf("stopped at %d: left %s", stop, n)
		}
	}
}

// TestMountPoint: a mount point is filled, not replaced; so is an empty folder in one that cannot be written to.
func TestMountPoint(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "mount")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("this process may not mount (run as root, in a container with --privileged): %v", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	for _, text := range []string{"one", "two"} {
		if err := publish(dir, file(text)); err != nil {
			t.Fatal(err)
		}
		wantFile(t, dir, text)
	}
	if n := names(t, dir) + "; " + names(t, parent); n != MarkName+" file; mount" {
		t.Errorf("left %s", n)
	}
	if err := publish(dir, func(temp string) error { return os.WriteFile(filepath.Join(temp, "big"), make([]byte, 2<<20), 0o600) }); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk: %v", err)
	}
	wantFile(t, dir, "two")
}

// TestReadOnlyParent: an empty folder in one that cannot be written to is filled in place.
func TestReadOnlyParent(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "dir")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(parent, 0o555)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(parent, 0o755)
	if unix.Access(parent, unix.W_OK) == nil {
		t.Skip("root may write everywhere: run as another user")
	}
	if err := publish(dir, file("x")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, dir, "x")
}
