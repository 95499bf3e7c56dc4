//go:build unix

package cohort

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"contig-gpu/data"
)

// TestSpecialFilesAreRefused: wherever a file is named, a FIFO, a device or a folder in its place is one numbered error, at once and not after all memory.
func TestSpecialFilesAreRefused(t *testing.T) {
	for _, name := range []string{"images.tsv", "data.toml", "geno/c1.bed", "geno/c1.bim", "geno/c1.fam", "labs.tsv", "pgs/PGS1.sscore"} {
		for what, make := range map[string]func(path string) error{
			"fifo": func(path string) error { return syscall.Mkfifo(path, 0o600) }, "device": func(path string) error { return os.Symlink("/dev/zero", path) },
			"folder": func(path string) error { return os.Mkdir(path, 0o700) },
		} {
			w := newWorld(t)
			path := filepath.Join(w.dir, name)
			if err := errors.Join(os.Remove(path), make(path)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(w.options())
			var p *data.Problem
			if !errors.As(err, &p) || p.Code != 104 || p.File != path {
				t.Errorf("%s in the place of %s: %v", what, name, err)
			}
		}
	}
}
