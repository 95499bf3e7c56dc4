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

// The element types that are used. F16 and BF16 are read only.
const (
	F64  DType = "F64"  // 8 bytes
	F32  DType = "F32"  // 4 bytes
	F16  DType = "F16"  // 2 bytes, IEEE 754 binary16
	BF16 DType = "BF16" // 2 bytes, the upper half of an F32
	I64  DType = "I64"  // 8 bytes
	U8   DType = "U8"   // 1 byte
)

// Size returns the bytes of one element, 0 for a type that is not known here. Tensors of types that have no name above are carried along: a file
// may hold counters and flags beside weights.
func (t DType) Size() int {
	switch t {
	case F64, I64, "U64", "C64":
		return 8
	case F32, "I32", "U32":
		return 4
	case F16, BF16, "I16", "U16":
		return 2
	case U8, "I8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0":
		return 1
	}
	return 0
}

// Floats says whether the elements are floating-point numbers that Floats returns.
func (t DType) Floats() bool { return t == F64 || t == F32 || t == F16 || t == BF16 }

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

// Float64s returns the elements of a tensor of floating-point numbers; it panics on another type.
func (t Tensor) Float64s() []float64 { return Floats[float64](t) }

// Floats returns the elements of a tensor of floating-point numbers as E; it panics on another type.
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
	case F16:
		for i := range out {
			out[i] = E(half(binary.LittleEndian.Uint16(t.Data[2*i:])))
		}
	case BF16:
		for i := range out {
			out[i] = E(math.Float32frombits(uint32(binary.LittleEndian.Uint16(t.Data[2*i:])) << 16))
		}
	default:
		panic(fmt.Sprintf("safetensors: Floats: %s is %s", t.Name, t.DType))
	}
	return out
}

// half returns the value of an IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction.
func half(bits uint16) float64 {
	const fraction, bias, most = 10, 15, 31
	e, f := int(bits>>fraction)&most, float64(bits&(1<<fraction-1))
	v := math.Ldexp(f, 1-bias-fraction) // subnormal
	switch {
	case e == most && f == 0:
		v = math.Inf(1)
	case e == most:
		v = math.NaN()
	case e > 0:
		v = math.Ldexp(f+(1<<fraction), e-bias-fraction)
	}
	if bits>>15 != 0 {
		return -v
	}
	return v
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
