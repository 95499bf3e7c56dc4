package progress

import (
	"os"

	"golang.org/x/sys/windows"
)

// widthOf returns the columns of the console f, 0 where they are not known.
func widthOf(f *os.File) int {
	var info windows.ConsoleScreenBufferInfo
	if windows.GetConsoleScreenBufferInfo(windows.Handle(f.Fd()), &info) != nil {
		return 0
	}
	return int(info.Window.Right-info.Window.Left) + 1
}
