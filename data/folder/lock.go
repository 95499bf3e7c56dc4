package folder

import (
	"os"
	"syscall"
)

// lock takes the lock of a folder, which lasts until the file is closed or the process ends. It does not wait.
func lock(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
