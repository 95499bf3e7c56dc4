//go:build linux && cgo

package blas

/*
#include "table.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// A part of a description whose attributes can be set and read.
type part int

const (
	descriptor   part = iota // cublasLtMatmulDesc_t
	firstLayout              // cublasLtMatrixLayout_t of the library's A
	secondLayout             // of its B
	outLayout                // of its C and D
	preference               // cublasLtMatmulPreference_t
)

func (p part) String() string {
	return [...]string{"cublasLtMatmulDesc", "cublasLtMatrixLayout", "cublasLtMatrixLayout", "cublasLtMatrixLayout", "cublasLtMatmulPreference"}[p]
}

// layoutOf returns one of the three layouts.
func (d *description) layoutOf(p part) C.cublasLtMatrixLayout_t {
	return [...]C.cublasLtMatrixLayout_t{firstLayout: d.c.first, secondLayout: d.c.second, outLayout: d.c.out}[p]
}

// set sets an attribute, by its number, to the size bytes at value.
func (d *description) set(p part, attr uint32, value unsafe.Pointer, size int) {
	id := C.unsigned(attr)
	d.do(fmt.Sprintf("%sSetAttribute(%d)", p, attr), func() C.cublasStatus_t {
		switch p {
		case descriptor:
			return C.lt_cublasLtMatmulDescSetAttribute(d.c.desc, id, value, C.size_t(size))
		case preference:
			return C.lt_cublasLtMatmulPreferenceSetAttribute(d.c.pref, id, value, C.size_t(size))
		}
		return C.lt_cublasLtMatrixLayoutSetAttribute(d.layoutOf(p), id, value, C.size_t(size))
	})
}

// set32 sets an attribute of 4 bytes, as most are.
func (d *description) set32(p part, attr uint32, value uint32) {
	d.set(p, attr, unsafe.Pointer(&value), 4)
}

// get reads an attribute of size bytes, at most 8, as the number it is.
func (d *description) get(p part, attr uint32, size int) (uint64, error) {
	var value uint64
	var written C.size_t
	at, n, id := unsafe.Pointer(&value), C.size_t(size), C.unsigned(attr)
	var s C.cublasStatus_t
	switch p {
	case descriptor:
		s = C.lt_cublasLtMatmulDescGetAttribute(d.c.desc, id, at, n, &written)
	case preference:
		s = C.lt_cublasLtMatmulPreferenceGetAttribute(d.c.pref, id, at, n, &written)
	default:
		s = C.lt_cublasLtMatrixLayoutGetAttribute(d.layoutOf(p), id, at, n, &written)
	}
	if err := failure(fmt.Sprintf("%sGetAttribute(%d)", p, attr), s, d.product); err != nil {
		return 0, err
	}
	if int(written) != size {
		return 0, fmt.Errorf("%sGetAttribute(%d) wrote %d bytes of %d", p, attr, written, size)
	}
	return value, nil
}
