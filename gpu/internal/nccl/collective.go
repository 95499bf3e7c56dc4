//go:build linux && cgo

package nccl

/*
#include "table.h"
*/
import "C"

import (
	"context"

	"contig-gpu/gpu/internal/driver"
)

// queue makes a call that queues on a stream. What it fails with fails the device.
func (c *Comm) queue(name string, stream func() uintptr, f func(comm C.ncclComm_t, stream C.uintptr_t) C.ncclResult_t) {
	err := c.stream.Enter(name)
	if err == nil {
		on := C.uintptr_t(stream())
		err = c.call(context.Background(), name, func(comm C.ncclComm_t) C.ncclResult_t { return f(comm, on) })
	}
	if err != nil {
		c.stream.Fail(err)
	}
}

// AllReduce implements driver.Collectives.
func (c *Comm) AllReduce(p driver.Ptr, n int, t driver.Type) { c.sum(c.stream.Stream, p, n, t) }

// AllReduceBeside implements driver.Collectives.
func (c *Comm) AllReduceBeside(p driver.Ptr, n int, t driver.Type) { c.sum(c.stream.Fork, p, n, t) }

// Rejoin implements driver.Collectives.
func (c *Comm) Rejoin() { c.stream.Rejoin() }

func (c *Comm) sum(stream func() uintptr, p driver.Ptr, n int, t driver.Type) {
	if n == 0 {
		return
	}
	kind := [...]C.ncclDataType_t{driver.F32: C.ncclFloat32, driver.BF16: C.ncclBfloat16, driver.F16: C.ncclFloat16}[t]
	c.queue("ncclAllReduce", stream, func(comm C.ncclComm_t, stream C.uintptr_t) C.ncclResult_t {
		return C.contig_nccl_sum(C.uintptr_t(p), C.size_t(n), kind, comm, stream)
	})
}

// AllGather implements driver.Collectives.
func (c *Comm) AllGather(dst, src driver.Ptr, bytes int) {
	if bytes == 0 {
		return
	}
	c.queue("ncclAllGather", c.stream.Stream, func(comm C.ncclComm_t, stream C.uintptr_t) C.ncclResult_t {
		return C.contig_nccl_gather(C.uintptr_t(dst), C.uintptr_t(src), C.size_t(bytes), comm, stream)
	})
}

// Broadcast implements driver.Collectives.
func (c *Comm) Broadcast(p driver.Ptr, bytes int) {
	if bytes == 0 {
		return
	}
	c.queue("ncclBroadcast", c.stream.Stream, func(comm C.ncclComm_t, stream C.uintptr_t) C.ncclResult_t {
		return C.contig_nccl_spread(C.uintptr_t(p), C.size_t(bytes), comm, stream)
	})
}
