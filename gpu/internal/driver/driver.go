// Package driver says what a GPU device is made of: memory, launches, products and convolutions. The cuda
// device and the gorgonia device implement it; package gpu builds its operations on it and knows no other
// way to a GPU. It holds no cgo, so that every build type-checks what calls it.
package driver

import (
	"context"
	"contig-gpu/gpu/internal/convolution"
	"errors"
	"unsafe"
)

// ErrMemory is what errors are by errors.Is that say that the GPU has too little memory.
var ErrMemory = errors.New("too little memory on the GPU")

// A Ptr is an address in device memory; 0 is none.
type Ptr uint64

// Add returns the address n bytes further; 0 stays 0.
func (p Ptr) Add(n int) Ptr {
	if p == 0 {
		return 0
	}
	return p + Ptr(n)
}

// Type is an element type of device memory.
type Type uint8

const (
	F32  Type = iota // IEEE single precision
	BF16             // the upper half of a float32
	F16              // IEEE half precision
)

// Size returns the bytes of one element.
func (t Type) Size() int { return [...]int{F32: 4, BF16: 2, F16: 2}[t] }

func (t Type) String() string { return [...]string{F32: "f32", BF16: "bf16", F16: "f16"}[t] }

// Info describes a GPU and the libraries that drive it.
type Info struct {
	Name           string    // as the driver reports it
	PCI            string    // the GPU's address in its host, "0000:1b:00"; "": not known
	Arch           int       // compute capability, 90 for 9.0
	Multiprocs     int       // streaming multiprocessors
	Memory         int       // bytes
	SharedPerBlock int       // bytes a block may have after opting in
	L2             int       // bytes of second-level cache
	Driver         int       // CUDA version of the driver, 13000 for 13.0
	Libraries      []Library // in the order they were opened
	Emulated       bool      // the driver is the test emulator, not a GPU
	Untimed        bool      // what its events tell is not to be decided by
}

// A Library is a shared library in use.
type Library struct {
	Name    string `json:"name"` // "libcuda", "libcublasLt", ...
	Version string `json:"version"`
	Path    string `json:"path"` // where it came from
}

// A Grid is the shape of a launch.
type Grid struct {
	Blocks      [3]int // zeros count as 1
	Threads     [3]int // of a block; zeros count as 1
	Shared      int    // bytes of dynamic shared memory
	Cooperative bool   // all blocks are resident together, so that they may wait for each other
}

// A Kernel is a function of the kernel image, found by name.
type Kernel struct{ Handle unsafe.Pointer }

// A Device is one GPU with one stream of work in program order. It is used from one goroutine at a time, which
// is locked to its thread by Open's caller. What fails asynchronously is kept and returned by Sync; after the
// first failure nothing more is queued.
type Device interface {
	Memory
	Products
	Convolutions

	Info() Info
	// Caps returns what the device has beside. It is always the same.
	Caps() Caps
	// Kernel finds a kernel of package kernels; an unknown name is an error.
	Kernel(name string) (Kernel, error)
	// Launch queues a kernel. args is the kernel's generated argument struct, size its bytes: both are read before
	// Launch returns.
	Launch(k Kernel, g Grid, args unsafe.Pointer, size uintptr)
	// Fail records a failure for Sync to return, unless there is one already.
	Fail(err error)
	// Sync waits for all queued work and returns the first failure since Open.
	Sync() error
	// Close gives everything back. It may be called again.
	Close() error
}

// Caps are what a device may have beside what all have; nil is what it has not.
type Caps struct {
	Halves      bool                                                    // products and convolutions of BF16 and F16
	Overlap     Overlap                                                 // work beside what Go does
	Stats       Stats                                                   // convolutions that sum what they write
	Norms       Norms                                                   // convolutions that apply a norm to what they read
	AddsBias    func(p Product) bool                                    // whether MatMul adds p's bias itself, and rectifies; nil: always
	AddsWeights func(c Conv) bool                                       // whether ConvBackwardWeight adds by a launch of its own; nil: never
	Warning     func() error                                            // what hinders nothing but should be known; it may change with every call
	Describe    func() ([]byte, error)                                  // the library's own description of the GPU, as JSON
	Profiled    func(f func()) error                                    // does f between marks for the vendor's profilers, and waits for what it queued
	Join        func(ctx context.Context, p Place) (Collectives, error) // waits for the other ranks until ctx ends; once
}

