package cuda

import (
	"fmt"

	"contig-gpu/gpu/internal/driver"
)

// A Code is a driver's CUresult.
type Code int

// Codes that callers tell apart.
const (
	OutOfMemory Code = 2   // CUDA_ERROR_OUT_OF_MEMORY
	NotReady    Code = 600 // CUDA_ERROR_NOT_READY
	WrongThread Code = -1  // no CUresult: the call came from another thread than Open's
)

// An Error is a driver call that failed.
type Error struct {
	Device string // "cuda:0", "cuda" before one is open
	Call   string // the driver's function
	Code   Code
	Name   string // the driver's name for the code, CUDA_ERROR_ILLEGAL_ADDRESS
	Text   string // the driver's explanation
	Detail string // what was being done: the kernel and its grid, the bytes asked for
}

// Is reports whether target is driver.ErrMemory and so is e.
func (e *Error) Is(target error) bool { return target == driver.ErrMemory && e.Code == OutOfMemory }

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s: %s (%d): %s", e.Device, e.Call, e.Name, e.Code, e.Text)
	if e.Detail != "" {
		s += "; " + e.Detail
	}
	return s
}
