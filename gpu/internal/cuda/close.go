//go:build linux && cgo

package cuda

/*
#include "calls.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// Close waits for queued work and gives back all that the Context holds: kernels, memory, pinned memory, events and
// graphs too, whose own Close does nothing afterwards. It returns what went wrong in doing so, or a failure that no
// call has returned. It may be called again. Called from another goroutine than Open's it is an error and does nothing.
func (c *Context) Close() error {
	if c.q == nil {
		return nil
	}
	if err := c.enter("Close", true); err != nil {
		return err
	}
	c.drain("Close")
	f := c.failed.Load()
	err := c.release()
	runtime.UnlockOSThread()
	switch {
	case f == nil:
		return err
	case f.returned.Load():
		return nil // a broken context refuses to be taken apart, too
	}
	return fmt.Errorf("Close: %w", f.err)
}

// release undoes open and all that came after it.
func (c *Context) release() error {
	var errs []error
	give := func(call string, code C.CUresult) { errs = append(errs, c.check(call, code)) }
	for g := range c.graphs {
		give("cuGraphExecDestroy", C.contig_cuGraphExecDestroy(g.exec))
	}
	for _, e := range c.events {
		give("cuEventDestroy_v2", C.contig_cuEventDestroy_v2(e))
	}
	for _, b := range c.pinned {
		give("cuMemFreeHost", C.contig_cuMemFreeHost(unsafe.Pointer(&b[0])))
	}
	for p := range c.memory {
		give("cuMemFree_v2", C.contig_cuMemFree_v2(C.CUdeviceptr(p)))
	}
	for _, m := range c.modules {
		give("cuModuleUnload", C.contig_cuModuleUnload(m))
	}
	for _, s := range c.q.streams {
		if s != nil {
			give("cuStreamDestroy_v2", C.contig_cuStreamDestroy_v2(s))
		}
	}
	C.contig_leave()
	give("cuDevicePrimaryCtxRelease_v2", C.contig_cuDevicePrimaryCtxRelease_v2(c.device))
	C.free(unsafe.Pointer(c.q))
	c.q, c.graphs, c.events, c.spare, c.pinned, c.memory, c.modules, c.kernels = nil, nil, nil, nil, nil, nil, nil, nil
	return errors.Join(errs...)
}
