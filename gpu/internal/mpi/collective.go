//go:build linux && cgo

package mpi

/*
#include "table.h"
*/
import "C"

import "unsafe"

// Sum32 replaces x by its sum over all ranks, element by element: all ranks get the same bytes, and with the same number of ranks and the
// same library always the same. x has the same length on all; it is cut by its length alone. After an error x is of no use.
func (w *World) Sum32(x []float32) error { return sum(w, x, w.lib.c.f32) }

// Sum64 is Sum32 of float64.
func (w *World) Sum64(x []float64) error { return sum(w, x, w.lib.c.f64) }

func sum[E float32 | float64](w *World, x []E, kind C.contig_handle) error {
	most := stagingBytes / int(unsafe.Sizeof(x[0]))
	for len(x) > 0 {
		n := min(len(x), most)
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

// Broadcast replaces b by rank 0's, of the same length on all ranks.
func (w *World) Broadcast(b []byte) error {
	for len(b) > 0 {
		n := copy(w.staging, b)
		err := w.do(func() error {
			return w.check("MPI_Bcast", C.contig_MPI_Bcast(unsafe.Pointer(&w.staging[0]), C.int(n), w.lib.c.byte, 0, w.lib.c.world))
		})
		if err != nil {
			return err
		}
		copy(b, w.staging[:n])
		b = b[n:]
	}
	return nil
}

// AllGather fills dst with the src of every rank, in their order; src has the same length on all.
func (w *World) AllGather(dst, src []byte) error {
	most := len(w.staging) / (w.Size + 1)
	for at := 0; at < len(src); at += most {
		n := min(most, len(src)-at)
		copy(w.staging, src[at:at+n])
		all := w.staging[n : (w.Size+1)*n]
		err := w.do(func() error {
			c := &w.lib.c
			return w.check("MPI_Allgather", C.contig_MPI_Allgather(unsafe.Pointer(&w.staging[0]), C.int(n), c.byte, unsafe.Pointer(&all[0]), C.int(n), c.byte, c.world))
		})
		if err != nil {
			return err
		}
		for r := range w.Size {
			copy(dst[r*len(src)+at:], all[r*n:(r+1)*n])
		}
	}
	return nil
}
