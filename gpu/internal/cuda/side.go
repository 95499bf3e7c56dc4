//go:build linux && cgo

package cuda

/*
#include "calls.h"
*/
import "C"

import "unsafe"

// Fork makes the side stream wait for what is queued on the main stream, and returns its CUstream: what a library queues there runs beside what is
// queued on the main stream later, until Rejoin. 0 when closed.
func (c *Context) Fork() uintptr {
	if c.q == nil {
		return 0
	}
	c.wait(C.CONTIG_SIDE, C.CONTIG_MAIN)
	return uintptr(unsafe.Pointer(c.q.streams[C.CONTIG_SIDE]))
}

// Rejoin makes the main stream wait for what is queued on the side stream.
func (c *Context) Rejoin() {
	if c.q != nil {
		c.wait(C.CONTIG_MAIN, C.CONTIG_SIDE)
	}
}

// wait makes a stream wait for where another stands.
func (c *Context) wait(stream, on C.enum_contig_stream) {
	e := c.mark(on)
	c.after(stream, e)
	e.Close() // the wait stays
}
