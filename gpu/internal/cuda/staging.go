//go:build linux && cgo

package cuda

/*
#cgo noescape contig_to_device
#cgo nocallback contig_to_device
#cgo noescape contig_to_host
#cgo nocallback contig_to_host
#cgo noescape contig_record
#cgo nocallback contig_record
#include "calls.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// stagingBytes is the size of each staging buffer: large enough that a copy's fixed cost, some 10 us, is small beside
// its transfer, some 80 us at 50 GB/s.
const stagingBytes = 4 << 20

// staging is pinned memory through which pageable memory is copied: while the device works on one buffer, Go fills or
// empties the other.
type staging struct {
	buffer [2][]byte
	free   [2]C.CUevent // passed when the device has done with the buffer
	next   int          // the buffer to take next
}

func (s *staging) open(c *Context) error {
	for i := range s.buffer {
		var err error
		if s.buffer[i], err = c.Pinned(stagingBytes); err != nil {
			return err
		}
		if s.free[i], err = c.newEvent(C.CU_EVENT_DISABLE_TIMING); err != nil {
			return err
		}
	}
	return nil
}

// take waits until the next buffer is free.
func (s *staging) take(c *Context) (i int, ok bool) {
	i = s.next
	s.next = 1 - i
	return i, s.wait(c, i)
}

// wait waits until the device has done with buffer i.
func (s *staging) wait(c *Context, i int) bool {
	return c.queued("cuEventSynchronize", C.contig_cuEventSynchronize(s.free[i]))
}

// release has free[i] pass when the copy queued last is done.
func (s *staging) release(c *Context, i int) bool {
	return c.queued("cuEventRecord", C.contig_record(c.q, C.CONTIG_MAIN, s.free[i]))
}

// Upload copies host memory to the device in the order of the main stream and returns when src may be reused, which may
// be before the copy has been made.
func (c *Context) Upload(dst driver.Ptr, src []byte) {
	if len(src) == 0 || !c.copies("Upload") {
		return
	}
	s := &c.staging
	for off := 0; off < len(src); off += stagingBytes {
		i, ok := s.take(c)
		if !ok {
			return
		}
		n := copy(s.buffer[i], src[off:])
		code := C.contig_to_device(c.q, 0, C.CUdeviceptr(dst.Add(off)), unsafe.Pointer(&s.buffer[i][0]), C.size_t(n))
		if !c.copied("cuMemcpyHtoDAsync_v2", code, dst, len(src)) || !s.release(c, i) {
			return
		}
	}
}

// Download waits for the work queued before on the main stream and copies device memory to the host. After a failure
// dst is not written any further.
func (c *Context) Download(dst []byte, src driver.Ptr) {
	if len(dst) == 0 || !c.copies("Download") {
		return
	}
	s := &c.staging
	var left []byte // what the copy before this one has yet to fill, from buffer from
	from := 0
	for off := 0; off < len(dst); off += stagingBytes {
		part := dst[off:min(off+stagingBytes, len(dst))]
		i, ok := s.take(c)
		if !ok {
			return
		}
		code := C.contig_to_host(c.q, unsafe.Pointer(&s.buffer[i][0]), C.CUdeviceptr(src.Add(off)), C.size_t(len(part)))
		if !c.copied("cuMemcpyDtoHAsync_v2", code, src, len(dst)) || !s.release(c, i) {
			return
		}
		if left != nil && !s.collect(c, left, from) {
			return
		}
		left, from = part, i
	}
	s.collect(c, left, from)
}

// collect waits for buffer i and copies what came in.
func (s *staging) collect(c *Context, dst []byte, i int) bool {
	if !s.wait(c, i) {
		return false
	}
	copy(dst, s.buffer[i])
	return true
}

// copies reports whether a call that waits may go on.
func (c *Context) copies(call string) bool {
	if !c.ready() {
		return false
	}
	if err := c.enter(call, true); err != nil {
		c.Fail(err)
		return false
	}
	return true
}

func (c *Context) copied(call string, code C.CUresult, p driver.Ptr, bytes int) bool {
	if code == C.CUDA_SUCCESS {
		return true
	}
	c.Fail(newError(c.name, call, code, fmt.Sprintf("%d bytes at %#x", bytes, uint64(p))))
	return false
}
