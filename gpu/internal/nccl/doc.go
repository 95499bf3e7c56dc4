// Package nccl sums, gathers and spreads device memory between the GPUs of several processes, by NCCL 2.19 or later, opened at run time
// (libnccl.so.2).
//
// # One communicator, one goroutine
//
// A Comm queues all its collectives from the device's goroutine. The order of a program is the order on all ranks, so that no rank waits for
// one that waits for it. They go on the device's main stream, but for the sums beside it, which go on its side stream: NCCL runs the kernels
// of one communicator in the order of their calls, whatever their streams.
//
// # Nothing blocks
//
// The communicator is made with blocking = 0: a call returns at once, while a thread of NCCL's connects and launches, and no other
// call may come before ncclCommGetAsyncError says that it is done. What waits for that is here, and lets go of the Comm between two
// looks, so that another goroutine may end the wait by Abandon: a rank that is lost is never waited for for ever.
//
// # Capture
//
// Collectives may be recorded. NCCL keeps count of the graphs that hold some of its communicator: ncclCommDestroy and ncclCommAbort wait
// for their end. So recorded work is closed before the Comm, and both run on a thread of their own, given up after a few seconds.
//
// # The same bytes every time
//
// All ranks get the same sum. With the same ranks, hosts and sizes it is the same each time, but for NVLink SHARP (NVLS), whose switches
// add in any order: NCCL issues 1497 and 2360. A deterministic Comm sets NCCL_NVLS_ENABLE=0, unless that or NCCL_ALGO is set.
//
// # Failures
//
// NCCL notices by itself that a peer's connection over the network broke, and says so where it is asked: a goroutine asks every second. Such an error
// abandons the ranks, which ends the kernels that wait, and fails the device with NCCL's words. It does not notice a peer that died on
// the same host, or one that hangs: who learns of that calls Abandon.
package nccl

import (
	"fmt"

	"contig-gpu/gpu/internal/driver"
)

// Env names the environment variable that may name the library's file.
const Env = "CONTIG_LIBNCCL"

// A Stream is where collectives are queued.
type Stream interface {
	// Stream returns the CUstream.
	Stream() uintptr
	// Fork returns another one, which waits for what is queued on the first. Rejoin makes the first wait for it.
	Fork() uintptr
	Rejoin()
	// Enter makes its context the calling thread's. call is for the error.
	Enter(call string) error
	// Fail records a failure, to be returned when the device is next waited for. Any goroutine may call it.
	Fail(error)
}

// An Error is a call that NCCL refused, or what went wrong after it. It is a driver.ErrGone.
type Error struct {
	Call string // the function
	Code int    // its ncclResult_t
	Name string // as the header calls the code, "ncclRemoteError"
	Text string // as the library explains it
	Last string // the library's last words, which say more; may be empty
}

// Is reports whether target is driver.ErrGone.
func (e *Error) Is(target error) bool { return target == driver.ErrGone }

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s (%d): %s", e.Call, e.Name, e.Code, e.Text)
	if e.Last != "" {
		s += ": " + e.Last
	}
	return s
}

// dotted writes a version as people do: 23203 is 2.32.3.
func dotted(v int) string { return fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100) }