// Memory is a device's memory.
type Memory interface {
	// Alloc returns memory aligned to 256 bytes, or an error that says how much was asked for and how much is free.
	Alloc(bytes int) (Ptr, error)
	Free(p Ptr)
	// MemInfo returns the bytes free and in all.
	MemInfo() (free, total int)
	// Upload copies host memory to the device and returns when src may be reused.
	Upload(dst Ptr, src []byte)
	// Download waits for the work queued before and copies device memory to the host.
	Download(dst []byte, src Ptr)
	// Copy queues a copy within the device.
	Copy(dst, src Ptr, bytes int)
	// Set queues count elements of width 1, 2 or 4 bytes being set to the low bits of value.
	Set(dst Ptr, value uint32, width, count int)
}

// A Product is C [M, N] = op(A) op(B) + Beta C, then + Bias [N] and ReLU if asked for; all row-major and dense:
// A is [M, K], or [K, M] if TransA; B is [K, N], or [N, K] if TransB. Sums are float32.
type Product struct {
	M, N, K        int
	TransA, TransB bool
	In, Out        Type // of A and B; of C. Out is In or F32
	Beta           float32
	Bias           Ptr  // float32 [N]; 0: none
	ReLU           bool // of the result; only with Beta 0
	TF32           bool // F32 inputs may be rounded to TF32
}

// Products are matrix products.
type Products interface {
	// MatMul queues a product.
	MatMul(p Product, c, a, b Ptr)
	// MatMulScratch returns the bytes that MatMul takes of the scratch memory set by SetScratch.
	MatMulScratch(p Product) int
}

// A Conv is a convolution. Sums are float32.
type Conv struct {
	convolution.Shape
	Type Type // of x, w, y and their gradients, except dw, which is always float32
	TF32 bool // F32 inputs may be rounded to TF32
}

// WeightProduct returns the product that adds the gradient of w to dw, of dy and x, where windows of 1x1 make the gradient one.
func (c Conv) WeightProduct() (Product, bool) {
	p := Product{M: c.K, N: c.C, K: c.N * c.H * c.W, TransA: true, In: c.Type, Out: F32, Beta: 1, TF32: c.TF32}
	return p, c.R == 1 && c.S == 1 && c.Stride == 1 && c.Pad == 0
}

// Convolutions are convolutions.
type Convolutions interface {
	// ConvForward queues y = x * w.
	ConvForward(c Conv, y, x, w Ptr)
	// ConvBackwardData queues dx = beta dx + the gradient of x.
	ConvBackwardData(c Conv, dx, dy, w Ptr, beta float32)
	// ConvBackwardWeight queues dw += the gradient of w; dw is float32.
	ConvBackwardWeight(c Conv, dw, dy, x Ptr)
	// ConvScratch returns the bytes that a pass takes of the scratch memory set by SetScratch. It makes whatever the pass
	// needs beside: asked for once before, a pass neither allocates nor waits.
	ConvScratch(c Conv, p convolution.Pass) int
	// SetScratch gives MatMul and the convolutions memory to work in. What is queued later uses it.
	SetScratch(p Ptr, bytes int)
}

// Stats are convolutions that sum what they write, by channel.
type Stats interface {
	// StatsPay reports whether that takes less time than ConvForward and a pass over y, which apart queues on the device that it
	// is given: measured once for every shape where the device can, else always where the library has it.
	StatsPay(c Conv, apart func(d Device, y Ptr) error) bool
	// ConvForwardStats queues y = x * w, and the sums over y and its squares, float32 [K] each.
	ConvForwardStats(c Conv, y, x, w, sum, square Ptr)
}

