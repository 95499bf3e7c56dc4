//go:build !linux && !darwin

package folder

import "syscall"

// exchange says that this system has no such step: swap makes it of two.
func exchange(_, _ string) error { return syscall.ENOSYS }

// mounted reports whether something is mounted at dir, a folder in parent.
func mounted(dir, parent string) bool { return otherDevice(dir, parent) }
