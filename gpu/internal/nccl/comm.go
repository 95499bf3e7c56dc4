//go:build linux && cgo

package nccl

/*
#include <stdlib.h>
#include "table.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

const (
	interval = time.Second     // between two looks for what went wrong beside the calls
	patience = 5 * time.Second // for NCCL to end a communicator
)

var errClosed = errors.New("nccl: the communicator is closed")

// A Comm is this process among the ranks. It implements driver.Collectives.
type Comm struct {
	api      *API
	stream   Stream
	interval time.Duration
	patience time.Duration
	ordered  bool // NVLink SHARP is left out, so that sums have one order

	mu   sync.Mutex    // of all calls on comm: one at a time
	comm C.ncclComm_t  // nil when ended
	why  error         // that it ended
	over chan struct{} // closed when it ended
	away chan error    // gets what NCCL says of its end, once it has ended
}

// Join makes this process one of the ranks of a run, on the device of stream, whose goroutine calls it. It waits for the others until ctx
// ends. A deterministic Comm sums to the same bytes each time, with the same ranks on the same hosts. Where there is no library the error is driver.ErrNoCollectives, else driver.ErrGone.
func Join(ctx context.Context, stream Stream, p driver.Place, deterministic bool) (*Comm, error) {
	_, algo := os.LookupEnv("NCCL_ALGO")
	_, nvls := os.LookupEnv("NCCL_NVLS_ENABLE")
	ordered := deterministic && !algo && !nvls
	if ordered {
		if err := os.Setenv("NCCL_NVLS_ENABLE", "0"); err != nil {
			return nil, err
		}
	}
	c, err := join(ctx, stream, p, interval, patience)
	if err != nil {
		return nil, err
	}
	c.ordered = ordered
	return c, nil
}

// LeavesOutSHARP reports whether NVLink SHARP is not used where the hardware has it, because its sums have no order.
func (c *Comm) LeavesOutSHARP() bool { return c.ordered }

func join(ctx context.Context, stream Stream, p driver.Place, interval, patience time.Duration) (*Comm, error) {
	api, err := Load()
	if err != nil {
		return nil, err
	}
	if len(p.ID) != C.CONTIG_NCCL_ID_BYTES || p.Size < 1 || p.Rank < 0 || p.Rank >= p.Size {
		return nil, fmt.Errorf("nccl: rank %d of %d, with an id of %d bytes and not %d", p.Rank, p.Size, len(p.ID), int(C.CONTIG_NCCL_ID_BYTES))
	}
	const call = "ncclCommInitRankConfig"
	if err := stream.Enter(call); err != nil {
		return nil, err
	}
	// NCCL's thread writes the communicator down once more when it has begun, so that Go's memory will not do.
	where := (*C.ncclComm_t)(C.calloc(1, C.sizeof_ncclComm_t))
	code := C.contig_nccl_init(where, C.int(p.Size), unsafe.Pointer(&p.ID[0]), C.int(p.Rank))
	c := &Comm{api: api, stream: stream, interval: interval, patience: patience, comm: *where, over: make(chan struct{}), away: make(chan error, 1)}
	if code != C.ncclInProgress {
		err = failure(call, code, nil)
	}
	if err == nil {
		err = c.settle(ctx, call)
	}
	if err != nil && c.comm != nil {
		c.end(err, abort)
		_ = c.ended() // err says what happened
	}
	if err != nil {
		return nil, err // where stays: NCCL may still be at it
	}
	C.free(unsafe.Pointer(where))
	go c.watch()
	return c, nil
}

// Library describes the library for a report.
func (c *Comm) Library() driver.Library { return c.api.Library() }

// call makes a call on the communicator and waits until NCCL is done with it or ctx ends; what it queues is in the stream then.
func (c *Comm) call(ctx context.Context, name string, f func(comm C.ncclComm_t) C.ncclResult_t) error {
	c.mu.Lock()
	if c.comm == nil {
		defer c.mu.Unlock()
		return c.why
	}
	code := f(c.comm)
	err := failure(name, code, c.comm)
	c.mu.Unlock()
	if code != C.ncclInProgress {
		return err
	}
	return c.settle(ctx, name)
}

// settle waits until NCCL is done with a call, or ctx ends.
func (c *Comm) settle(ctx context.Context, call string) error {
	for n := 0; ; n++ {
		busy, err := c.look(call)
		if err != nil || !busy {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %s: %w", driver.ErrGone, call, context.Cause(ctx))
		}
		if n < 100 {
			runtime.Gosched() // a launch takes microseconds
		} else {
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// look asks whether NCCL is at work on a call, and what went wrong.
func (c *Comm) look(call string) (busy bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.comm == nil {
		return false, c.why
	}
	var state C.ncclResult_t
	if err := failure("ncclCommGetAsyncError", C.contig_ncclCommGetAsyncError(c.comm, &state), c.comm); err != nil {
		return false, err
	}
	if state == C.ncclInProgress {
		return true, nil
	}
	return false, failure(call, state, c.comm)
}

// watch looks for what went wrong beside the calls until the communicator ends, and then ends it: the device may be waiting.
func (c *Comm) watch() {
	t := time.NewTicker(c.interval)
	defer t.Stop()
	for {
		select {
		case <-c.over:
			return
		case <-t.C:
		}
		if err := c.Failed(); err != nil {
			c.Abandon(err)
			return
		}
	}
}

// Failed implements driver.Collectives.
func (c *Comm) Failed() error {
	_, err := c.look("NCCL, beside the calls")
	if errors.Is(err, errClosed) {
		return nil
	}
	return err
}

// Abandon implements driver.Collectives. It fails the device.
func (c *Comm) Abandon(why error) {
	if !errors.Is(why, driver.ErrGone) {
		why = fmt.Errorf("%w: %w", driver.ErrGone, why)
	}
	c.mu.Lock()
	gone := c.comm == nil
	c.mu.Unlock()
	if gone {
		return
	}
	c.stream.Fail(why) // before anything that waits comes back, so that nothing more is queued
	c.end(why, abort)
}

// abort and destroy end a communicator, in disorder or in order. Both wait for recorded work that holds collectives.
func abort(comm C.ncclComm_t) error {
	return failure("ncclCommAbort", C.contig_ncclCommAbort(comm), nil)
}
func destroy(comm C.ncclComm_t) error {
	return failure("ncclCommDestroy", C.contig_ncclCommDestroy(comm), nil)
}

// end takes the communicator away from everybody else, with why, and ends it on a thread of its own.
func (c *Comm) end(why error, how func(C.ncclComm_t) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	comm := c.comm
	if comm == nil {
		return
	}
	c.comm, c.why = nil, why
	close(c.over)
	go func() {
		runtime.LockOSThread() // never unlocked: it ends with the goroutine
		c.away <- how(comm)
	}()
}

// ended waits for NCCL's end of the communicator, but not for ever.
func (c *Comm) ended() error {
	select {
	case err := <-c.away:
		c.away <- nil // for the next
		return err
	case <-time.After(c.patience):
		return fmt.Errorf("nccl: the communicator has not ended within %v", c.patience)
	}
}

// Close implements driver.Collectives. What does not end in order is aborted. It may be called again.
func (c *Comm) Close() error {
	c.mu.Lock()
	gone := c.comm == nil
	c.mu.Unlock()
	if gone {
		return c.ended()
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), c.patience, fmt.Errorf("not ended within %v", c.patience))
	defer cancel()
	err := c.call(ctx, "ncclCommFinalize", func(comm C.ncclComm_t) C.ncclResult_t { return C.contig_ncclCommFinalize(comm) })
	if err != nil {
		c.end(err, abort)
	} else {
		c.end(errClosed, destroy)
	}
	return errors.Join(err, c.ended())
}
