package folder

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// toSync is how a file is opened whose content is to be synced: the system flushes only what may be written.
const toSync = os.O_RDWR

// farAway is the place of the byte that a lock is on: others may read what a lock file says, and nothing is so long.
const farAway = 1 << 30 // times 4 GiB

// flock takes the lock of an open file, which lasts until it is closed or the process ends. EWOULDBLOCK: another has it. Folders
// have no locks here: ENOSYS. So what a killed process leaves half-made beside a folder stays.
func flock(f *os.File) error {
	if st, err := f.Stat(); err != nil || st.IsDir() {
		return errors.Join(err, syscall.ENOSYS)
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: farAway})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return syscall.EWOULDBLOCK
	}
	return err
}

// open is os.OpenFile that follows no link, and of a file that may be renamed and removed while it is open.
func open(path string, flag int, mode fs.FileMode) (*os.File, error) {
	refuse := func(err error) (*os.File, error) { return nil, &fs.PathError{Op: "open", Path: path, Err: err} }
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return refuse(err)
	}
	access, create, attributes := uint32(windows.GENERIC_READ), uint32(windows.OPEN_EXISTING), uint32(windows.FILE_FLAG_OPEN_REPARSE_POINT|windows.FILE_FLAG_BACKUP_SEMANTICS)
	if flag&(os.O_RDWR|os.O_WRONLY) != 0 {
		access |= windows.GENERIC_WRITE
	}
	if flag&os.O_APPEND != 0 {
		access = windows.FILE_APPEND_DATA | windows.SYNCHRONIZE
	}
	if flag&os.O_CREATE != 0 {
		create = windows.OPEN_ALWAYS
		if flag&os.O_EXCL != 0 {
			create = windows.CREATE_NEW
		}
		if mode&0o200 == 0 {
			attributes |= windows.FILE_ATTRIBUTE_READONLY
		}
	}
	h, err := windows.CreateFile(name, access, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil, create, attributes, 0)
	if err != nil {
		return refuse(err)
	}
	f := os.NewFile(uintptr(h), path)
	if st, err := os.Lstat(path); err == nil && st.Mode()&fs.ModeSymlink != 0 {
		f.Close()
		return refuse(syscall.ELOOP)
	}
	return f, nil
}

// renameOver renames a folder, also over an empty one.
func renameOver(old, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(old, to)
}

// writable reports whether this process may make and remove entries of a folder, which nothing but making one tells here.
func writable(dir string) bool {
	f, err := os.CreateTemp(dir, insidePrefix)
	if err != nil {
		return !errors.Is(err, fs.ErrPermission)
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}

// otherDevice reports whether two folders lie on different volumes: dir is a mount point, which the system knows as a link.
func otherDevice(dir, _ string) bool {
	st, err := os.Lstat(dir)
	return err == nil && st.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0
}

// Free returns the bytes that this user can still write in dir, as far as the system tells; -1: it does not.
func Free(dir string) int64 {
	name, err := windows.UTF16PtrFromString(dir)
	var free uint64
	if err != nil || windows.GetDiskFreeSpaceEx(name, &free, nil, nil) != nil || int64(free) < 0 {
		return -1
	}
	return int64(free)
}
