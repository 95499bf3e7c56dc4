//go:build linux && cgo

package mpi

/*
#include <stdlib.h>
#include "table.h"
*/
import "C"

import (
	"fmt"
	"strings"
	"sync"
	"unsafe"

	"contig-gpu/gpu/internal/dl"
)

// A library is the process's MPI, with what differs between the interfaces.
type library struct {
	*dl.Library
	c         C.struct_contig_constants
	face      string // the interface's name
	version   string // the library's own first line
	finalized bool   // MPI_Finalize has returned
}

// table guards the process's one table of functions, which lives in C.
var table struct {
	sync.Mutex
	lib *library
}

// load opens the first of files that the loader accepts, once per process.
func load(files []string) (*library, error) {
	table.Lock()
	defer table.Unlock()
	if table.lib != nil {
		return nil, fmt.Errorf("mpi: %s is open already, and MPI begins once in a process", table.lib.Path())
	}
	so, err := dl.OpenFirst("an MPI library", Env, files...)
	if err != nil {
		return nil, err
	}
	for i := 0; C.contig_mpi_name(C.int(i)) != nil; i++ {
		p, err := so.Symbol(C.GoString(C.contig_mpi_name(C.int(i))))
		if err != nil {
			return nil, err
		}
		C.contig_mpi_set(C.int(i), p)
	}
	l := &library{Library: so, version: libraryVersion()}
	if err := l.recognise(); err != nil {
		return nil, err
	}
	table.lib = l
	return l, nil
}

// longestVersion is MPICH's.
const longestVersion = 8192

// libraryVersion may be called before MPI begins.
func libraryVersion() string {
	text := (*C.char)(C.calloc(1, longestVersion))
	defer C.free(unsafe.Pointer(text))
	var n C.int
	if C.contig_MPI_Get_library_version(text, &n) != 0 {
		return ""
	}
	return C.GoString(text)
}

// firstLine is what says which version it is, without columns.
func firstLine(version string) string {
	first, _, _ := strings.Cut(version, "\n")
	return strings.Join(strings.Fields(first), " ")
}

// recognise finds out which interface the library has: Open MPI's objects, the standard's version, or a name that keeps MPICH's numbers.
func (l *library) recognise() error {
	if objects, ok := l.objects(); ok {
		l.face, l.c = "Open MPI", objects
		return nil
	}
	// MPICH's own library has the function too, and gives less than 1.
	if f, err := l.Symbol("MPI_Abi_get_version"); err == nil && C.contig_abi_version(f) >= 1 {
		l.face, l.c = "MPI 5 standard", C.contig_mpi_standard
		return nil
	}
	for _, name := range []string{"MPICH", "Intel(R) MPI", "MVAPICH", "CRAY", "Cray"} {
		if strings.Contains(l.version, name) {
			l.face, l.c = "MPICH", C.contig_mpi_mpich
			return nil
		}
	}
	return fmt.Errorf("%s is an MPI whose binary interface is not known; it says of itself: %.200s", l.Path(), l.version)
}

// objects returns Open MPI's constants where the library exports all of its objects.
func (l *library) objects() (C.struct_contig_constants, bool) {
	c := C.contig_mpi_openmpi
	for i := 0; C.contig_mpi_object(C.int(i)) != nil; i++ {
		p, err := l.Symbol(C.GoString(C.contig_mpi_object(C.int(i))))
		if err != nil {
			return c, false
		}
		C.contig_mpi_set_object(&c, C.int(i), p)
	}
	return c, true
}

// Leave ends the process by libc's exit where MPI was begun and ended, and else does nothing. MPICH 5 tells its launcher of the end in a
// function registered with atexit, which os.Exit does not run: the launcher would take the end for a crash.
func Leave(code int) {
	table.Lock()
	over := table.lib != nil && table.lib.finalized
	table.Unlock()
	if over {
		C.exit(C.int(code))
	}
}
