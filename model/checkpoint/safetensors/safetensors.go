// Package safetensors reads and writes the safetensors format: eight bytes of header length, a JSON header of
// names, types, shapes and offsets, then the bytes of all tensors. Equal content gives equal bytes.
//
// Source of the format: https://github.com/huggingface/safetensors, section "Format".
package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// DType names an element type as the header spells it.
type DType string

// The element types that are read and written.
const (
	F64 DType = "F64" // 8 bytes
	F32 DType = "F32" // 4 bytes
	I64 DType = "I64" // 8 bytes
	U8  DType = "U8"  // 1 byte
)

// Size returns the bytes of one element, 0 for a type that is not known here.
func (t DType) Size() int {
	switch t {
	case F64, I64:
		return 8
	case F32:
		return 4
	case U8:
		return 1
	}
	return 0
}

// A Tensor is a named array, row-major. Data is little-endian and is borrowed, not copied.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// Len returns the number of elements.
func (t Tensor) Len() int { return elements(t.Shape) }

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Float64s returns the elements of an F32 or F64 tensor; it panics on another type.
func (t Tensor) Float64s() []float64 { return Floats[float64](t) }

// Floats returns the elements of an F32 or F64 tensor as E; it panics on another type.
func Floats[E float32 | float64](t Tensor) []E {
	out := make([]E, t.Len())
	switch t.DType {
	case F64:
		for i := range out {
			out[i] = E(math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:])))
		}
	case F32:
		for i := range out {
			out[i] = E(math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:])))
		}
	default:
		panic(fmt.Sprintf("safetensors: Floats: %s is %s", t.Name, t.DType))
	}
	return out
}

// Int64s returns the elements of an I64 tensor; it panics on another type.
func (t Tensor) Int64s() []int64 {
	if t.DType != I64 {
		panic(fmt.Sprintf("safetensors: Int64s: %s is %s", t.Name, t.DType))
	}
	out := make([]int64, t.Len())
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
	}
	return out
}

// FromFloats returns a tensor of type F32 or F64 with the elements v, rounded to it.
func FromFloats[E float32 | float64](name string, t DType, shape []int, v []E) Tensor {
	b := make([]byte, len(v)*t.Size())
	switch t {
	case F64:
		for i, x := range v {
			binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(float64(x)))
		}
	case F32:
		for i, x := range v {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(float32(x)))
		}
	default:
		panic(fmt.Sprintf("safetensors: FromFloats: %s is %s", name, t))
	}
	return Tensor{name, t, shape, b}
}

// FromInt64 returns a scalar of type I64.
func FromInt64(name string, v int64) Tensor {
	return Tensor{name, I64, []int{}, binary.LittleEndian.AppendUint64(nil, uint64(v))}
}
