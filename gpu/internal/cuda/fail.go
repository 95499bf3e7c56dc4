//go:build linux && cgo

package cuda

/*
#include "calls.h"
*/
import "C"

import (
	"errors"
	"fmt"
)

// errClosed is what calls after Close fail with.
var errClosed = errors.New("the device is closed")

// Fail records a failure for Sync to return, unless there is one already; nothing is queued afterwards. Any goroutine
// may call it. While a graph is captured, what only spoils the capture is returned by Capture and then forgotten.
func (c *Context) Fail(err error) {
	if err == nil {
		return
	}
	var refused *captureError
	var e *Error
	spoils := c.capturing && (errors.As(err, &refused) || errors.As(err, &e) && e.Code.capture())
	c.failed.CompareAndSwap(nil, &failure{err: err, capture: spoils})
}

// capture tells whether the code says that a capture was broken and nothing else, CUDA_ERROR_STREAM_CAPTURE_*.
func (c Code) capture() bool { return c >= 900 && c <= 908 }

// ready reports whether work may be queued; it may not after a failure.
func (c *Context) ready() bool {
	if c.q == nil {
		c.Fail(fmt.Errorf("%s: %w", c.name, errClosed))
		return false
	}
	return c.failed.Load() == nil
}

// queued records the failure of a call that queues.
func (c *Context) queued(call string, code C.CUresult) bool {
	if code == C.CUDA_SUCCESS {
		return true
	}
	c.Fail(newError(c.name, call, code, ""))
	return false
}

// enter makes the context current for calls that do not do so themselves. It refuses calls from other threads, after
// Close, and, where they wait or allocate, while a graph is being captured.
func (c *Context) enter(call string, waits bool) error {
	if c.q == nil {
		return fmt.Errorf("%s: %s: %w", c.name, call, errClosed)
	}
	if err := c.check(call, C.contig_enter(c.q)); err != nil {
		return err
	}
	if waits && c.capturing {
		return &captureError{c.name, call}
	}
	return nil
}

// Enter makes the context that of the calling thread. call is for the error: another thread than Open's, or after Close.
func (c *Context) Enter(call string) error { return c.enter(call, false) }

// MayWait says why a call that waits or allocates, named for the error, cannot be made now: while work is recorded, from
// another thread, or after Close. nil: it can.
func (c *Context) MayWait(call string) error { return c.enter(call, true) }

// A captureError is a call that cannot be part of a graph.
type captureError struct{ device, call string }

func (e *captureError) Error() string {
	return fmt.Sprintf("%s: %s waits or allocates, which recorded work cannot do", e.device, e.call)
}

// Sync waits for all queued work, on all streams, and returns the first failure since Open.
func (c *Context) Sync() error {
	c.drain("Sync")
	return c.failure("Sync")
}

// drain waits for all streams, on behalf of call, and reports whether all is well.
func (c *Context) drain(call string) bool {
	if err := c.enter(call, true); err != nil {
		c.Fail(err)
		return false
	}
	ok := c.failed.Load() == nil
	for _, s := range c.q.streams {
		ok = ok && c.queued("cuStreamSynchronize", C.contig_cuStreamSynchronize(s))
	}
	return ok
}

// failure returns the first failure since Open, which may have come from any call before.
func (c *Context) failure(call string) error {
	f := c.failed.Load()
	if f == nil {
		return nil
	}
	f.returned.Store(true)
	return fmt.Errorf("%s: %w", call, f.err)
}
