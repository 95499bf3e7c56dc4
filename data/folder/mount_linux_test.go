package folder

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

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
