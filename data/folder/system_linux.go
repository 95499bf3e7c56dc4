package folder

import "golang.org/x/sys/unix"

// exchange has two folders change their names in one step. EINVAL, ENOSYS or EOPNOTSUPP: the file system cannot.
func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

// mounted reports whether something is mounted at dir, a folder in parent.
func mounted(dir, parent string) bool {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_BASIC_STATS, &s); err == nil && s.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return s.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	}
	return otherDevice(dir, parent) // a kernel before 5.8
}
