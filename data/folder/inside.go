package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// readyName is the folder in a folder that is filled in place that holds what is to come, whole and synced. Whoever finds one moves
// it up: see moveUp.
const readyName = ".contig-gpu.ready"

// insidePrefix begins the names of the folders in such a folder that are being filled.
const insidePrefix = ".contig-gpu.tmp-"

// inPlace reports whether dir is a folder that no other can take the place of: a mount point, or in a folder that cannot be written
// to.
func inPlace(dir, parent string) bool {
	st, err := os.Stat(dir)
	if err != nil || !st.IsDir() {
		return false
	}
	return mounted(dir, parent) || !writable(parent)
}

// fillInside is publish where dir stays: what fill writes is made whole in a folder in dir, renamed to readyName, which settles it,
// and moved up from there, its mark last. A process that dies before leaves dir as it was, but for a temporary folder; one that dies
// after leaves what the next one finishes.
func (t Target) fillInside(dir string, fill func(string) error) (err error) {
	l, err := Take(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Release()) }()
	if err := removeAbandoned(dir, insidePrefix, func(string) bool { return true }); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(dir, insidePrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := t.complete(temp, fill); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err == nil {
		err = t.ours(dir, entries) // it may have changed meanwhile
	}
	if err == nil && t.mode()&0o077 == 0 {
		os.Chmod(dir, t.mode()) // where it is another's it stays as it is: the files in it are private by themselves
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, readyName)); err != nil {
		return err
	}
	return moveUp(dir)
}

// moveUp moves what readyName holds into dir, in the place of what dir's own mark lists. It may be repeated from wherever it was cut
// short.
func moveUp(dir string) error {
	ready := filepath.Join(dir, readyName)
	entries, err := os.ReadDir(ready)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := syncFolder(dir); err != nil {
		return err
	}
	next, marked := readMark(ready)
	if was, ok := readMark(dir); ok && marked {
		if err := removeListed(dir, was, next, entries); err != nil {
			return err
		}
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return last(a) - last(b) })
	for _, e := range entries {
		if err := os.Rename(filepath.Join(ready, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return errors.Join(os.Remove(ready), syncFolder(dir))
}

// last puts the mark behind all others.
func last(e fs.DirEntry) int {
	if e.Name() == MarkName {
		return 1
	}
	return 0
}

// finishInside ends what a process that died in fillInside had settled.
func finishInside(dir string) (err error) {
	if _, err := os.Lstat(filepath.Join(dir, readyName)); err != nil {
		return nil
	}
	l, err := Take(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Release()) }()
	return moveUp(dir)
}

// removeListed removes what dir's mark lists, but for what was moved up already: it is the next one's and waits no more.
func removeListed(dir string, was, next mark, waiting []fs.DirEntry) error {
	waits := map[string]bool{}
	for _, e := range waiting {
		waits[e.Name()] = true
	}
	moved := map[string]bool{}
	for name := range next.Files {
		first, _, _ := strings.Cut(name, "/")
		moved[first] = !waits[first]
	}
	folders := map[string]bool{}
	for name := range was.Files {
		first, _, below := strings.Cut(name, "/")
		if moved[first] {
			continue
		}
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for d := path.Dir(name); below && d != "."; d = path.Dir(d) {
			folders[d] = true
		}
	}
	deepest := make([]string, 0, len(folders))
	for d := range folders {
		deepest = append(deepest, d)
	}
	slices.SortFunc(deepest, func(a, b string) int { return len(b) - len(a) })
	for _, d := range deepest {
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(d))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			if errors.Is(err, syscall.ENOTEMPTY) {
				return fmt.Errorf("%s: files were put into it meanwhile: %w", filepath.Join(dir, d), err)
			}
			return err
		}
	}
	return nil
}
