// Package input opens what a user names: regular files, after links were followed, of a size that is looked at before anything is read. A
// FIFO would wait for ever, and a device has no end.
package input

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// NoLimit is the limit of files that are read piece by piece.
const NoLimit = 0

// A Refused is the error of a path at which there is something, but no file that is read.
type Refused struct {
	What  string // "this is a folder"
	Long  bool   // it is a file, and too long
	Bytes int64  // of the file
	Most  int64  // bytes that it may have
}

func (r *Refused) Error() string { return r.What }

// Open opens the regular file at path to be read, which has at most so many bytes. An error is a *Refused, or the system's.
func Open(path string, most int64) (*os.File, error) {
	st, err := os.Stat(path)
	if err == nil {
		err = check(st, most)
	}
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // so that a FIFO that took its place in between is none to wait for
	if err != nil {
		return nil, err
	}
	if st, err = f.Stat(); err == nil {
		err = check(st, most)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Read returns the bytes of the regular file at path, of which there are at most so many, even where the file grows while it is read.
func Read(path string, most int64) ([]byte, error) {
	f, err := Open(path, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, st.Size())
	n, err := io.ReadFull(f, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // it became shorter
	}
	return b[:n], err
}

func check(st fs.FileInfo, most int64) error {
	if what := kind(st.Mode()); what != "" {
		return &Refused{What: "this is " + what}
	}
	if most != NoLimit && st.Size() > most {
		return &Refused{What: fmt.Sprintf("the file is longer than %s", size(most)), Long: true, Bytes: st.Size(), Most: most}
	}
	return nil
}

// size is bytes in words.
func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// kind names what is no regular file, "" for one that is.
func kind(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return ""
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe (FIFO)"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}
