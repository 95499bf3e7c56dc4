//go:build linux && cgo

package cuda

/*
#include "calls.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"unsafe"

	"contig-gpu/gpu/internal/dl"
)

// minDriver is the oldest driver that has every function of abi.h.
const minDriver = 12040

// An API is the opened driver library.
type API struct {
	lib      *dl.Library
	version  int // CUDA version, 13000 for 13.0
	emulated bool
}

// driverTable guards the process's one table of driver functions, which lives in C.
var driverTable struct {
	sync.Mutex
	api *API
}

// Load opens libcuda.so.1, or the file that CONTIG_LIBCUDA names, and initialises it. It does so once per process; after
// a failure it may be tried again.
func Load() (*API, error) {
	driverTable.Lock()
	defer driverTable.Unlock()
	if driverTable.api != nil {
		return driverTable.api, nil
	}
	a, err := load()
	if err != nil {
		return nil, fmt.Errorf("cuda: %w", err)
	}
	driverTable.api = a
	return a, nil
}

func load() (*API, error) {
	lib, err := dl.Open("the CUDA driver", "libcuda.so.1", "CONTIG_LIBCUDA")
	if err != nil {
		return nil, err
	}
	name := func(i int) *C.char { return C.contig_driver_name(C.int(i)) }
	set := func(i int, p unsafe.Pointer) { C.contig_driver_set(C.int(i), p) }
	if err := fill(lib, name, set); err != nil {
		return nil, err
	}
	a := &API{lib: lib}
	if err := check("cuInit", C.contig_cuInit(0)); err != nil {
		return nil, fmt.Errorf("%s: %w", lib.Path(), err)
	}
	var v C.int
	if err := check("cuDriverGetVersion", C.contig_cuDriverGetVersion(&v)); err != nil {
		return nil, err
	}
	if a.version = int(v); a.version < minDriver {
		return nil, fmt.Errorf("%s is a driver for CUDA %s, at least %s is needed", lib.Path(), dotted(a.version), dotted(minDriver))
	}
	_, err = lib.Symbol(C.CONTIG_EMULATOR_SYMBOL)
	a.emulated = err == nil
	return a, nil
}

// fill sets a table's functions when lib has all of them, and else none.
func fill(lib *dl.Library, name func(i int) *C.char, set func(i int, p unsafe.Pointer)) error {
	var found []unsafe.Pointer
	for name(len(found)) != nil {
		p, err := lib.Symbol(C.GoString(name(len(found))))
		if err != nil {
			return err
		}
		found = append(found, p)
	}
	for i, p := range found {
		set(i, p)
	}
	return nil
}

// dotted writes a CUDA version as people do: 12080 is 12.8.
func dotted(version int) string { return fmt.Sprintf("%d.%d", version/1000, version%1000/10) }

// check makes an error of a driver's code.
func check(call string, code C.CUresult) error {
	if code == C.CUDA_SUCCESS {
		return nil
	}
	return newError("cuda", call, code, "")
}

func newError(device, call string, code C.CUresult, detail string) *Error {
	e := &Error{Device: device, Call: call, Code: Code(code), Detail: detail, Name: "unknown error", Text: "the driver does not explain"}
	if e.Code == WrongThread {
		e.Name, e.Text = "wrong thread", "called from another goroutine than the one that opened the device"
		return e
	}
	var s *C.char
	if C.contig_cuGetErrorName(code, &s) == C.CUDA_SUCCESS && s != nil {
		e.Name = C.GoString(s)
	}
	if C.contig_cuGetErrorString(code, &s) == C.CUDA_SUCCESS && s != nil {
		e.Text = C.GoString(s)
	}
	return e
}

// DeviceCount returns the number of GPUs.
func (a *API) DeviceCount() (int, error) {
	var n C.int
	err := check("cuDeviceGetCount", C.contig_cuDeviceGetCount(&n))
	return int(n), err
}
