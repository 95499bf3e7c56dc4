//go:build linux && cgo

package dnn

/*
#include "calls.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// A Handle queues convolutions on one stream. It implements driver.Convolutions. Like its stream it is used from one
// goroutine at a time; what fails is reported to the stream. A Problem's plan is made when it is first asked for, by
// Scratch or by running it; from then on nothing is allocated for it.
type Handle struct {
	stream Stream
	chooser
	cache  *cache // nil without a Timer
	plans  map[Problem]planned
	weight map[driver.Conv]weightWay
	fused  map[Problem]comparison // of what begins with a Problem
	pack   *C.struct_contig_pack
	work   driver.Ptr
	room   int
	raced  time.Time // when plans were last timed
	closed bool
}

var _ driver.Convolutions = (*Handle)(nil)

// planned is a plan, or why there is none.
type planned struct {
	*plan
	err error
}

// New opens the library on a stream, whose context is current on the calling thread.
func New(s Stream, o Options) (*Handle, error) {
	api, err := Load()
	if err != nil {
		return nil, err
	}
	h := &Handle{stream: s, chooser: chooser{api: api, Options: o}, plans: map[Problem]planned{},
		weight: map[driver.Conv]weightWay{}, fused: map[Problem]comparison{}}
	h.pack = (*C.struct_contig_pack)(C.calloc(1, C.sizeof_struct_contig_pack))
	stream := *(*C.cudaStream_t)(unsafe.Pointer(&[]uintptr{s.Stream()}[0])) // an address of the driver's, not of Go
	if err := refused("cudnnCreate", C.contig_open(&h.target.handle, stream, &h.pack.why[0]), &h.pack.why[0]); err != nil {
		C.free(unsafe.Pointer(h.pack))
		return nil, fmt.Errorf("cuDNN: %w", err)
	}
	h.describe = sync.OnceValues(h.DescribeGPU)
	if o.Timer != nil {
		h.time = h.timePlans
		h.cache = openCache(o, api.Version())
	}
	h.packs, h.bad = openPacks(o.Packs, PackHead{Format: cacheFormat, Library: api.Version(), Arch: o.Arch, Multiprocs: o.Multiprocs, Driver: o.Driver})
	return h, nil
}

// Library says which library the handle uses.
func (h *Handle) Library() driver.Library {
	return driver.Library{Name: "libcudnn", Version: h.api.Version(), Path: h.api.Path()}
}

// Warning returns what hinders nothing but should be known, if there is such: why plans could not be read from or written
// to the cache, so that they are timed anew, why a pack is not used, or why a plan was not timed.
func (h *Handle) Warning() error {
	if h.cache == nil {
		return h.bad
	}
	return errors.Join(h.bad, h.cache.err, h.untimed)
}

// Plans returns all plans that there are, in the order of their Problems' text.
func (h *Handle) Plans() (all []Planned) {
	for p, q := range h.plans {
		if q.plan != nil {
			all = append(all, Planned{p.String(), q.Choice, kernelNames(q.text())})
		}
	}
	sortPlanned(all)
	return all
}

// Counts says where the plans since New came from.
func (h *Handle) Counts() Counts { return h.counts }

// Close gives the plans and the library's handle back. It may be called again, and after the stream is gone.
func (h *Handle) Close() error {
	if h.closed {
		return nil
	}
	h.closed = true
	for _, p := range h.plans {
		if p.plan != nil {
			p.close()
		}
	}
	h.plans = nil
	err := refused("cudnnDestroy", C.contig_close(h.target.handle, &h.pack.why[0]), &h.pack.why[0])
	C.free(unsafe.Pointer(h.pack))
	h.pack = nil
	return err
}

// planOf returns the plan of a Problem, made at the first call.
func (h *Handle) planOf(p Problem) (*plan, error) {
	q, ok := h.plans[p]
	if ok {
		return q.plan, q.err
	}
	if err := h.mayPlan(p); err != nil {
		return nil, err
	}
	q.plan, q.err = h.find(p)
	h.plans[p] = q
	return q.plan, q.err
}

// mayPlan says why no plan can be made now. Making one takes memory and waits for the GPU, which recorded work cannot do.
func (h *Handle) mayPlan(p Problem) error {
	if h.closed {
		return fmt.Errorf("cuDNN: %s: the handle is closed", p)
	}
	if err := h.stream.MayWait("making a plan"); err != nil {
		return fmt.Errorf("cuDNN: %s: %w", p, err)
	}
	return nil
}

// find takes what the cache holds of a Problem: as the library wrote it, or else, as after an update of the driver, made again of
// engine and knobs, and then written anew. Where neither can be had it chooses.
func (h *Handle) find(p Problem) (*plan, error) {
	s, kept := h.cache.get(p)
	if kept {
		if q, err := h.load(p, s); err == nil {
			h.counts.Cached++
			return q, nil
		}
		if q, err := h.rebuild(p, s.Choice); err == nil {
			h.keep(q)
			h.tell()
			return q, nil
		}
	}
	before := h.counts.Made
	q, err := h.choose(p)
	if h.counts.Made > before {
		h.tell()
	}
	switch {
	case err != nil || q.Timed == 0:
		return q, err
	case kept:
		h.keep(q)
		return q, nil
	}
	return h.agreed(q), nil
}

// agreed keeps a plan and returns it, or that which another process has kept before.
func (h *Handle) agreed(q *plan) *plan {
	mine := Saved{q.Choice, q.text()}
	s := h.cache.first(q.problem, mine)
	if reflect.DeepEqual(s, mine) {
		return q
	}
	theirs, err := h.load(q.problem, s)
	if err != nil {
		h.keep(q)
		return q
	}
	q.close()
	return theirs
}

// tell tells who wants to know that plans were made.
func (h *Handle) tell() {
	if h.Made != nil {
		h.Made(h.counts)
	}
}

// keep writes a plan to the cache.
func (h *Handle) keep(q *plan) { h.cache.put(q.problem, Saved{q.Choice, q.text()}) }

// Recall returns what Remember kept of a key on this kind of GPU with this version of the library; nil: nothing, or nothing is kept here.
func (h *Handle) Recall(kind, key string) []byte { return h.cache.recall(kind, key) }

// Remember keeps a value, which is JSON, for later processes.
func (h *Handle) Remember(kind, key string, value []byte) { h.cache.remember(kind, key, value) }

// Plan returns what was chosen for a Problem.
func (h *Handle) Plan(p Problem) (Choice, error) {
	q, err := h.planOf(p)
	if err != nil {
		return Choice{}, err
	}
	return q.Choice, nil
}

// SetScratch implements driver.Convolutions.
func (h *Handle) SetScratch(p driver.Ptr, bytes int) { h.work, h.room = p, bytes }

// run queues a Problem on the tensors of Problem.tensors, in that order. Unused addresses are 0.
func (h *Handle) run(p Problem, at [C.CONTIG_TENSORS]driver.Ptr) {
	if err := h.queue(p, at, h.work, h.room); err != nil {
		h.stream.Fail(err)
	}
}

// queue queues a Problem with room bytes of memory to work in.
func (h *Handle) queue(p Problem, at [C.CONTIG_TENSORS]driver.Ptr, work driver.Ptr, room int) error {
	q, err := h.planOf(p)
	if err != nil {
		return err
	}
	return h.execute(q, at, work, room)
}

// execute queues a plan with room bytes of memory to work in.
func (h *Handle) execute(q *plan, at [C.CONTIG_TENSORS]driver.Ptr, work driver.Ptr, room int) error {
	if q.Workspace > room {
		return fmt.Errorf("cuDNN: %s takes %d bytes of scratch memory, SetScratch gave %d", q.problem, q.Workspace, room)
	}
	if err := h.stream.Enter("cudnnBackendExecute"); err != nil {
		return err
	}
	for i, r := range q.roles {
		if at[i] == 0 || at[i]%alignment != 0 {
			return fmt.Errorf("cuDNN: %s: tensor %d is at address %#x, want a multiple of %d other than 0", q.problem, i+1, uint64(at[i]), alignment)
		}
		h.pack.ids[i], h.pack.pointers[i] = C.int64_t(r), C.uint64_t(at[i])
	}
	h.pack.count, h.pack.workspace = C.int64_t(len(q.roles)), C.uint64_t(work)
	if s := C.contig_execute(h.target.handle, q.ready, h.pack); s != C.CUDNN_STATUS_SUCCESS {
		return refused("cuDNN: "+q.problem.String(), s, &h.pack.why[0])
	}
	return nil
}
