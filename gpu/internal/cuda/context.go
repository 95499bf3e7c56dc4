//go:build linux && cgo

package cuda

/*
#include "calls.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// A Context is one GPU: its primary context, a main stream for work in program order, a copy stream, and a side stream for collectives. All methods
// but Fail, Info, Stream and Handle are for the goroutine that called Open, which is locked to its thread; called from
// another one they fail with WrongThread and do nothing.
type Context struct {
	info   driver.Info
	name   string // "cuda:0"
	device C.CUdevice
	q      *C.struct_contig_queue // nil when closed

	failed    atomic.Pointer[failure] // the first failure
	capturing bool
	kernels   map[string]*function // by name
	arguments map[string]int       // of the kernels in modules, their number by name
	modules   []C.CUmodule
	memory    map[driver.Ptr]int // bytes
	pinned    [][]byte
	graphs    map[*graph]bool
	events    []C.CUevent // all that were created
	spare     []C.CUevent // those of them that nobody holds
	staging   staging
}

// A failure is what stops a Context.
type failure struct {
	err      error
	capture  bool        // it only spoilt the capture under way
	returned atomic.Bool // a caller has seen it
}

// Open opens a GPU by its number. It locks the calling goroutine to its thread until Close.
func (a *API) Open(ordinal int) (*Context, error) {
	c := &Context{
		name:    fmt.Sprintf("cuda:%d", ordinal),
		kernels: map[string]*function{}, arguments: map[string]int{}, memory: map[driver.Ptr]int{}, graphs: map[*graph]bool{},
	}
	if err := c.find(a, ordinal); err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	if err := c.open(); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return c, nil
}

// find looks the GPU up and describes it.
func (c *Context) find(a *API, ordinal int) error {
	n, err := a.DeviceCount()
	if err != nil {
		return err
	}
	if ordinal < 0 || ordinal >= n {
		return fmt.Errorf("%s: the driver has %d devices", c.name, n)
	}
	if err := c.check("cuDeviceGet", C.contig_cuDeviceGet(&c.device, C.int(ordinal))); err != nil {
		return err
	}
	c.info, err = c.describe(a)
	return err
}

func (c *Context) describe(a *API) (driver.Info, error) {
	var text [256]C.char
	var total C.size_t
	err := errors.Join(
		c.check("cuDeviceGetName", C.contig_cuDeviceGetName(&text[0], C.int(len(text)), c.device)),
		c.check("cuDeviceTotalMem_v2", C.contig_cuDeviceTotalMem_v2(&total, c.device)))
	attr := func(which C.CUdevice_attribute) int {
		var v C.int
		err = errors.Join(err, c.check("cuDeviceGetAttribute", C.contig_cuDeviceGetAttribute(&v, which, c.device)))
		return int(v)
	}
	return driver.Info{
		Name: C.GoString(&text[0]),
		PCI: fmt.Sprintf("%04x:%02x:%02x", attr(C.CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID), attr(C.CU_DEVICE_ATTRIBUTE_PCI_BUS_ID),
			attr(C.CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID)),
		Arch:           10*attr(C.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) + attr(C.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
		Multiprocs:     attr(C.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
		Memory:         int(total),
		SharedPerBlock: attr(C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
		L2:             attr(C.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE),
		Driver:         a.version,
		Libraries:      []driver.Library{{Name: "libcuda", Version: dotted(a.version), Path: a.lib.Path()}},
		Emulated:       a.emulated,
		Untimed:        a.emulated && os.Getenv("SIMT_CLOCK") == "", // which says what the emulator's work is to take
	}, err
}

// open makes the streams and the staging memory in the GPU's primary context, giving back what it made when it fails.
func (c *Context) open() error {
	var ctx C.CUcontext
	if err := c.check("cuDevicePrimaryCtxRetain", C.contig_cuDevicePrimaryCtxRetain(&ctx, c.device)); err != nil {
		return err
	}
	if c.q = C.contig_queue_new(ctx); c.q == nil {
		C.contig_cuDevicePrimaryCtxRelease_v2(c.device)
		return fmt.Errorf("%s: no memory for a queue", c.name)
	}
	err := c.check("cuCtxSetCurrent", C.contig_enter(c.q))
	for i := range c.q.streams {
		if err == nil {
			err = c.check("cuStreamCreate", C.contig_cuStreamCreate(&c.q.streams[i], C.CU_STREAM_NON_BLOCKING))
		}
	}
	if err == nil {
		err = c.staging.open(c)
	}
	if err != nil {
		c.release()
	}
	return err
}

// check makes an error of a driver's code.
func (c *Context) check(call string, code C.CUresult) error {
	if code == C.CUDA_SUCCESS {
		return nil
	}
	return newError(c.name, call, code, "")
}

// Info describes the GPU, with libcuda as its only library.
func (c *Context) Info() driver.Info { return c.info }

// Stream returns the main CUstream, for libraries that queue work themselves; 0 when closed.
func (c *Context) Stream() uintptr {
	if c.q == nil {
		return 0
	}
	return uintptr(unsafe.Pointer(c.q.streams[C.CONTIG_MAIN]))
}

// Handle returns the CUcontext; 0 when closed.
func (c *Context) Handle() uintptr {
	if c.q == nil {
		return 0
	}
	return uintptr(unsafe.Pointer(c.q.ctx))
}
