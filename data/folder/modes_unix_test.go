//go:build unix

package folder

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// pipe makes what is no regular file.
func pipe(path string) error { return syscall.Mkfifo(path, 0o600) }

// TestModes: a folder has the mode that is asked for less the umask, and what is private is so whatever the umask.
func TestModes(t *testing.T) {
	was := syscall.Umask(0o077)
	defer syscall.Umask(was)
	for umask, want := range map[int]os.FileMode{0: 0o755, 0o022: 0o755, 0o027: 0o750, 0o077: 0o700} {
		syscall.Umask(umask)
		dir := filepath.Join(t.TempDir(), "dir")
		if err := publish(dir, file("x")); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != want {
			t.Errorf("umask %o: %v, %v, want %v", umask, st.Mode(), err, want)
		}
	}
	syscall.Umask(0o277)
	path := filepath.Join(t.TempDir(), "ids")
	if err := WriteFile(path, 0o600, text("ids")); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("private file: %v, %v", st.Mode(), err)
	}
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
