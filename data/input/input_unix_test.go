//go:build unix

package input

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOnlyFilesAreOpened: what is no regular file is refused at once, by its own name and through links, and so is a file that is too long.
func TestOnlyFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	l, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := errors.Join(syscall.Mkfifo(at("fifo"), 0o600), os.WriteFile(at("file"), []byte("abc"), 0o600), os.Symlink(at("fifo"), at("link to fifo")),
		os.Symlink(at("file"), at("link")), os.Symlink("/dev/zero", at("link to device")), os.Symlink(at("nowhere"), at("dangling"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{at("fifo"): "FIFO", at("link to fifo"): "FIFO", at("socket"): "socket", dir: "folder", "/dev/zero": "device", at("link to device"): "device"} {
		var r *Refused
		if _, err := Open(path, NoLimit); !errors.As(err, &r) || r.Long || !strings.Contains(r.What, want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	for _, path := range []string{at("dangling"), at("nowhere")} {
		if _, err := Open(path, NoLimit); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{at("file"), at("link")} {
		if b, err := Read(path, 3); err != nil || string(b) != "abc" {
			t.Errorf("%s: %q, %v", path, b, err)
		}
		var r *Refused
		if _, err := Read(path, 2); !errors.As(err, &r) || !r.Long {
			t.Errorf("%s: %v, want too long", path, err)
		}
	}
}
