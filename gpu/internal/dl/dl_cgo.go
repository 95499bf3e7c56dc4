//go:build linux && cgo

package dl

/*
#cgo LDFLAGS: -ldl
#include "dl.h"
*/
import "C"

import (
	"fmt"
	"path/filepath"
	"unsafe"
)

// A Library is an opened shared library. It stays open until the process ends: its code may have started threads
// and registered callbacks, so that none of the vendor's libraries can be unloaded safely.
type Library struct {
	name, path string
	handle     unsafe.Pointer
}

// Open opens the first of these that the loader accepts:
//
//  1. the file named by the environment variable env. When it is set, nothing else is tried;
//  2. soname, where the loader looks by itself (LD_LIBRARY_PATH, ld.so.cache);
//  3. $CUDA_HOME/lib64/soname, then soname in /usr/local/cuda/lib64 and /usr/local/nvidia/lib64 where these are;
//  4. the folders nvidia/*/lib of Python wheels: in $VIRTUAL_ENV, in python3's search path, in $CONTIG_WHEELS and in
//     the user cache folder contig-gpu/wheels.
//
// Its symbols become visible to libraries opened later (RTLD_GLOBAL), as cuDNN needs of cuBLAS. name is used in
// errors only. The error is an *OpenError with every place that was tried.
func Open(name, soname, env string) (*Library, error) {
	failed := &OpenError{Name: name, Soname: soname, Env: env}
	for place := range places(soname, env) {
		l, err := open(name, place)
		if err == nil {
			return l, nil
		}
		failed.Tried = append(failed.Tried, Attempt{place, err.Error()})
	}
	return nil, failed
}

// open opens one file, or what the loader finds under a plain name.
func open(name, path string) (*Library, error) {
	if filepath.Base(path) != path {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		path = abs
	}
	c := C.CString(path)
	defer C.free(unsafe.Pointer(c))
	var msg *C.char
	h := C.dl_open(c, &msg)
	if h == nil {
		return nil, taken(msg)
	}
	if p := C.dl_path(h); p != nil && *p != 0 {
		path = C.GoString(p)
	}
	return &Library{name: name, path: path, handle: h}, nil
}

// taken makes an error of a message that C allocated.
func taken(msg *C.char) error {
	defer C.free(unsafe.Pointer(msg))
	return fmt.Errorf("%s", C.GoString(msg))
}

// Path returns the file that was opened.
func (l *Library) Path() string { return l.path }

// Symbol returns the address of an exported function or variable. The error names library, file and symbol.
func (l *Library) Symbol(name string) (unsafe.Pointer, error) {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	var msg *C.char
	p := C.dl_symbol(l.handle, c, &msg)
	if msg != nil {
		return nil, fmt.Errorf("%s (%s) has no usable symbol %s: %w", l.name, l.path, name, taken(msg))
	}
	return p, nil
}
