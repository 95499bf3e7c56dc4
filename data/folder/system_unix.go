//go:build unix

package folder

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// toSync is how a file is opened whose content is to be synced.
const toSync = os.O_RDONLY

// flock takes the lock of an open file or folder, which lasts until it is closed or the process ends, however it ends. It
// does not wait: EWOULDBLOCK where another has it.
func flock(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != syscall.EINTR {
			return err
		}
	}
}

// open is os.OpenFile that follows no link and waits for no FIFO.
func open(path string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, mode)
}

// renameOver renames a folder, also over an empty one, which os.Rename does not replace.
func renameOver(old, to string) error { return syscall.Rename(old, to) }

// writable reports whether this process may make and remove entries of a folder.
func writable(dir string) bool { return unix.Access(dir, unix.W_OK|unix.X_OK) == nil }

// otherDevice reports whether two folders lie on different file systems.
func otherDevice(dir, parent string) bool {
	var a, b unix.Stat_t
	return unix.Stat(dir, &a) == nil && unix.Stat(parent, &b) == nil && a.Dev != b.Dev
}

// Free returns the bytes that this user can still write in dir, as far as the system tells; -1: it does not.
func Free(dir string) int64 {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil || s.Bsize <= 0 {
		return -1
	}
	if free := int64(s.Bavail) * int64(s.Bsize); free >= 0 {
		return free
	}
	return -1
}