// Norms are convolutions of relu(scale x + shift), of which x alone is in memory; scale and shift [C] have its type. They are what a norm and
// its ReLU come to.
type Norms interface {
	// NormPays reports whether both take less time than ConvForwardStats and ConvBackwardWeight of relu(scale x + shift) and a pass that
	// writes it to y, which apart queues on the device that it is given: measured once for every shape where the device can.
	NormPays(c Conv, apart func(d Device, y, x Ptr) error) bool
	// ConvNormForward is ConvForwardStats, and ConvNormBackwardWeight ConvBackwardWeight.
	ConvNormForward(c Conv, y, x, w, scale, shift, sum, square Ptr)
	ConvNormBackwardWeight(c Conv, dw, dy, x, scale, shift Ptr)
	// NormAddPays reports whether ConvNormAddForward takes less time than a pass that writes z and ConvForwardStats, which reads it: the pass
	// is queued by apart.
	NormAddPays(c Conv, apart func(d Device, z, x, add Ptr) error) bool
	// ConvNormAddForward queues ConvForwardStats of z = relu(scale x + shift + add), and writes z, which is like x.
	ConvNormAddForward(c Conv, y, x, w, scale, shift, add, z, sum, square Ptr)
	// NormDataPays reports whether ConvNormBackwardData, of an input with Add or of one without, takes less time than ConvBackwardData and
	// a pass of the norm over its result and x, for its sums, which apart queues.
	NormDataPays(c Conv, add bool, apart func(d Device, dy, x Ptr) error) bool
	// ConvNormBackwardData queues d = the gradient of what the convolution reads, where that is above 0, and the gradients of gamma and beta:
	// dgamma and dbeta [C] are the sums over d times (X - Mean) Rstd and over d. line has room for three vectors of float32, each of a
	// multiple of 256 bytes.
	ConvNormBackwardData(c Conv, d, dy, w Ptr, n NormInput, dgamma, dbeta, line Ptr)
}

// A NormInput is what a convolution reads, as it was before the norm: relu((X - Mean) Rstd Gamma + Beta + Add). All vectors are float32. With
// Add there is a Branch too, a gradient that is added to the convolution's.
type NormInput struct{ X, Mean, Rstd, Gamma, Beta, Add, Branch Ptr }

// Overlap is what a device offers beside when it can run work on a second stream and replay recorded work. The
// gorgonia device does not.
type Overlap interface {
	// Pinned returns page-locked host memory, which the device reads and writes while Go goes on. FreePinned gives it back.
	Pinned(bytes int) ([]byte, error)
	FreePinned(b []byte)
	// UploadPinned queues a copy from pinned memory on the copy stream; src must stay as it is until Mark's event has passed.
	UploadPinned(dst Ptr, src []byte)
	// DownloadPinned queues a copy to pinned memory in the order of the main stream.
	DownloadPinned(dst []byte, src Ptr)
	// CopyMark records where the copy stream stands, MainMark where the main stream stands.
	CopyMark() Event
	MainMark() Event
	// MainAfter makes the main stream wait for e, CopyAfter the copy stream.
	MainAfter(e Event)
	CopyAfter(e Event)
	// Capture records what f queues on the main stream instead of running it. It fails if f waits or allocates.
	Capture(f func()) (Graph, error)
}

// An Event is a point in a stream.
type Event interface {
	// Wait blocks until the point has passed.
	Wait() error
	// Passed reports whether it has.
	Passed() bool
	// Since returns the milliseconds that the device took from an earlier event to this one, both having passed.
	Since(earlier Event) (float64, error)
	// Close gives the event back.
	Close()
}

// A Graph is recorded work.
type Graph interface {
	// Replay queues the work on the main stream.
	Replay()
	// Nodes returns the number of recorded operations.
	Nodes() int
	// Close gives the graph back.
	Close()
}
