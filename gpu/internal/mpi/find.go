//go:build linux && cgo

package mpi

/*
#include <stdlib.h>
static int version_of(void *f, char *text, int *n) { return ((int (*)(char *, int *))f)(text, n); }
*/
import "C"

import (
	"strings"
	"unsafe"

	"contig-gpu/gpu/internal/dl"
)

// Find opens each of files, asks it for its version, and does not begin MPI. A name that the loader does not know is left out, unless it is the only one;
// what is there and cannot be used has an Err. A library that has two names comes once.
func Find(files []string) []Found {
	if err := hush(); err != nil {
		return []Found{{Name: files[0], Err: err}}
	}
	var all []Found
	seen := map[string]bool{}
	for _, file := range files {
		f := find(file)
		absent := f.Err != nil && strings.HasPrefix(f.Err.Error(), file+": cannot open shared object file: No such file")
		if (!absent || len(files) == 1) && !seen[f.Path] {
			all = append(all, f)
		}
		seen[f.Path] = f.Path != ""
	}
	return all
}

func find(file string) Found {
	f := Found{Name: file}
	so, err := dl.OpenLocal("an MPI library", file)
	if err != nil {
		f.Err = err
		return f
	}
	f.Path = so.Path()
	ask, err := so.Symbol("MPI_Get_library_version")
	if err != nil {
		f.Err = err
		return f
	}
	text := (*C.char)(C.calloc(1, longestVersion))
	defer C.free(unsafe.Pointer(text))
	var n C.int
	C.version_of(ask, text, &n)
	l := &library{Library: so, version: C.GoString(text)}
	f.Err = l.recognise()
	f.Interface, f.Version = l.face, firstLine(l.version)
	return f
}
