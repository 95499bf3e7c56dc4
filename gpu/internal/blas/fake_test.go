//go:build linux && cgo

package blas

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

const lib = "CONTIG_LIBCUBLASLT"

// TestMain builds the fake cuBLASLt without the rest of the emulator, unless another library is asked for.
func TestMain(m *testing.M) {
	if os.Getenv(lib) != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "fakelt")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	so := filepath.Join(dir, "libfakelt.so")
	out, err := exec.Command("g++", "-std=c++17", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-I../simt", "-o", so,
		"../simt/cublaslt.cpp", "../simt/cublaslt_product.cpp", "testdata/stub.cpp").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "no fake cuBLASLt: %v\n%s", err, out)
		os.Setenv("NO_FAKE", "the fake cuBLASLt could not be built: install g++")
	}
	os.Setenv(lib, so)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A stream keeps what fails, and counts how often it was entered. away is why it cannot be.
type stream struct {
	err, away error
	entered   int
}

func (s *stream) Stream() uintptr { return 0 }

func (s *stream) Enter(string) error { s.entered++; return s.away }

func (s *stream) Fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// wantFailure checks that the stream failed with words, and clears it.
func (s *stream) want(t *testing.T, words ...string) {
	t.Helper()
	if s.err == nil {
		t.Errorf("no failure, want one with %q", words)
		return
	}
	for _, w := range words {
		if !strings.Contains(s.err.Error(), w) {
			t.Errorf("failure %q does not say %q", s.err, w)
		}
	}
	s.err = nil
}

// open returns a handle on the fake library with scratch memory.
func open(t testing.TB) (*Handle, *stream) {
	t.Helper()
	if why := os.Getenv("NO_FAKE"); why != "" {
		t.Skip(why)
	}
	s := &stream{}
	h, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	h.SetScratch(newBuffer(4<<20, 0).at, 4<<20)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if s.err != nil {
			t.Error(s.err)
		}
	})
	return h, s
}

// kept holds the memory of all buffers: the library knows it by number only.
var kept [][]byte

// A buffer is memory at a chosen distance from a 256-byte boundary, between guard bands.
type buffer struct {
	at    driver.Ptr
	bytes []byte // what was asked for
	whole []byte
}

const guard, guardByte = 512, 0xa5

func newBuffer(n, offset int) *buffer {
	whole := make([]byte, n+2*guard+256+offset)
	kept = append(kept, whole)
	for i := range whole {
		whole[i] = guardByte
	}
	base := uintptr(unsafe.Pointer(&whole[0]))
	start := int((base+guard+255)&^255-base) + offset
	return &buffer{driver.Ptr(base + uintptr(start)), whole[start : start+n], whole}
}

// intact reports whether nothing was written outside the buffer.
func (b *buffer) intact() bool {
	start := int(uintptr(unsafe.Pointer(&b.bytes[0])) - uintptr(unsafe.Pointer(&b.whole[0])))
	for i, v := range b.whole {
		if (i < start || i >= start+len(b.bytes)) && v != guardByte {
			return false
		}
	}
	return true
}

// newValues returns a buffer of n elements of type t and their values.
func newValues(r *rand.Rand, t driver.Type, n int) (*buffer, []float64) {
	b, v := newBuffer(n*t.Size(), 0), make([]float64, n)
	for i := range v {
		b.put(t, i, r.Float32()*2-1)
		v[i] = b.get(t, i)
	}
	return b, v
}

// put writes an element, cut to the type's precision.
func (b *buffer) put(t driver.Type, i int, v float32) {
	u := math.Float32bits(v)
	switch t {
	case driver.F32:
		*(*uint32)(unsafe.Pointer(&b.bytes[4*i])) = u
	case driver.BF16:
		*(*uint16)(unsafe.Pointer(&b.bytes[2*i])) = uint16(u >> 16)
	case driver.F16:
		*(*uint16)(unsafe.Pointer(&b.bytes[2*i])) = cutHalf(u)
	}
}

// cutHalf cuts a number of magnitude below 2 to half precision; below 2^-14 it gives 0.
func cutHalf(u uint32) uint16 {
	e := int(u>>23&255) - 127 + 15
	if e <= 0 {
		return 0
	}
	return uint16(u>>16&0x8000) | uint16(e<<10) | uint16(u>>13&0x3ff)
}

// get reads an element.
func (b *buffer) get(t driver.Type, i int) float64 {
	if t == driver.F32 {
		return float64(*(*float32)(unsafe.Pointer(&b.bytes[4*i])))
	}
	u := *(*uint16)(unsafe.Pointer(&b.bytes[2*i]))
	if t == driver.BF16 {
		return float64(math.Float32frombits(uint32(u) << 16))
	}
	e, m := int(u>>10&31), float64(u&0x3ff)
	v := math.Ldexp(1024+m, e-25)
	if e == 0 {
		v = math.Ldexp(m, -24)
	} else if e == 31 {
		v = math.Inf(1)
	}
	return math.Copysign(v, float64(1-2*int(u>>15)))
}
