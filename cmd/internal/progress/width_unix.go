//go:build unix

package progress

import (
	"os"

	"golang.org/x/sys/unix"
)

// widthOf returns the columns of the terminal f, 0 where they are not known.
func widthOf(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}
