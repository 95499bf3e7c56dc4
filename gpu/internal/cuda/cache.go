//go:build linux && cgo

package cuda

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// cacheMagic begins every file of the cache; its number changes with the format.
const cacheMagic = "contig-gpu nvrtc 1\n"

// errCorrupt is what a file of the cache that was cut off or changed is read as.
var errCorrupt = errors.New("the file is damaged")

// A compilation is all that a cubin depends on.
type compilation struct {
	compiler string // library, version and file
	options  []string
	unit     string            // the text of the translation unit
	sources  map[string][]byte // what it may include, by name
}

// key names a compilation.
func (c compilation) key() string {
	h := sha256.New()
	field := func(b string) { fmt.Fprintf(h, "%d:%s,", len(b), b) } // lengths keep fields apart
	field(c.compiler)
	fmt.Fprintf(h, "%d options ", len(c.options))
	for _, o := range c.options {
		field(o)
	}
	field(c.unit)
	for _, name := range slices.Sorted(maps.Keys(c.sources)) {
		field(name)
		field(string(c.sources[name]))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// cacheFolder is where cubins are kept: nvrtc in the program's user cache folder.
func cacheFolder() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "contig-gpu", "nvrtc"), err
}

// readCached returns the content of a file of the cache, or an error if there is none or it is damaged.
func readCached(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b, ok := bytes.CutPrefix(b, []byte(cacheMagic))
	if !ok || len(b) < sha256.Size {
		return nil, fmt.Errorf("%s: %w", path, errCorrupt)
	}
	sum, content := b[:sha256.Size], b[sha256.Size:]
	if want := sha256.Sum256(content); !bytes.Equal(sum, want[:]) {
		return nil, fmt.Errorf("%s: %w", path, errCorrupt)
	}
	return content, nil
}

// writeCached writes a file of the cache: under another name first, so that no reader sees half of it.
func writeCached(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	sum := sha256.Sum256(content)
	_, err = f.Write(slices.Concat([]byte(cacheMagic), sum[:], content))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
