package gpu

import (
	"fmt"
	"math"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// DType is the element type of a Tensor.
type DType uint8

const (
	F32  DType = iota // 4 bytes; the training type
	F64               // 8 bytes; CPU only: the reference of everything else
	I32               // 4 bytes; indices
	U8                // 1 byte; masks and pixels
	BF16              // 2 bytes, the upper half of a float32; GPU only
	F16               // 2 bytes, IEEE half precision; GPU only
)

// Size returns the bytes of one element.
func (t DType) Size() int { return [...]int{F32: 4, F64: 8, I32: 4, U8: 1, BF16: 2, F16: 2}[t] }

func (t DType) String() string {
	return [...]string{F32: "f32", F64: "f64", I32: "i32", U8: "u8", BF16: "bf16", F16: "f16"}[t]
}

// Float is an element type that operations compute in.
type Float interface{ float32 | float64 }

// Element is any element type of a Tensor.
type Element interface {
	float32 | float64 | int32 | uint8
}

// A Tensor is a dense row-major array on one Device. It is a value and a view: it owns no memory and is
// valid until its Arena frees it, is reset or closed. The zero Tensor has no device; where an operation
// says that an argument is optional, the zero Tensor leaves it out.
type Tensor struct {
	dev   *Device
	dtype DType
	rank  int8
	dims  [4]int
	mem   unsafe.Pointer // nil except on the CPU
	at    driver.Ptr     // 0 but on a GPU
	block block          // for Free
}

// Ok reports whether t is a tensor at all: false for the zero Tensor.
func (t Tensor) Ok() bool { return t.dev != nil }

// Device returns where t lives.
func (t Tensor) Device() *Device { return t.dev }

// DType returns the element type.
func (t Tensor) DType() DType { return t.dtype }

// Rank returns the number of dimensions, 1 to 4.
func (t Tensor) Rank() int { return int(t.rank) }

// Dim returns the length of axis i; it panics if i is not in [0, Rank).
func (t Tensor) Dim(i int) int { return t.dims[:t.rank][i] }

// Dims returns a copy of the shape.
func (t Tensor) Dims() []int { return append([]int(nil), t.dims[:t.rank]...) }

// Len returns the number of elements, 0 for the zero Tensor.
func (t Tensor) Len() int {
	n := 1
	if t.rank == 0 {
		n = 0
	}
	for _, d := range t.dims[:t.rank] {
		n *= d
	}
	return n
}

// Bytes returns the memory of the elements.
func (t Tensor) Bytes() int { return t.Len() * t.dtype.Size() }

// View returns the same elements under another shape. It panics if the number of elements differs.
func (t Tensor) View(dims ...int) Tensor {
	v := t
	v.setDims(dims)
	if v.Len() != t.Len() {
		panic(fmt.Sprintf("gpu: View: %v has %d elements, %v has %d", t.Dims(), t.Len(), dims, v.Len()))
	}
	return v
}

// Slice returns elements [lo, hi) of t, flattened, as a one-dimensional view.
func (t Tensor) Slice(lo, hi int) Tensor {
	if lo < 0 || hi < lo || hi > t.Len() {
		panic(fmt.Sprintf("gpu: Slice [%d, %d) of %d elements", lo, hi, t.Len()))
	}
	v := t
	v.setDims([]int{hi - lo})
	if t.mem != nil {
		v.mem = unsafe.Add(t.mem, lo*t.dtype.Size())
	}
	v.at = t.at.Add(lo * t.dtype.Size())
	return v
}

func (t *Tensor) setDims(dims []int) {
	if len(dims) < 1 || len(dims) > 4 {
		panic(fmt.Sprintf("gpu: a tensor has 1 to 4 dimensions, not %v", dims))
	}
	for i, n := 0, 1; i < len(dims); i++ {
		if dims[i] < 0 || dims[i] > 0 && n > math.MaxInt/8/dims[i] {
			panic(fmt.Sprintf("gpu: no tensor is %v: lengths are 0 or more, and their product's bytes fit an int", dims))
		}
		n *= dims[i]
	}
	t.rank, t.dims = int8(len(dims)), [4]int{}
	copy(t.dims[:], dims)
}

// Host returns the elements of a CPU tensor in place. It panics on another device or element type.
func Host[E Element](t Tensor) []E {
	if dtypeOf[E]() != t.dtype || t.mem == nil {
		panic(fmt.Sprintf("gpu: Host: tensor is %v on %s, want %v on cpu", t.dtype, t.dev.Name(), dtypeOf[E]()))
	}
	return unsafe.Slice((*E)(t.mem), t.Len())
}

// Write copies src into t, converting between element types. It waits until src may be reused.
func Write[E Element](t Tensor, src []E) {
	if len(src) != t.Len() {
		panic(fmt.Sprintf("gpu: Write: %d elements into a tensor of %v", len(src), t.Dims()))
	}
	if len(src) > 0 {
		t.dev.write(t, slice[E](src))
	}
}

// Read copies t into dst, converting between element types. It waits for the device.
// The planning device leaves dst as it is.
func Read[E Element](dst []E, t Tensor) {
	if len(dst) != t.Len() {
		panic(fmt.Sprintf("gpu: Read: a tensor of %v into %d elements", t.Dims(), len(dst)))
	}
	if len(dst) > 0 {
		t.dev.read(slice[E](dst), t)
	}
}

// elements are those of a slice of any element type, on their way to a tensor or from one.
type elements interface {
	encode(t Tensor)       // into t's host memory
	decode(t Tensor)       // from there
	stored(t DType) []byte // as a tensor of type t has them; nil: in another type
}

type slice[E Element] []E

func (s slice[E]) encode(t Tensor) { encode(t, s) }
func (s slice[E]) decode(t Tensor) { decode(s, t) }

func (s slice[E]) stored(t DType) []byte {
	if dtypeOf[E]() != t {
		return nil
	}
	var e E
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(e)))
}

