//go:build unix

package safetensors

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"contig-gpu/data"
)

// TestNoRegularFile: what would never end, or nobody writes to, is refused at once.
func TestNoRegularFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero", "/dev/null", t.TempDir()} {
		_, err := Read(path)
		if p := new(data.Problem); !errors.As(err, &p) || p.Code != 710 {
			t.Errorf("%s: %v", path, err)
		}
	}
}
