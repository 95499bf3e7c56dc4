//go:build linux && cgo

package mpi

/*
#include "table.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// Sum replaces x by its sum over all ranks, element by element: all ranks get the same bytes, and with the same number of ranks and the
// same library always the same. x has the same length on all; it is cut by its length alone. After an error x is of no use.
func Sum[E float32 | float64](w *World, x []E) error {
	kind, size := w.lib.c.f32, 4
	if _, double := any(x).([]float64); double {
		kind, size = w.lib.c.f64, 8
	}
	for len(x) > 0 {
		n := min(len(x), stagingBytes/size)
		part := unsafe.Slice((*E)(unsafe.Pointer(&w.staging[0])), n)
		copy(part, x[:n])
		err := w.do(func() error {
			c := &w.lib.c
			return w.check("MPI_Allreduce", C.contig_MPI_Allreduce(C.contig_in_place(c), unsafe.Pointer(&w.staging[0]), C.int(n), kind, c.sum, c.world))
		})
		if err != nil {
			return err
		}
		copy(x[:n], part)
		x = x[n:]
	}
	return nil
}

// Broadcast replaces b by rank 0's, of the same length on all ranks and at most 32 MiB.
func (w *World) Broadcast(b []byte) error {
	if len(b) > len(w.staging) {
		panic(fmt.Sprintf("mpi: Broadcast of %d bytes, at most %d", len(b), len(w.staging)))
	}
	copy(w.staging, b)
	n := len(b)
	err := w.do(func() error {
		return w.check("MPI_Bcast", C.contig_MPI_Bcast(unsafe.Pointer(&w.staging[0]), C.int(n), w.lib.c.byte, 0, w.lib.c.world))
	})
	if err != nil {
		return err
	}
	copy(b, w.staging)
	return nil
}
