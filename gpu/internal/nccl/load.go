//go:build linux && cgo

package nccl

/*
#include "table.h"
*/
import "C"

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"unsafe"

	"contig-gpu/gpu/internal/dl"
	"contig-gpu/gpu/internal/driver"
)

// minVersion is the oldest NCCL that abi.h was compared with.
const minVersion = 21900

// An API is the opened library.
type API struct {
	lib     *dl.Library
	version int // 23203 for 2.32.3
}

// table guards the process's one table of functions, which lives in C.
var table struct {
	sync.Mutex
	api *API
}

// Load opens libnccl.so.2, or the file that CONTIG_LIBNCCL names. It does so once per process; after a failure it may be tried again. No
// GPU is needed. Its errors are driver.ErrNoCollectives.
func Load() (*API, error) {
	table.Lock()
	defer table.Unlock()
	if table.api != nil {
		return table.api, nil
	}
	a, err := load()
	if err != nil {
		return nil, fmt.Errorf("nccl: %w: %w", driver.ErrNoCollectives, err)
	}
	table.api = a
	return a, nil
}

func load() (*API, error) {
	lib, err := dl.Open("NCCL", "libnccl.so.2", Env)
	if err != nil {
		return nil, err
	}
	if err := fill(lib); err != nil {
		return nil, err
	}
	// Without this NCCL 2.24 and later listens on a port of the host, the same for all jobs, to be asked about its state.
	if err := unlessSet("NCCL_RAS_ENABLE", "0"); err != nil {
		return nil, err
	}
	var v C.int
	if err := failure("ncclGetVersion", C.contig_ncclGetVersion(&v), nil); err != nil {
		return nil, fmt.Errorf("%s: %w", lib.Path(), err)
	}
	if int(v) < minVersion {
		return nil, fmt.Errorf("%s is NCCL %s, at least %s is needed", lib.Path(), dotted(int(v)), dotted(minVersion))
	}
	return &API{lib: lib, version: int(v)}, nil
}

// fill sets the table's functions when lib has all of them, and else none.
func fill(lib *dl.Library) error {
	var found []unsafe.Pointer
	for {
		name := C.contig_nccl_name(C.int(len(found)))
		if name == nil {
			break
		}
		p, err := lib.Symbol(C.GoString(name))
		if err != nil {
			return err
		}
		found = append(found, p)
	}
	for i, p := range found {
		C.contig_nccl_set(C.int(i), p)
	}
	return nil
}

// unlessSet sets a variable of the environment that NCCL reads, unless the user has.
func unlessSet(name, value string) error {
	if _, set := os.LookupEnv(name); set {
		return nil
	}
	return os.Setenv(name, value)
}

// Library describes the library for a report.
func (a *API) Library() driver.Library {
	return driver.Library{Name: "libnccl", Version: dotted(a.version), Path: a.lib.Path()}
}

// UniqueID returns what the ranks of one run are to be given to find each other. One of them makes it, and stays until all have joined. No
// GPU is needed.
func (a *API) UniqueID() ([]byte, error) {
	var id C.ncclUniqueId
	if err := failure("ncclGetUniqueId", C.contig_ncclGetUniqueId(&id), nil); err != nil {
		return nil, err
	}
	return C.GoBytes(unsafe.Pointer(&id), C.CONTIG_NCCL_ID_BYTES), nil
}

// failure makes an error of a code that a call on comm, which may be nil, returned or left; nil of success.
func failure(call string, code C.ncclResult_t, comm C.ncclComm_t) error {
	if code == C.ncclSuccess {
		return nil
	}
	e := explained(call, int(code))
	if last := C.contig_ncclGetLastError(comm); last != nil {
		e.Last = strings.TrimSpace(C.GoString(last))
	}
	return e
}

// explained makes an error of a code in the library's words.
func explained(call string, code int) *Error {
	e := &Error{Call: call, Code: code, Name: "unknown code", Text: "the library does not explain"}
	names := [...]string{"ncclSuccess", "ncclUnhandledCudaError", "ncclSystemError", "ncclInternalError", "ncclInvalidArgument",
		"ncclInvalidUsage", "ncclRemoteError", "ncclInProgress", "ncclTimeout"} // in the header
	if code > 0 && code < len(names) {
		e.Name = names[code]
	}
	if text := C.contig_ncclGetErrorString(C.ncclResult_t(code)); text != nil {
		e.Text = C.GoString(text)
	}
	return e
}
