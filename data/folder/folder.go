// Package folder makes folders and files that are there whole or not at all, whatever ends the process that makes them, and
// locks folders that one process at a time may write to.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"contig-gpu/data"

	"golang.org/x/sys/unix"
)

// Problems with the folder to write.
const (
	codeOccupied   = 130
	codeUnwritable = 131
	codeHeld       = 132 // another process has locked it
)

// Vacant reports E130 unless dir is missing or an empty folder.
func Vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return occupied(dir, "this is not a folder that can be read", "something else", "name another folder", err)
	case len(entries) > 0:
		return occupied(dir, "the folder is not empty", fmt.Sprintf("%d entries, %s first", len(entries), entries[0].Name()),
			"name another folder, or give --overwrite to replace what is there", nil)
	}
	return nil
}

func occupied(dir, what, found, fix string, err error) error {
	return &data.Problem{Code: codeOccupied, File: dir, What: what, Expected: "a new or empty folder", Found: found,
		Cause: "an earlier run, or the wrong folder", Fix: fix, Err: err}
}

func unwritable(path string, err error) error {
	var p *data.Problem
	if err == nil || errors.As(err, &p) || errors.Is(err, context.Canceled) {
		return err
	}
	return &data.Problem{Code: codeUnwritable, File: path, What: "the folder cannot be written", Cause: "no permission, or the disk is full",
		Fix: "name a folder on another disk, or make room", Err: err}
}

// Publish has fill write into a new folder beside dir, mode 0700, and then puts that folder in the place of whatever is at
// dir; E132 where another process has locked that. Where fill fails, or the process dies, dir stays as it was. What dead
// processes have left beside dir is removed.
func Publish(dir string, fill func(temp string) error) error {
	dir, err := target(dir)
	if err != nil {
		return err
	}
	parent, prefix := filepath.Dir(dir), "."+filepath.Base(dir)+".tmp-"
	made, err := parents(parent)
	if err == nil {
		err = publish(dir, parent, prefix, fill)
	}
	if err != nil {
		for _, m := range made {
			os.Remove(m) // an error means that others use it by now
		}
	}
	return unwritable(dir, err)
}

// target returns dir as an absolute path with links resolved; it must not be a file or the working folder, which a
// shell would go on standing in.
func target(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", unwritable(dir, err)
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	st, err := os.Stat(path)
	if err != nil {
		return path, nil
	}
	if !st.IsDir() {
		return "", occupied(dir, "this is not a folder", "a file", "name another folder", nil)
	}
	if here, err := os.Stat("."); err == nil && os.SameFile(st, here) {
		return "", occupied(dir, "the working folder cannot be replaced", "the working folder", "name a folder in it", nil)
	}
	return path, nil
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

func publish(dir, parent, prefix string, fill func(string) error) error {
	old := filepath.Join(parent, "."+filepath.Base(dir)+".old")
	if err := putBack(old, dir); err != nil {
		return err
	}
	if err := removeAbandoned(parent, prefix); err != nil {
		return err
	}
	l, err := temporary(func() (*os.File, error) {
		temp, err := os.MkdirTemp(parent, prefix)
		if err != nil {
			return nil, err
		}
		return os.Open(temp)
	})
	if err != nil {
		return err
	}
	temp := l.Name()
	defer l.Close()
	defer os.RemoveAll(temp) // what was at dir, or what fill has not finished
	if err := fill(temp); err != nil {
		return err
	}
	if err := inUse(dir, flock); err != nil {
		return err
	}
	return swap(temp, dir, old)
}

// swap puts temp in the place of dir, which may be missing, and what was there in the place of temp.
func swap(temp, dir, old string) error {
	switch err := unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, dir, unix.RENAME_EXCHANGE); err {
	case nil:
		return nil
	case unix.ENOENT:
		return os.Rename(temp, dir)
	case unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP: // the file system cannot exchange
		return swapByTwo(temp, dir, old)
	default:
		return &os.LinkError{Op: "exchange", Old: temp, New: dir, Err: err}
	}
}

// swapByTwo is swap in two steps. What dies in between has left what was at dir under the name old: see putBack.
func swapByTwo(temp, dir, old string) error {
	if err := os.Rename(dir, old); err != nil {
		return err
	}
	if err := os.Rename(temp, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return os.RemoveAll(old)
}

// putBack undoes what a process left that died within swapByTwo, or after it.
func putBack(old, dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return os.RemoveAll(old)
	}
	if err := os.Rename(old, dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
