//go:build linux && cgo

package dnn

/*
#include "calls.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"contig-gpu/gpu/internal/dl"
)

// An API is the opened library.
type API struct {
	lib     *dl.Library
	version int // 92600 for 9.26.0
}

// table guards the process's one table of functions, which lives in C.
var table struct {
	sync.Mutex
	api *API
}

// Load opens libcudnn.so.9, or the file that CONTIG_LIBCUDNN names, and before it the libraries that it looks for itself: NVRTC
// and cuBLAS. It does so once per process; after a failure it may be tried again.
func Load() (*API, error) {
	table.Lock()
	defer table.Unlock()
	if table.api != nil {
		return table.api, nil
	}
	needs := openNeeds()
	lib, err := dl.Open("cuDNN", "libcudnn.so.9", "CONTIG_LIBCUDNN")
	if err != nil {
		return nil, fmt.Errorf("cuDNN: %w", errors.Join(err, needs))
	}
	a := &API{lib: lib}
	if err := a.fill(); err != nil {
		return nil, fmt.Errorf("cuDNN: %w", err)
	}
	a.version = int(C.contig_cudnnGetVersion())
	if a.version/10000 != 9 {
		return nil, fmt.Errorf("cuDNN: %s is version %s, 9 is needed", lib.Path(), a.Version())
	}
	table.api = a
	return a, nil
}

// openNeeds opens what cuDNN opens by plain name when it needs it, which then finds these. One that is missing is no
// failure yet: cuDNN may know a place of its own.
func openNeeds() error {
	_, nvrtc := dl.OpenNVRTC()
	return errors.Join(nvrtc, openBLAS("cuBLASLt", "libcublasLt", "CONTIG_LIBCUBLASLT"), openBLAS("cuBLAS", "libcublas", "CONTIG_LIBCUBLAS"))
}

func openBLAS(name, stem, env string) error {
	_, err := dl.Open(name, stem+".so.13", env)
	if err != nil {
		if _, older := dl.Open(name, stem+".so.12", env); older == nil {
			return nil
		}
	}
	return err
}

// fill sets the table when lib has all functions, and else none.
func (a *API) fill() error {
	var found []unsafe.Pointer
	for i := C.int(0); C.contig_cudnn_name(i) != nil; i++ {
		p, err := a.lib.Symbol(C.GoString(C.contig_cudnn_name(i)))
		if err != nil {
			return err
		}
		found = append(found, p)
	}
	for i, p := range found {
		C.contig_cudnn_set(C.int(i), p)
	}
	return nil
}

// Version returns the library's version, "9.26.0".
func (a *API) Version() string {
	return fmt.Sprintf("%d.%d.%d", a.version/10000, a.version/100%100, a.version%100)
}

// Path returns the library's file.
func (a *API) Path() string { return a.lib.Path() }

// An Error is a call that the library refused.
type Error struct {
	Call   string // what was asked for
	Status int    // cudnnStatus_t
	Name   string // of the status
	Text   string // the library's explanation
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s (%d): %s", e.Call, e.Name, e.Status, e.Text)
}

// refused makes an error of a status and the explanation beside it.
func refused(call string, s C.cudnnStatus_t, why *C.char) error {
	if s == C.CUDNN_STATUS_SUCCESS {
		return nil
	}
	return &Error{Call: call, Status: int(s), Name: C.GoString(C.contig_cudnnGetErrorString(s)), Text: C.GoString(why)}
}
