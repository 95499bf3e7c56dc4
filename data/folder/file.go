package folder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"contig-gpu/data"
	"contig-gpu/data/input"
)

// A File is a file that a verb is to write where its user says.
type File struct {
	Path      string
	Overwrite bool                 // one that Ours knows may be replaced
	Ours      func(io.Reader) bool // whether a file begins as those of this kind do; an empty file is replaced too
	Inputs    []string             // what is read meanwhile is never replaced
}

// Check tells whether the file may be written, before any work; E135 where not: something stands there that is no regular file, or
// one and no Overwrite, or no file of ours; an input; or a place among the checkpoints of a run, which goes on from them.
func (f File) Check() error {
	refuse := func(what, found, fix string) error {
		return &data.Problem{Code: codeFile, File: f.Path, What: what, Expected: "a new file", Found: found, Cause: "the wrong path, or an earlier result", Fix: fix}
	}
	dir := filepath.Dir(f.Path)
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	if abs, err := filepath.Abs(dir); err == nil && filepath.Base(abs) == "checkpoints" && isRun(filepath.Dir(abs)) {
		return refuse("this is the place of a run's own checkpoints", "", "name a file elsewhere")
	}
	st, err := os.Lstat(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &fs.PathError{Op: "write", Path: f.Path, Err: errno(err)}
	}
	for _, in := range f.Inputs {
		if other, err := os.Stat(in); err == nil && os.SameFile(st, other) {
			return refuse("this file is what is read", "the input", "name another file")
		}
	}
	switch {
	case !st.Mode().IsRegular():
		return refuse("what stands there is no regular file", input.Kind(st.Mode()), "name another file")
	case !f.Overwrite:
		return refuse("the file is there already", fmt.Sprintf("a file of %d bytes", st.Size()), "name another file, or give --overwrite to replace it")
	case st.Size() > 0 && f.Ours != nil && !f.ours():
		return refuse("the file that stands there was not made by this program", fmt.Sprintf("another file of %d bytes", st.Size()), "name another file, or move that one away")
	}
	return nil
}

// Parents makes the folders above the file. What undoes it, where nothing came of the file, is returned.
func (f File) Parents() (undo func(), err error) {
	made, err := parents(filepath.Dir(f.Path))
	undo = func() {
		for _, m := range made {
			os.Remove(m) // an error means that others use it by now
		}
	}
	if err != nil {
		undo()
		return nil, unwritable(filepath.Dir(f.Path), err)
	}
	return undo, nil
}

func (f File) ours() bool {
	file, err := open(f.Path, os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer file.Close()
	return f.Ours(file)
}

// Safetensors reports whether r begins as a safetensors file does: the length of the header, and the header's brace.
func Safetensors(r io.Reader) bool {
	var b [9]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return false
	}
	n := binary.LittleEndian.Uint64(b[:])
	return n >= 2 && n < 1<<32 && b[8] == '{'
}

func isRun(dir string) bool {
	m, marked := readMark(dir)
	return m.Kind == Run || !marked && forms()[Run].in(dir)
}

func errno(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
