//go:build linux && cgo

package cuda

/*
#cgo noescape contig_copy
#cgo nocallback contig_copy
#cgo noescape contig_set
#cgo nocallback contig_set
#include "calls.h"
*/
import "C"

import (
	"fmt"

	"contig-gpu/gpu/internal/driver"
)

// align is what every allocation's address is a multiple of.
const align = 256

// Alloc returns memory aligned to 256 bytes; none for 0 bytes. It takes cuMemAlloc, not the stream-ordered allocator:
// arenas allocate once, and such memory belongs to every stream and may be used in graphs. When there is too little, the
// error wraps an *Error with the code OutOfMemory and says how much was asked for, is free and is there.
func (c *Context) Alloc(bytes int) (driver.Ptr, error) {
	if err := c.enter("cuMemAlloc_v2", true); err != nil {
		return 0, err
	}
	if f := c.failed.Load(); f != nil {
		return 0, fmt.Errorf("cuMemAlloc_v2 after a failure: %w", f.err)
	}
	if bytes == 0 {
		return 0, nil
	}
	var p C.CUdeviceptr
	if code := C.contig_cuMemAlloc_v2(&p, C.size_t(bytes)); code != C.CUDA_SUCCESS {
		return 0, c.allocError("cuMemAlloc_v2", code, bytes)
	}
	if p%align != 0 {
		C.contig_cuMemFree_v2(p)
		return 0, fmt.Errorf("%s: cuMemAlloc_v2 returned %#x, which is not a multiple of %d", c.name, uint64(p), align)
	}
	c.memory[driver.Ptr(p)] = bytes
	return driver.Ptr(p), nil
}

func (c *Context) allocError(call string, code C.CUresult, bytes int) error {
	free, total := c.MemInfo()
	return newError(c.name, call, code, fmt.Sprintf("%d bytes were asked for, %d of the GPU's %d are free", bytes, free, total))
}

// Free waits for queued work and gives memory of Alloc back; 0 and memory that Close gave back are left alone.
func (c *Context) Free(p driver.Ptr) {
	if p == 0 || c.q == nil {
		return
	}
	if err := c.enter("cuMemFree_v2", true); err != nil {
		c.Fail(err)
		return
	}
	if _, ok := c.memory[p]; !ok {
		c.Fail(fmt.Errorf("%s: Free of %#x, which Alloc did not return or which is free already", c.name, uint64(p)))
		return
	}
	if !c.drain("cuMemFree_v2") {
		return // a broken context frees all of its memory when it is closed
	}
	delete(c.memory, p)
	c.queued("cuMemFree_v2", C.contig_cuMemFree_v2(C.CUdeviceptr(p)))
}

// MemInfo returns the bytes free and in all; zeros when the driver does not say.
func (c *Context) MemInfo() (free, total int) {
	if err := c.enter("cuMemGetInfo_v2", false); err != nil {
		c.Fail(err)
		return 0, 0
	}
	var f, t C.size_t
	if !c.queued("cuMemGetInfo_v2", C.contig_cuMemGetInfo_v2(&f, &t)) {
		return 0, 0
	}
	return int(f), int(t)
}

// Copy queues a copy within the device on the main stream.
func (c *Context) Copy(dst, src driver.Ptr, bytes int) {
	if bytes == 0 || !c.ready() {
		return
	}
	c.queued("cuMemcpyDtoDAsync_v2", C.contig_copy(c.q, C.CUdeviceptr(dst), C.CUdeviceptr(src), C.size_t(bytes)))
}

// Set queues count elements of width 1, 2 or 4 bytes being set to the low bits of value, on the main stream.
func (c *Context) Set(dst driver.Ptr, value uint32, width, count int) {
	if count == 0 || !c.ready() {
		return
	}
	code := C.contig_set(c.q, C.CUdeviceptr(dst), C.uint(value), C.int(width), C.size_t(count))
	if code != C.CUDA_SUCCESS {
		c.Fail(newError(c.name, fmt.Sprintf("cuMemsetD%dAsync", 8*width), code, fmt.Sprintf("%d elements at %#x", count, uint64(dst))))
	}
}