// onHost returns a tensor of t's type and shape in host memory.
func (t Tensor) onHost() Tensor {
	words := make([]uint64, (t.Bytes()+7)/8)
	t.mem, t.at = unsafe.Pointer(unsafe.SliceData(words)), 0
	return t
}

// halves returns the elements of a 16-bit tensor as they are stored, in t's host memory.
func (t Tensor) halves() []uint16 { return unsafe.Slice((*uint16)(t.mem), t.Len()) }

// encode converts src into t's host memory.
func encode[E Element](t Tensor, src []E) {
	switch t.dtype {
	case F32:
		convert(host[float32](t), src)
	case F64:
		convert(host[float64](t), src)
	case I32:
		convert(host[int32](t), src)
	case U8:
		convert(host[uint8](t), src)
	case BF16, F16:
		h := t.halves()
		for i, v := range src {
			h[i] = halfOf(t.dtype, float64(v))
		}
	}
}

// decode converts t's host memory into dst.
func decode[E Element](dst []E, t Tensor) {
	switch t.dtype {
	case F32:
		convert(dst, host[float32](t))
	case F64:
		convert(dst, host[float64](t))
	case I32:
		convert(dst, host[int32](t))
	case U8:
		convert(dst, host[uint8](t))
	case BF16, F16:
		for i, h := range t.halves() {
			dst[i] = E(floatOf(t.dtype, h))
		}
	}
}

func convert[D, S Element](dst []D, src []S) {
	if d, ok := any(dst).([]S); ok {
		copy(d, src)
		return
	}
	for i, v := range src {
		dst[i] = D(v)
	}
}

func dtypeOf[E Element]() DType {
	var e E
	switch any(e).(type) {
	case float32:
		return F32
	case float64:
		return F64
	case int32:
		return I32
	}
	return U8
}
