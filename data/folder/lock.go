package folder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"contig-gpu/data"
)

const (
	lockName = ".lock" // the file in a folder that its lock is on; it says who holds it
	attempts = 100     // to take a lock whose file or folder another process removes at that moment
)

// lockless reports whether err says that the file system has no locks, as some that are mounted over a network.
func lockless(err error) bool {
	return errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EOPNOTSUPP)
}

// at reports whether f is still what stands at path.
func at(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Lstat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// A Lock keeps every other process that asks for it out of a folder, until Release or the end of this process.
type Lock struct {
	dir  string
	f    *os.File
	made []string // folders that were not there, the innermost first
	left bool     // a process that died has left its lock
	weak bool     // the file system has no locks
}

// Take makes the folder dir, with what is missing above it, and locks it. E132 says who has it where another process
// does. Where the file system has no locks, the lock file itself is the lock: see Note.
func Take(dir string) (*Lock, error) {
	return take(dir, flock, func() ([]string, error) { return parents(dir) })
}

// TakeNew is Take of the first of PREFIX-1, PREFIX-2, ... that was not there. No two calls get the same, at whatever moment.
func TakeNew(prefix string) (*Lock, error) {
	for n := 1; ; n++ {
		dir := fmt.Sprintf("%s-%d", prefix, n)
		l, err := take(dir, flock, func() ([]string, error) {
			made, err := parents(filepath.Dir(dir))
			if err == nil {
				err = os.Mkdir(dir, 0o755)
			}
			if err == nil {
				made = append([]string{dir}, made...)
			}
			return made, err
		})
		var p *data.Problem
		if !errors.Is(err, fs.ErrExist) && !errors.As(err, &p) { // else it is another's
			return l, err
		}
	}
}

// take makes dir by mkdir, which returns what was not there, and locks it by lock.
func take(dir string, lock func(*os.File) error, mkdir func() ([]string, error)) (*Lock, error) {
	l := &Lock{dir: dir}
	var err error
	for range attempts {
		var made []string
		made, err = mkdir()
		l.remember(made)
		if err == nil {
			err = l.acquire(lock)
		}
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, fs.ErrNotExist) { // else who had it has just removed the file, or the empty folder
			break
		}
	}
	l.removeMade()
	var path *fs.PathError
	if errors.As(err, &path) && !errors.Is(err, fs.ErrExist) {
		err = &fs.PathError{Op: "write into it", Path: dir, Err: path.Err}
	}
	return nil, err
}

// remember keeps what this process has made.
func (l *Lock) remember(made []string) {
	for _, m := range made {
		if !slices.Contains(l.made, m) {
			l.made = append(l.made, m)
		}
	}
	slices.SortFunc(l.made, func(a, b string) int { return len(b) - len(a) })
}

func (l *Lock) removeMade() {
	for _, m := range l.made {
		if os.Remove(m) != nil {
			return // others use it by now
		}
	}
}

func (l *Lock) path() string { return filepath.Join(l.dir, lockName) }

// acquire locks the lock file and signs it. fs.ErrNotExist: it went away meanwhile, and another try is due.
func (l *Lock) acquire(lock func(*os.File) error) error {
	f, err := open(l.path(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if l.left = errors.Is(err, fs.ErrExist); l.left {
		f, err = open(l.path(), os.O_RDWR, 0)
	}
	if err != nil {
		return err
	}
	err = lock(f)
	if l.weak = lockless(err); l.weak && !l.left {
		err = nil // whoever makes the file has the lock
	}
	if err == nil && !at(f, l.path()) {
		err = fs.ErrNotExist
	}
	if err == nil {
		err = sign(f)
	}
	if err == nil {
		l.f = f
		return nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) || l.weak {
		err = l.held(f)
	}
	f.Close()
	return err
}

// Left reports whether a process that died while it had the folder has left its lock file there.
func (l *Lock) Left() bool { return l.left }

// Dir returns the folder, as it was given.
func (l *Lock) Dir() string { return l.dir }

// Note says what a user must know of a lock on a file system without locks; "" elsewhere.
func (l *Lock) Note() string {
	if !l.weak {
		return ""
	}
	return fmt.Sprintf("this file system has no locks: %s keeps others out, and must be removed by hand if this process is killed", l.path())
}

// Release unlocks the folder, and removes those of the folders that Take has made that are empty. Release of nil, or
// again, does nothing.
func (l *Lock) Release() error {
	if l == nil || l.f == nil {
		return nil
	}
	var err error
	if at(l.f, l.path()) {
		err = os.Remove(l.path())
	}
	l.removeMade() // still locked: whoever opened the file meanwhile finds it gone and tries again
	err = errors.Join(err, l.f.Close())
	l.removeMade() // Windows keeps the name of a file until it is closed
	l.f = nil
	return err
}

// An owner is what a lock file holds.
type owner struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

func sign(f *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	text, err := json.Marshal(owner{os.Getpid(), host, time.Now().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(text, '\n'), 0)
	return err
}

// held is E132, with what the lock file f says of the holder.
func (l *Lock) held(f *os.File) error {
	p := &data.Problem{Code: codeHeld, File: l.dir, What: "another process is writing to this folder", Expected: "a folder that no other process writes to",
		Found: "a process that has just begun", Cause: "the same run was started twice", Fix: "wait until that process ends, or name another folder"}
	var o owner
	if json.NewDecoder(f).Decode(&o) == nil {
		p.Found = fmt.Sprintf("process %d on host %q, since %s", o.PID, o.Host, o.Since.Format(time.DateTime))
	}
	if l.weak {
		p.Fix += fmt.Sprintf("; this file system has no locks: if that process is gone, remove %s", l.path())
	}
	return p
}

// inUse is E132 where another process has locked dir by lock, nil where none has or dir is not there.
func inUse(dir string, lock func(*os.File) error) error {
	l := &Lock{dir: dir}
	f, err := open(l.path(), os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	err = lock(f)
	if l.weak = lockless(err); l.weak || errors.Is(err, syscall.EWOULDBLOCK) {
		return l.held(f)
	}
	return nil
}
