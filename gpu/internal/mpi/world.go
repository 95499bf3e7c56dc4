//go:build linux && cgo

package mpi

/*
#include <stdlib.h>
#include "table.h"
*/
import "C"

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"unsafe"
)

// stagingBytes is the memory that collectives work in: a cut of larger ones, which also bounds what MPI takes itself.
const stagingBytes = 32 << 20

// A World is all ranks that one launcher started. Its methods may be called from any goroutine, one at a time, by all ranks in the same
// order. All of MPI runs on one thread; a call that waits for a rank that will never come ends with Abandon.
type World struct {
	Rank, Size       int
	Local, LocalSize int // on this host
	Interface        string
	Version, Path    string // of the library

	lib     *library
	staging []byte // C's memory: MPI never sees Go's, whose pages come and go behind the registration caches of network drivers
	calls   chan func()
	gone    chan struct{}
	once    sync.Once
	why     error
}

// Open opens the first of files and begins MPI. It waits for MPI until ctx ends, and then leaves it to itself.
func Open(ctx context.Context, files []string) (*World, error) {
	if err := hush(); err != nil {
		return nil, err
	}
	lib, err := load(files)
	if err != nil {
		return nil, err
	}
	w := &World{Interface: lib.face, Path: lib.Path(), lib: lib, calls: make(chan func()), gone: make(chan struct{})}
	w.Version = firstLine(lib.version)
	p := C.contig_staging(stagingBytes)
	if p == nil {
		return nil, fmt.Errorf("mpi: no memory for %d bytes of staging", stagingBytes)
	}
	w.staging = unsafe.Slice((*byte)(p), stagingBytes)
	go w.work()
	stop := context.AfterFunc(ctx, func() { w.Abandon(context.Cause(ctx)) })
	defer stop()
	if err := w.do(w.begin); err != nil {
		return nil, err
	}
	return w, nil
}

// quiet are settings of Open MPI and UCX without which they would put handlers of their own over those that Go has for SIGSEGV and
// others; and UCX's cache of registered memory, which trusts that all memory is given back through libc. What a user sets stays.
func quiet() map[string]string {
	return map[string]string{"OMPI_MCA_opal_signal": "", "UCX_ERROR_SIGNALS": "", "UCX_HANDLE_ERRORS": "none", "UCX_RCACHE_ENABLE": "n"}
}

// hush sets what is quiet, before a library is opened.
func hush() error {
	for name, value := range quiet() {
		if _, set := os.LookupEnv(name); !set {
			if err := os.Setenv(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// work is MPI's thread.
func (w *World) work() {
	runtime.LockOSThread() // never unlocked: MPI may have kept something of the thread's
	for f := range w.calls {
		f()
	}
}

// do runs f on MPI's thread and returns its error, or that of Abandon at once.
func (w *World) do(f func() error) error {
	done := make(chan error, 1)
	select {
	case <-w.gone:
		return w.why
	case w.calls <- func() { done <- f() }:
	}
	select {
	case <-w.gone:
		return w.why
	case err := <-done:
		return err
	}
}

func (w *World) begin() error {
	var provided C.int
	if err := w.check("MPI_Init_thread", C.contig_MPI_Init_thread(nil, nil, C.int(w.lib.c.serialized), &provided)); err != nil {
		return err
	}
	c := &w.lib.c
	if err := w.check("MPI_Comm_set_errhandler", C.contig_MPI_Comm_set_errhandler(c.world, c.errors_return)); err != nil {
		return err
	}
	var host C.contig_handle // MPICH writes the lower half only
	if err := w.measure(c.world, &w.Rank, &w.Size); err != nil {
		return err
	}
	if err := w.check("MPI_Comm_split_type", C.contig_MPI_Comm_split_type(c.world, C.int(c.shared), C.int(w.Rank), c.info_null, &host)); err != nil {
		return err
	}
	if err := w.measure(host, &w.Local, &w.LocalSize); err != nil {
		return err
	}
	return w.check("MPI_Comm_free", C.contig_MPI_Comm_free(&host))
}

// measure asks for this process's place in a communicator.
func (w *World) measure(comm C.contig_handle, rank, size *int) error {
	var r, n C.int
	if err := w.check("MPI_Comm_rank", C.contig_MPI_Comm_rank(comm, &r)); err != nil {
		return err
	}
	if err := w.check("MPI_Comm_size", C.contig_MPI_Comm_size(comm, &n)); err != nil {
		return err
	}
	*rank, *size = int(r), int(n)
	return nil
}

// check makes an error of MPI's code.
func (w *World) check(call string, code C.int) error {
	if code == 0 {
		return nil
	}
	text := (*C.char)(C.calloc(1, 8192))
	defer C.free(unsafe.Pointer(text))
	var n C.int
	if C.contig_MPI_Error_string(code, text, &n) != 0 {
		return &Error{Call: call, Code: int(code)}
	}
	return &Error{call, int(code), C.GoString(text)}
}

// Abandon ends all calls, those that wait and those to come, with why and ErrGone: another rank is lost. MPI is left as it is.
func (w *World) Abandon(why error) {
	w.once.Do(func() {
		w.why = fmt.Errorf("%w: %w", ErrGone, why)
		close(w.gone)
	})
}

// Close ends MPI, which waits for all ranks. After Abandon it does nothing.
func (w *World) Close() error {
	err := w.do(func() error {
		if err := w.check("MPI_Finalize", C.contig_MPI_Finalize()); err != nil {
			return err
		}
		table.Lock()
		w.lib.finalized = true
		table.Unlock()
		return nil
	})
	w.Abandon(fmt.Errorf("this rank has closed them"))
	return err
}
