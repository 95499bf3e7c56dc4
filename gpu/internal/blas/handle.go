//go:build linux && cgo

package blas

/*
#include "table.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// A Handle computes products on one GPU's stream. It implements driver.Products.
type Handle struct {
	api    *API
	stream Stream
	lt     C.cublasLtHandle_t
	plans  map[key]*plan

	scratch driver.Ptr
	room    int // bytes of scratch
}

// A plan is a description with an algorithm, or the reason why there is none.
type plan struct {
	*description
	workspace int // bytes
	err       error
}

// New opens the library for the GPU whose context is current and queues products on stream, in whose order
// everything runs. Close it before the context.
func New(stream Stream) (*Handle, error) {
	api, err := Load()
	if err != nil {
		return nil, err
	}
	h := &Handle{api: api, stream: stream, plans: map[key]*plan{}}
	if err := failure("cublasLtCreate", C.lt_cublasLtCreate(&h.lt), ""); err != nil {
		return nil, fmt.Errorf("blas: %s: %w", api.lib.Path(), err)
	}
	return h, nil
}

// Library describes the library for a report.
func (h *Handle) Library() driver.Library { return h.api.Library() }

// Close gives the plans and the library's handle back. It may be called again.
func (h *Handle) Close() error {
	if h.lt == nil {
		return nil
	}
	for k, p := range h.plans {
		p.close()
		delete(h.plans, k)
	}
	lt := h.lt
	h.lt = nil
	return failure("cublasLtDestroy", C.lt_cublasLtDestroy(lt), "")
}

// close gives the descriptors back where there are any.
func (p *plan) close() {
	if p.description != nil {
		p.description.close()
	}
}

// SetScratch gives MatMul memory to work in, aligned to 256 bytes. What is queued later uses it.
func (h *Handle) SetScratch(p driver.Ptr, bytes int) { h.scratch, h.room = p, bytes }

// FusesBias reports whether MatMul adds the product's bias, p.Bias being any address but 0, in the product itself.
// It does for results in F32, unless the library has no algorithm for it. Where it is false MatMul fails, and the bias
// (and ReLU after it) are to be applied to the result of the product without them.
func (h *Handle) FusesBias(p driver.Product) bool {
	return p.Bias != 0 && fusible(p) && h.planOf(p, keyOf(p, 0, 0, 0)).err == nil
}

// MatMulScratch returns the bytes of scratch memory that MatMul takes, at most WorkspaceLimit. It implements
// driver.Products. A product that cannot be computed is a failure of the stream and takes 0.
func (h *Handle) MatMulScratch(p driver.Product) int {
	bytes, err := h.MultiplyScratch(p)
	if err != nil {
		h.stream.Fail(err)
	}
	return bytes
}

// MultiplyScratch is MatMulScratch that returns why a product cannot be computed.
func (h *Handle) MultiplyScratch(p driver.Product) (int, error) {
	if p.M == 0 || p.N == 0 {
		return 0, nil
	}
	q := h.planOf(p, keyOf(p, 0, 0, 0))
	return q.workspace, q.err
}

// MatMul queues a product. It implements driver.Products. c may not overlap a or b. A product without elements is none.
func (h *Handle) MatMul(p driver.Product, c, a, b driver.Ptr) {
	if err := h.Multiply(p, c, a, b, h.scratch, h.room); err != nil {
		h.stream.Fail(err)
	}
}

// Multiply is MatMul with room bytes of memory to work in that returns what goes wrong.
func (h *Handle) Multiply(p driver.Product, c, a, b, work driver.Ptr, room int) error {
	if p.M == 0 || p.N == 0 {
		return nil
	}
	q := h.planOf(p, keyOf(p, c, a, b))
	if q.err != nil {
		return q.err
	}
	if q.workspace > room {
		return fmt.Errorf("blas: product %s takes %d bytes of scratch memory, of which there are %d", q.product, q.workspace, room)
	}
	return h.run(q, p.Bias, c, a, b, work, room)
}

// run queues a product. It allocates nothing.
func (h *Handle) run(q *plan, bias, c, a, b, work driver.Ptr, room int) error {
	if err := h.stream.Enter("cublasLtMatmul"); err != nil {
		return err
	}
	s := C.lt_plan_run(q.c, C.uintptr_t(c), C.uintptr_t(b), C.uintptr_t(a), C.uintptr_t(bias),
		C.uintptr_t(work), C.size_t(room), C.uintptr_t(h.stream.Stream()))
	if s == C.CUBLAS_STATUS_SUCCESS {
		return nil
	}
	return failure("cublasLtMatmul", s, q.product)
}

// planOf returns the product's plan, made when it is first asked for.
func (h *Handle) planOf(p driver.Product, k key) *plan {
	if q, ok := h.plans[k]; ok {
		return q
	}
	q := h.newPlan(p, k)
	h.plans[k] = q
	return q
}

func (h *Handle) newPlan(p driver.Product, k key) *plan {
	if h.lt == nil {
		return &plan{err: errors.New("blas: the handle is closed")}
	}
	if err := check(p); err != nil {
		return &plan{err: err}
	}
	if p.Bias != 0 && !fusible(p) {
		return &plan{err: fmt.Errorf("blas: product %s: cuBLASLt adds no f32 bias to a %v result; it is for a kernel after the product", text(p), p.Out)}
	}
	limit := WorkspaceLimit
	if best := k.aligned(); best != k {
		// What MatMulScratch promised holds for worse addresses too.
		q := h.planOf(p, best)
		if q.err != nil {
			return &plan{err: q.err}
		}
		limit = q.workspace
	}
	return h.choose(k, limit)
}

// choose makes a plan with the algorithm that the heuristic puts first.
func (h *Handle) choose(k key, limit int) *plan {
	d, err := h.api.describe(k, limit)
	if err != nil {
		return &plan{err: err}
	}
	found, err := h.candidates(d, limit)
	if err != nil {
		d.close()
		return &plan{err: err}
	}
	q := &plan{description: d}
	q.take(h.lt, found[0])
	return q
}

// take makes the plan use an algorithm.
func (p *plan) take(lt C.cublasLtHandle_t, r C.struct_contig_lt_result) {
	p.c.handle, p.c.algo, p.workspace = lt, r.algo, int(r.workspaceSize)
}

// candidates returns the heuristic's algorithms in its order, at least one. Those that break the limits, which the
// library was told, are left out all the same.
func (h *Handle) candidates(d *description, limit int) ([]C.struct_contig_lt_result, error) {
	var all [8]C.struct_contig_lt_result
	var n C.int
	s := C.lt_plan_heuristic(h.lt, d.c, C.int(len(all)), &all[0], &n)
	if err := failure("cublasLtMatmulAlgoGetHeuristic", s, d.product); err != nil {
		return nil, err
	}
	var good []C.struct_contig_lt_result
	for _, r := range all[:n] {
		if r.state == C.CUBLAS_STATUS_SUCCESS && int(r.workspaceSize) <= limit && ordered(&r.algo) {
			good = append(good, r)
		}
	}
	if len(good) == 0 {
		return nil, fmt.Errorf("blas: product %s: %w (%d bytes; %d proposed)", d.product, errNoAlgorithm, limit, int(n))
	}
	return good, nil
}

// ordered reports whether the algorithm adds up in one order and in float32.
func ordered(algo *C.struct_contig_lt_algo) bool {
	var scheme C.uint32_t
	var written C.size_t
	s := C.lt_cublasLtMatmulAlgoConfigGetAttribute(algo, C.CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, unsafe.Pointer(&scheme), 4, &written)
	return s == C.CUBLAS_STATUS_SUCCESS && scheme&^C.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE == C.CUBLASLT_REDUCTION_SCHEME_NONE
}
