//go:build linux && cgo

package blas

/*
#include "table.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"contig-gpu/gpu/internal/dl"
	"contig-gpu/gpu/internal/driver"
)

// minVersion is the oldest cuBLASLt that has every attribute of abi.h.
const minVersion = 120000

// An API is the opened library.
type API struct {
	lib     *dl.Library
	version int // 130002 for 13.0.2
}

// table guards the process's one table of functions, which lives in C.
var table struct {
	sync.Mutex
	api *API
}

// Load opens libcublasLt.so.13, else libcublasLt.so.12, or the file that CONTIG_LIBCUBLASLT names. It does so once per
// process; after a failure it may be tried again. No GPU is needed.
func Load() (*API, error) {
	table.Lock()
	defer table.Unlock()
	if table.api != nil {
		return table.api, nil
	}
	a, err := load()
	if err != nil {
		return nil, fmt.Errorf("blas: %w", err)
	}
	table.api = a
	return a, nil
}

func load() (*API, error) {
	lib, err := dl.Open("cuBLASLt", "libcublasLt.so.13", "CONTIG_LIBCUBLASLT")
	if err != nil {
		older, err12 := dl.Open("cuBLASLt", "libcublasLt.so.12", "CONTIG_LIBCUBLASLT")
		if err12 != nil {
			return nil, errors.Join(err, err12)
		}
		lib = older
	}
	if err := fill(lib); err != nil {
		return nil, err
	}
	a := &API{lib: lib, version: int(C.lt_cublasLtGetVersion())}
	if a.version < minVersion {
		return nil, fmt.Errorf("%s is cuBLASLt %s, at least %s is needed", lib.Path(), dotted(a.version), dotted(minVersion))
	}
	return a, nil
}

// fill sets the table's functions when lib has all of them, and else none.
func fill(lib *dl.Library) error {
	var found []unsafe.Pointer
	for {
		name := C.lt_name(C.int(len(found)))
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
		C.lt_set(C.int(i), p)
	}
	return nil
}

// dotted writes a version as people do: 130002 is 13.0.2.
func dotted(v int) string { return fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100) }

// Library describes the library for a report.
func (a *API) Library() driver.Library {
	return driver.Library{Name: "libcublasLt", Version: dotted(a.version), Path: a.lib.Path()}
}

// failure makes an error of a status; nil of success.
func failure(call string, s C.cublasStatus_t, product string) error {
	if s == C.CUBLAS_STATUS_SUCCESS {
		return nil
	}
	e := &Error{Call: call, Status: int(s), Name: "unknown status", Text: "the library does not explain", Product: product}
	if name := C.lt_cublasLtGetStatusName(s); name != nil {
		e.Name = C.GoString(name)
	}
	if text := C.lt_cublasLtGetStatusString(s); text != nil {
		e.Text = C.GoString(text)
	}
	return e
}
