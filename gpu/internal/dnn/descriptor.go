//go:build linux && cgo

package dnn

/*
#include "calls.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"unsafe"
)

// A desc is a backend descriptor of the library.
type desc = C.cudnnBackendDescriptor_t

// A scope owns descriptors and gives them back together. After a failure it makes nothing more, so that a graph is
// built without a check behind every line.
type scope struct {
	made []desc
	why  [C.CONTIG_WHY]C.char
	err  error
}

// close gives the descriptors back, the youngest first. It may be called again.
func (s *scope) close() {
	for i := len(s.made) - 1; i >= 0; i-- {
		C.contig_cudnnBackendDestroyDescriptor(s.made[i])
	}
	s.made = nil
}

// drop gives one descriptor back before the others.
func (s *scope) drop(d desc) {
	if i := slices.Index(s.made, d); i >= 0 {
		s.made = slices.Delete(s.made, i, i+1)
		C.contig_cudnnBackendDestroyDescriptor(d)
	}
}

// take returns the failure and forgets it, where going on without is in order.
func (s *scope) take() error {
	err := s.err
	s.err = nil
	return err
}

// check keeps the first failure.
func (s *scope) check(status C.cudnnStatus_t, call string, args ...any) bool {
	if status != C.CUDNN_STATUS_SUCCESS && s.err == nil {
		s.err = refused(fmt.Sprintf(call, args...), status, &s.why[0])
	}
	return status == C.CUDNN_STATUS_SUCCESS
}

// blank makes a descriptor that the library will fill in.
func (s *scope) blank(kind C.cudnnBackendDescriptorType_t) desc {
	if s.err != nil {
		return nil
	}
	var d desc
	if s.check(C.contig_create(kind, &d, &s.why[0]), "cudnnBackendCreateDescriptor %d", kind) {
		s.made = append(s.made, d)
	}
	return d
}

// make makes a descriptor of these attributes and finalizes it. what names it in errors.
func (s *scope) make(what string, kind C.cudnnBackendDescriptorType_t, attributes ...attribute) desc {
	d := s.blank(kind)
	for _, a := range attributes {
		if s.err != nil {
			return nil
		}
		if a.count > 0 || a.typ == C.CUDNN_TYPE_BACKEND_DESCRIPTOR {
			s.check(C.contig_set(d, a.name, a.typ, a.count, a.values, &s.why[0]), "attribute %d of %s", a.name, what)
		}
	}
	if s.err != nil {
		return nil
	}
	s.check(C.contig_finalize(d, &s.why[0]), "%s", what)
	return d
}

// An attribute is a value to set: count elements of a type. The zero attribute sets nothing.
type attribute struct {
	name   C.cudnnBackendAttributeName_t
	typ    C.cudnnBackendAttributeType_t
	count  C.int64_t
	values unsafe.Pointer
}

func valuesOf[T any](name C.cudnnBackendAttributeName_t, typ C.cudnnBackendAttributeType_t, v []T) attribute {
	return attribute{name, typ, C.int64_t(len(v)), unsafe.Pointer(unsafe.SliceData(v))}
}

func ints(name C.cudnnBackendAttributeName_t, v ...int64) attribute {
	return valuesOf(name, C.CUDNN_TYPE_INT64, v)
}

// enum is a value of one of the library's enumerations, whose type is told by typ.
func enum(name C.cudnnBackendAttributeName_t, typ C.cudnnBackendAttributeType_t, v int32) attribute {
	return valuesOf(name, typ, []int32{v})
}

func dataType(name C.cudnnBackendAttributeName_t, v int32) attribute {
	return enum(name, C.CUDNN_TYPE_DATA_TYPE, v)
}

func float(name C.cudnnBackendAttributeName_t, v float32) attribute {
	return valuesOf(name, C.CUDNN_TYPE_FLOAT, []float32{v})
}

func yes(name C.cudnnBackendAttributeName_t) attribute {
	return valuesOf(name, C.CUDNN_TYPE_BOOLEAN, []bool{true})
}

func descs(name C.cudnnBackendAttributeName_t, v ...desc) attribute {
	return valuesOf(name, C.CUDNN_TYPE_BACKEND_DESCRIPTOR, v)
}

func text(name C.cudnnBackendAttributeName_t, v []byte) attribute {
	return valuesOf(name, C.CUDNN_TYPE_CHAR, v)
}

// count returns how many elements an attribute has.
func (s *scope) count(d desc, name C.cudnnBackendAttributeName_t, typ C.cudnnBackendAttributeType_t) int {
	var n C.int64_t
	if s.err != nil || !s.check(C.contig_get(d, name, typ, 0, &n, nil, &s.why[0]), "the number of elements of attribute %d", name) {
		return 0
	}
	return int(n)
}

// get reads up to len(into) elements of an attribute and returns those that there are.
func get[T any](s *scope, d desc, name C.cudnnBackendAttributeName_t, typ C.cudnnBackendAttributeType_t, into []T) []T {
	if s.err != nil || len(into) == 0 {
		return nil
	}
	var n C.int64_t
	if !s.check(C.contig_get(d, name, typ, C.int64_t(len(into)), &n, unsafe.Pointer(&into[0]), &s.why[0]), "attribute %d", name) {
		return nil
	}
	return into[:min(int(n), len(into))]
}

// integer reads a single number.
func (s *scope) integer(d desc, name C.cudnnBackendAttributeName_t) int {
	if v := get(s, d, name, C.CUDNN_TYPE_INT64, make([]int64, 1)); len(v) == 1 {
		return int(v[0])
	}
	return 0
}

// inner reads descriptors out of an attribute, at most room, into blank ones of that kind. (Asked for the number with
// no room the library says 0 for some attributes.)
func (s *scope) inner(d desc, name C.cudnnBackendAttributeName_t, kind C.cudnnBackendDescriptorType_t, room int) []desc {
	blanks := make([]desc, room)
	for i := range blanks {
		blanks[i] = s.blank(kind)
	}
	found := get(s, d, name, C.CUDNN_TYPE_BACKEND_DESCRIPTOR, blanks)
	for _, b := range blanks[len(found):] {
		s.drop(b)
	}
	return found
}
