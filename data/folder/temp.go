package folder

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// What is written under a temporary name is locked while its process lives. So the next process that writes under the same
// name can tell what one that died has left, and removes it.

// WriteFile makes write's output the content of the file at path, with mode less the umask. The name holds what it held
// before or all of the new content, also after a crash: the bytes go to a temporary name in the same folder, are synced and
// renamed. A link at path is replaced, not followed; what is neither file nor link is refused.
func WriteFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	err := writeFile(path, mode, write)
	var p *fs.PathError
	var l *os.LinkError
	switch { // a temporary name tells a reader nothing
	case errors.As(err, &p):
		return &fs.PathError{Op: "write", Path: path, Err: p.Err}
	case errors.As(err, &l):
		return &fs.PathError{Op: "write", Path: path, Err: l.Err}
	}
	return err
}

func writeFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	if st, err := os.Lstat(path); err == nil && !st.Mode().IsRegular() && st.Mode().Type() != fs.ModeSymlink {
		if st.IsDir() {
			return &fs.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
		}
		return &fs.PathError{Op: "write", Path: path, Err: errors.New("not a regular file")}
	}
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	prefix := "." + name + ".tmp"
	if err := removeAbandoned(dir, prefix, func(string) bool { return true }); err != nil {
		return err
	}
	f, err := temporary(func() (*os.File, error) {
		return open(filepath.Join(dir, fmt.Sprintf("%s-%08x", prefix, rand.Uint32())), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	})
	if err != nil {
		return err
	}
	if mode&0o077 == 0 {
		err = f.Chmod(mode) // whatever the umask: what is private stays readable by its owner
	}
	if err == nil {
		err = fill(f, write)
	}
	if err == nil {
		err = os.Rename(f.Name(), path) // while it is locked
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return err
	}
	return errors.Join(f.Close(), syncFolder(dir))
}

// Append opens the file at path to write at its end, and makes it where it is missing. A link at path is refused.
func Append(path string) (*os.File, error) {
	return open(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

func fill(f *os.File, write func(io.Writer) error) error {
	b := bufio.NewWriter(f)
	if err := write(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, fs.ErrPermission) { // a file system that has no such thing for folders
		err = nil
	}
	return errors.Join(err, d.Close())
}

// syncers is how many files are synced at a time: a journal takes many in one go.
const syncers = 16

// syncTree syncs all files of a folder and then its folders, the innermost first.
func syncTree(dir string) error {
	var files, dirs []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			dirs = append(dirs, path)
		case e.Type().IsRegular():
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	errs := make([]error, syncers)
	var wait sync.WaitGroup
	for w := range syncers {
		wait.Go(func() {
			for i := w; i < len(files) && errs[w] == nil; i += syncers {
				errs[w] = syncFile(files[i])
			}
		})
	}
	wait.Wait()
	slices.Reverse(dirs)
	for _, d := range dirs {
		errs = append(errs, syncFolder(d))
	}
	return errors.Join(errs...)
}

func syncFile(path string) error {
	f, err := open(path, toSync, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// temporary returns what create makes, a file or folder of a new name, locked; where the file system has no locks, as it is.
func temporary(create func() (*os.File, error)) (*os.File, error) {
	for {
		f, err := create()
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		switch err := flock(f); {
		case err == nil && at(f, f.Name()):
			return f, nil
		case err != nil && !errors.Is(err, syscall.EWOULDBLOCK): // nothing is ever taken for abandoned there
			return f, nil
		}
		f.Close() // another process took it for abandoned before it was locked
	}
}

// removeAbandoned removes what stands in dir under names that begin with prefix and whose processes are gone, as far as may says.
func removeAbandoned(dir, prefix string, may func(path string) bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !e.IsDir() && !e.Type().IsRegular() {
			continue
		}
		path, flags := filepath.Join(dir, e.Name()), os.O_RDWR
		if e.IsDir() {
			flags = os.O_RDONLY
		}
		f, err := open(path, flags, 0)
		if err != nil {
			continue
		}
		if flock(f) == nil && may(path) {
			err = os.RemoveAll(path)
		}
		if f.Close(); err != nil {
			return err
		}
	}
	return nil
}
