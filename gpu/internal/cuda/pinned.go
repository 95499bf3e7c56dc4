//go:build linux && cgo

package cuda

/*
#include "calls.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// Pinned returns page-locked host memory outside of Go's heap; its contents are undefined.
func (c *Context) Pinned(bytes int) ([]byte, error) {
	if err := c.enter("cuMemHostAlloc", true); err != nil {
		return nil, err
	}
	if bytes <= 0 {
		return nil, fmt.Errorf("%s: %d bytes of pinned memory were asked for", c.name, bytes)
	}
	var p unsafe.Pointer
	if code := C.contig_cuMemHostAlloc(&p, C.size_t(bytes), C.CU_MEMHOSTALLOC_PORTABLE); code != C.CUDA_SUCCESS {
		return nil, newError(c.name, "cuMemHostAlloc", code, fmt.Sprintf("%d bytes of page-locked host memory were asked for", bytes))
	}
	b := unsafe.Slice((*byte)(p), bytes)
	c.pinned = append(c.pinned, b)
	return b, nil
}

// FreePinned waits for queued work, which may be using the memory, and gives it back. b is what Pinned returned; after
// Close nothing is left to give.
func (c *Context) FreePinned(b []byte) {
	if len(b) == 0 || c.q == nil {
		return
	}
	if err := c.enter("cuMemFreeHost", true); err != nil {
		c.Fail(err)
		return
	}
	i := slices.IndexFunc(c.pinned, func(p []byte) bool { return &p[0] == &b[0] })
	if i < 0 {
		c.Fail(fmt.Errorf("%s: FreePinned of memory that Pinned did not return or that is free already", c.name))
		return
	}
	if !c.drain("cuMemFreeHost") {
		return
	}
	c.pinned = slices.Delete(c.pinned, i, i+1)
	c.queued("cuMemFreeHost", C.contig_cuMemFreeHost(unsafe.Pointer(&b[0])))
}

// isPinned reports whether b lies in pinned memory. There are few pieces of it.
func (c *Context) isPinned(b []byte) bool {
	for _, p := range c.pinned {
		first, at := uintptr(unsafe.Pointer(&p[0])), uintptr(unsafe.Pointer(&b[0]))
		if at >= first && at+uintptr(len(b)) <= first+uintptr(len(p)) {
			return true
		}
	}
	return false
}

// mayCopy refuses memory that is not pinned: Go might free or reuse it while the device still copies.
func (c *Context) mayCopy(call string, b []byte) bool {
	if len(b) == 0 || !c.ready() {
		return false
	}
	if !c.isPinned(b) {
		c.Fail(fmt.Errorf("%s: %s of %d bytes that are not in pinned memory", c.name, call, len(b)))
		return false
	}
	return true
}

// UploadPinned queues a copy from pinned memory on the copy stream; src must stay as it is until an event of CopyMark
// has passed. It does not wait for the main stream: CopyAfter does.
func (c *Context) UploadPinned(dst driver.Ptr, src []byte) {
	if !c.mayCopy("UploadPinned", src) {
		return
	}
	code := C.contig_to_device(c.q, C.CONTIG_COPY, C.CUdeviceptr(dst), unsafe.Pointer(&src[0]), C.size_t(len(src)))
	c.copied("cuMemcpyHtoDAsync_v2", code, dst, len(src))
}

// DownloadPinned queues a copy to pinned memory in the order of the main stream.
func (c *Context) DownloadPinned(dst []byte, src driver.Ptr) {
	if !c.mayCopy("DownloadPinned", dst) {
		return
	}
	code := C.contig_to_host(c.q, unsafe.Pointer(&dst[0]), C.CUdeviceptr(src), C.size_t(len(dst)))
	c.copied("cuMemcpyDtoHAsync_v2", code, src, len(dst))
}
