//go:build linux && cgo

package cuda

/*
#include "calls.h"
*/
import "C"
import "contig-gpu/gpu/internal/driver"

// Profiled does f between the marks of the vendor's profilers, which measure nothing else where they are told to wait for them (ncu
// --profile-from-start off). It waits for what is queued before and after. A driver without these marks does f alone.
func (c *Context) Profiled(f func()) error {
	if err := c.Sync(); err != nil {
		return err
	}
	if err := c.profiler("cuProfilerStart"); err != nil {
		return err
	}
	f()
	if err := c.Sync(); err != nil {
		return err
	}
	return c.profiler("cuProfilerStop")
}

// profiler calls one of the two, which take nothing.
func (c *Context) profiler(name string) error {
	api, err := Load() // long since loaded
	if err != nil {
		return err
	}
	call, err := api.lib.Symbol(name)
	if err != nil {
		return nil // not every driver has it, and nothing depends on it
	}
	if code := C.contig_call(call); code != C.CUDA_SUCCESS {
		return newError(c.name, name, code, "")
	}
	return nil
}

// Caps has the copy stream, graphs and the profilers' marks.
func (c *Context) Caps() driver.Caps {
	return driver.Caps{Halves: true, Overlap: c, Profiled: c.Profiled}
}
