package folder

import "golang.org/x/sys/unix"

// exchange has two folders change their names in one step. ENOTSUP, which is EOPNOTSUPP's twin, or EINVAL: the file system cannot.
func exchange(a, b string) error {
	err := unix.RenamexNp(a, b, unix.RENAME_SWAP)
	if err == unix.ENOTSUP {
		return unix.EOPNOTSUPP
	}
	return err
}

// mounted reports whether something is mounted at dir, a folder in parent.
func mounted(dir, parent string) bool { return otherDevice(dir, parent) }
