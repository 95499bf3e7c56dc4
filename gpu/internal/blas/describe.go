//go:build linux && cgo

package blas

/*
#include "table.h"
*/
import "C"

import (
	"errors"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// A description is a product in the library's descriptors. Making it needs the library but no GPU.
type description struct {
	c       *C.struct_lt_plan
	product string // for errors
	err     error  // the first failure
}

// describe makes the descriptors of a product for algorithms that take at most limit bytes of workspace.
func (a *API) describe(k key, limit int) (*description, error) {
	d := &description{c: C.lt_plan_new(), product: text(k.p)}
	if d.c == nil {
		return nil, errors.New("blas: no memory for a plan")
	}
	d.c.alpha, d.c.beta = 1, C.float(k.p.Beta)
	d.operation(k.p)
	first, second, out := matrices(k.p)
	d.layout(&d.c.first, first)
	d.layout(&d.c.second, second)
	d.layout(&d.c.out, out)
	d.preference(k, limit)
	if d.err != nil {
		d.close()
		return nil, d.err
	}
	return d, nil
}

// close gives the descriptors back.
func (d *description) close() {
	C.lt_plan_free(d.c)
	d.c = nil
}

// do runs a call unless one has failed before.
func (d *description) do(call string, f func() C.cublasStatus_t) {
	if d.err == nil {
		d.err = failure(call, f(), d.product)
	}
}

// operation describes what is computed: the compute type, transposes and epilogue.
func (d *description) operation(p driver.Product) {
	compute := C.cublasComputeType_t(C.CUBLAS_COMPUTE_32F)
	if p.TF32 {
		compute = C.CUBLAS_COMPUTE_32F_FAST_TF32
	}
	d.do("cublasLtMatmulDescCreate", func() C.cublasStatus_t { return C.lt_cublasLtMatmulDescCreate(&d.c.desc, compute, C.CUDA_R_32F) })
	d.set32(descriptor, C.CUBLASLT_MATMUL_DESC_TRANSA, operation(p.TransB))
	d.set32(descriptor, C.CUBLASLT_MATMUL_DESC_TRANSB, operation(p.TransA))
	d.set32(descriptor, C.CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue(p))
	if p.Bias == 0 {
		return
	}
	// Said outright, though it is what the library takes for granted: one that wanted another type would refuse.
	d.set32(descriptor, C.CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, C.CUDA_R_32F)
	// A key's bias is its alignment, which is all that the heuristic looks at.
	d.do("cublasLtMatmulDescSetAttribute(BIAS_POINTER)", func() C.cublasStatus_t { return C.lt_plan_bias(d.c, C.uintptr_t(p.Bias)) })
}

func operation(transposed bool) uint32 {
	if transposed {
		return C.CUBLAS_OP_T
	}
	return C.CUBLAS_OP_N
}

func epilogue(p driver.Product) uint32 {
	switch {
	case p.Bias != 0 && p.ReLU:
		return C.CUBLASLT_EPILOGUE_RELU_BIAS
	case p.Bias != 0:
		return C.CUBLASLT_EPILOGUE_BIAS
	case p.ReLU:
		return C.CUBLASLT_EPILOGUE_RELU
	}
	return C.CUBLASLT_EPILOGUE_DEFAULT
}

// dataType returns the library's name of an element type.
func dataType(t driver.Type) C.cudaDataType {
	return [...]C.cudaDataType{driver.F32: C.CUDA_R_32F, driver.BF16: C.CUDA_R_16BF, driver.F16: C.CUDA_R_16F}[t]
}

func (d *description) layout(l *C.cublasLtMatrixLayout_t, m matrix) {
	d.do("cublasLtMatrixLayoutCreate", func() C.cublasStatus_t {
		return C.lt_cublasLtMatrixLayoutCreate(l, dataType(m.typ), C.uint64_t(m.rows), C.uint64_t(m.cols), C.int64_t(m.rows))
	})
}

// preference describes which algorithms will do.
func (d *description) preference(k key, limit int) {
	d.do("cublasLtMatmulPreferenceCreate", func() C.cublasStatus_t { return C.lt_cublasLtMatmulPreferenceCreate(&d.c.pref) })
	bytes := uint64(limit)
	d.set(preference, C.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, unsafe.Pointer(&bytes), 8)
	d.set32(preference, C.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, C.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE)
	d.set32(preference, C.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, uint32(k.b))
	d.set32(preference, C.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, uint32(k.a))
	d.set32(preference, C.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, uint32(k.c))
	d.set32(preference, C.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, uint32(k.c))
}
