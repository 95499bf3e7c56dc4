// Package folder makes folders and files that are there whole or not at all, whatever ends the process that makes them, and
// locks folders that one process at a time may write to.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"contig-gpu/data"
)

// Problems with the folder to write.
const (
	codeOccupied   = 130
	codeUnwritable = 131
	codeHeld       = 132 // another process has locked it
	codeProtected  = 133 // whatever it holds it may not be replaced
	codeForeign    = 134 // it holds what is not ours
	codeFile       = 135 // the same of a file
)

func occupied(dir, what, found, fix string, err error) error {
	return &data.Problem{Code: codeOccupied, File: dir, What: what, Expected: "a new or empty folder", Found: found,
		Cause: "an earlier run, or the wrong folder", Fix: fix, Err: err}
}

func unwritable(path string, err error) error {
	var p *data.Problem
	if err == nil || errors.As(err, &p) || errors.Is(err, context.Canceled) {
		return err
	}
	r := &data.Problem{Code: codeUnwritable, File: path, What: "the folder cannot be written", Cause: "no permission, or the disk is full",
		Fix: "name a folder on another disk, or make room", Err: err}
	if errors.Is(err, syscall.ENOTDIR) {
		r.Cause, r.Fix = "a part of the path is a file", "name a folder below a folder"
	}
	return r
}

// Publish has fill write into a new folder beside t.Dir and then puts that folder in the place of what is there, where Check still
// allows it. All of it is synced. Where fill fails, or the process dies, t.Dir stays as it was. What dead processes have left beside
// it is removed, and put back where it is an old copy whose target is gone. A mount point, and an empty folder in one that cannot be
// written to, are filled in place: see fillInside.
func (t Target) Publish(fill func(temp string) error) error {
	dir, err := t.resolve()
	if err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	made, err := parents(parent)
	if err == nil {
		if err = putBack(dir, parent); err == nil {
			err = finishInside(dir)
		}
		if err == nil {
			err = t.check(dir)
		}
	}
	if err == nil && inPlace(dir, parent) {
		err = t.fillInside(dir, fill)
	} else if err == nil {
		err = t.publish(dir, parent, fill)
	}
	if err == nil {
		for _, m := range append(made, parent) {
			err = errors.Join(err, syncFolder(filepath.Dir(m)))
		}
	} else {
		for _, m := range made {
			os.Remove(m) // an error means that others use it by now
		}
	}
	return unwritable(t.Dir, err)
}

// parents makes dir with all above it and returns what was not there, the innermost first.
func parents(dir string) ([]string, error) {
	var missing []string
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			err := os.MkdirAll(dir, 0o755)
			if errors.Is(err, fs.ErrExist) { // a link to nowhere, or another process removes what it made
				err = &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOENT}
			}
			return missing, err
		}
		missing = append(missing, at)
	}
}

// mode returns the mode of the folder before the umask.
func (t Target) mode() fs.FileMode {
	if t.Mode == 0 {
		return 0o755
	}
	return t.Mode
}

// complete has fill write into temp, marks it and syncs everything.
func (t Target) complete(temp string, fill func(string) error) error {
	if err := fill(temp); err != nil {
		return err
	}
	m, err := markOf(temp, t.Kind)
	if err == nil {
		err = m.write(temp)
	}
	if err == nil {
		err = syncTree(temp)
	}
	return err
}

func (t Target) publish(dir, parent string, fill func(string) error) error {
	prefix := tempPrefix(dir)
	if err := removeAbandoned(parent, prefix, halfMade); err != nil {
		return err
	}
	l, err := temporary(func() (*os.File, error) {
		temp := filepath.Join(parent, fmt.Sprintf("%s%08x", prefix, rand.Uint32()))
		if err := os.Mkdir(temp, t.mode()); err != nil {
			return nil, err
		}
		return open(temp, os.O_RDONLY, 0)
	})
	if err != nil {
		return err
	}
	temp := l.Name()
	defer l.Close()
	defer os.RemoveAll(temp) // what was at dir, or what fill has not finished
	if err := t.complete(temp, fill); err != nil {
		return err
	}
	if err := t.check(dir); err != nil { // it may have changed meanwhile
		return err
	}
	if err := swap(temp, dir, oldName(dir)); err != nil {
		return err
	}
	if err := syncFolder(parent); err != nil {
		return err
	}
	return removeAbandoned(parent, prefix, func(string) bool { return true })
}

func tempPrefix(dir string) string { return "." + filepath.Base(dir) + ".tmp-" }
func oldName(dir string) string {
	return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".old")
}

// halfMade reports whether a folder is one that its process had not finished. One that is whole is removed only when its target is
// there, whole: it may be the old copy.
func halfMade(dir string) bool {
	_, marked := readMark(dir)
	return !marked && !strings.HasSuffix(dir, "-old")
}

// swap puts temp in the place of dir, which may be missing, and what was there in the place of temp.
func swap(temp, dir, old string) error {
	switch err := exchange(temp, dir); err {
	case nil:
		return nil
	case syscall.ENOENT:
		return os.Rename(temp, dir)
	case syscall.EINVAL, syscall.ENOSYS, syscall.EOPNOTSUPP: // the file system cannot exchange
		return swapByTwo(temp, dir, old)
	default:
		return &os.LinkError{Op: "exchange", Old: temp, New: dir, Err: err}
	}
}

// swapByTwo is swap in two steps. What dies in between has left what was at dir under the name old: see putBack.
func swapByTwo(temp, dir, old string) error {
	if err := os.Rename(dir, old); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return os.Rename(temp, dir)
		}
		return err
	}
	if err := os.Rename(temp, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	if err := syncFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

// putBack undoes what a process left that died within swapByTwo, or after it: an old copy goes back where its target is missing or
// an empty folder, and goes away where that is whole. Otherwise it stays. Early versions named it after their temporary folder.
func putBack(dir, parent string) error {
	olds, err := leftovers(parent, tempPrefix(dir), "-old")
	if err != nil {
		return err
	}
	for _, old := range append(olds, oldName(dir)) {
		if _, err := os.Lstat(old); err != nil {
			continue
		}
		entries, err := os.ReadDir(dir)
		m, marked := readMark(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
			if err := renameOver(old, dir); err != nil {
				return &os.LinkError{Op: "put back", Old: old, New: dir, Err: err}
			}
			if err := syncFolder(parent); err != nil {
				return err
			}
		case marked && Whole(dir, m.Kind):
			if err := os.RemoveAll(old); err != nil {
				return err
			}
		}
	}
	return nil
}

// leftovers lists what stands in a folder under names with a prefix and a suffix. A folder that is not there holds nothing.
func leftovers(in, prefix, suffix string) ([]string, error) {
	entries, err := os.ReadDir(in)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), suffix) {
			all = append(all, filepath.Join(in, e.Name()))
		}
	}
	return all, nil
}
