//go:build linux && cgo

package cuda

/*
#cgo noescape contig_after
#cgo nocallback contig_after
#include "calls.h"
*/
import "C"

import (
	"errors"
	"fmt"

	"contig-gpu/gpu/internal/driver"
)

// errNoPoint is what an event says that was closed, or recorded within a graph, where it has no time of its own.
var errNoPoint = errors.New("the event is closed or part of a graph")

// An event is a driver.Event. Events are reused: creating one costs more than recording it.
type event struct {
	c     *Context
	h     C.CUevent // nil when it could not be recorded, and after Close
	graph bool      // recorded while capturing
}

// newEvent creates an event that release destroys.
func (c *Context) newEvent(flags C.uint) (C.CUevent, error) {
	var h C.CUevent
	if err := c.check("cuEventCreate", C.contig_cuEventCreate(&h, flags)); err != nil {
		return nil, err
	}
	c.events = append(c.events, h)
	return h, nil
}

// CopyMark records where the copy stream stands.
func (c *Context) CopyMark() driver.Event { return c.mark(C.CONTIG_COPY) }

// MainMark records where the main stream stands.
func (c *Context) MainMark() driver.Event { return c.mark(C.CONTIG_MAIN) }

// mark records an event that measures time and lets the waiting thread sleep, since others want its core. After a
// failure it returns an event whose Wait returns that failure.
func (c *Context) mark(on C.enum_contig_stream) driver.Event {
	e := &event{c: c, graph: c.capturing}
	if !c.ready() {
		return e
	}
	if err := c.enter("cuEventRecord", false); err != nil {
		c.Fail(err)
		return e
	}
	var h C.CUevent
	if n := len(c.spare); n > 0 {
		h, c.spare = c.spare[n-1], c.spare[:n-1]
	} else {
		var err error
		if h, err = c.newEvent(C.CU_EVENT_BLOCKING_SYNC); err != nil {
			c.Fail(err)
			return e
		}
	}
	e.h = h
	c.queued("cuEventRecord", C.contig_record(c.q, on, h))
	return e
}

// MainAfter makes the main stream wait for e. An event of another device is an error.
func (c *Context) MainAfter(e driver.Event) { c.after(C.CONTIG_MAIN, e) }

// CopyAfter makes the copy stream wait for e.
func (c *Context) CopyAfter(e driver.Event) { c.after(C.CONTIG_COPY, e) }

func (c *Context) after(stream C.enum_contig_stream, on driver.Event) {
	if !c.ready() {
		return
	}
	e, ok := on.(*event)
	if !ok || e.c != c || e.h == nil {
		c.Fail(fmt.Errorf("%s: cannot wait for an event that is closed or another device's", c.name))
		return
	}
	c.queued("cuStreamWaitEvent", C.contig_after(c.q, stream, e.h))
}

// usable returns why the event cannot be asked.
func (e *event) usable(call string, waits bool) error {
	if f := e.c.failed.Load(); f != nil {
		return f.err
	}
	if err := e.c.enter(call, waits); err != nil {
		return err
	}
	if e.h == nil || e.graph {
		return fmt.Errorf("%s: %s: %w", e.c.name, call, errNoPoint)
	}
	return nil
}

// Wait blocks until the point has passed.
func (e *event) Wait() error {
	if err := e.usable("cuEventSynchronize", true); err != nil {
		return err
	}
	if !e.c.queued("cuEventSynchronize", C.contig_cuEventSynchronize(e.h)) {
		return e.c.failure("Wait")
	}
	return nil
}

// Passed reports whether the point has passed. After a failure it is true, so that nobody polls for ever.
func (e *event) Passed() bool {
	if err := e.usable("cuEventQuery", true); err != nil {
		e.c.Fail(err)
		return true
	}
	code := C.contig_cuEventQuery(e.h)
	if code == C.CUDA_ERROR_NOT_READY {
		return false
	}
	e.c.queued("cuEventQuery", code)
	return true
}

// Since returns the milliseconds from earlier to e.
func (e *event) Since(earlier driver.Event) (float64, error) {
	from, ok := earlier.(*event)
	if !ok || from.c != e.c {
		return 0, fmt.Errorf("%s: cuEventElapsedTime between two devices' events", e.c.name)
	}
	if err := errors.Join(e.usable("cuEventElapsedTime", true), from.usable("cuEventElapsedTime", true)); err != nil {
		return 0, err
	}
	var ms C.float
	err := e.c.check("cuEventElapsedTime", C.contig_cuEventElapsedTime(&ms, from.h, e.h))
	return float64(ms), err
}

// Close gives the event back. What streams were told to wait for stays: they wait for the point recorded then.
func (e *event) Close() {
	if e.h != nil && e.c.q != nil {
		e.c.spare = append(e.c.spare, e.h)
	}
	e.h = nil
}
