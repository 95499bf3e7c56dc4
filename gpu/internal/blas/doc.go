// Package blas computes matrix products with cuBLASLt, opened at run time (libcublasLt.so.13, else .12).
//
// # Row-major on a column-major library
//
// A row-major matrix [R, C] is, byte for byte, a column-major one of C rows and R columns, its transpose. So
// C = op(A) op(B) is asked for as Cᵀ = op(B)ᵀ op(A)ᵀ: the library's first operand is our B, its second our A, its
// result has N rows and M columns, and a transposed operand stays one. A bias [N] then has one value for each row of
// the result, which is what the library's bias epilogue adds. Sums and alpha and beta are float32; with F32 inputs they
// are exact float32 products (COMPUTE_32F) unless the product allows TF32 (COMPUTE_32F_FAST_TF32).
//
// # Bias
//
// cuBLASLt takes a bias of the result's type only, and ours is float32. A float32 result, of inputs of any type, has
// its bias (and ReLU) added in the product's epilogue; a 16-bit result cannot, and rounding the bias to 16 bits first
// would be a silent loss. Handle.FusesBias tells them apart; MatMul fails where it is false and there is a bias, which is
// then for a kernel after the product to add. ReLU without a bias is always fused.
//
// # Same bytes every time
//
// A product of the same shape and types, at addresses equally aligned, gives the same bits on the same card and library
// version. Only algorithms with one order of summation are asked for: REDUCTION_SCHEME_MASK is COMPUTE_TYPE, so that a
// sum over K is either made in one go or in parts that are kept in float32 in the workspace and added in a fixed order
// by a second kernel. INPLACE and OUTPUT_TYPE are left out because they round the parts to the result's type. The
// workspace is ours (the library's own one would depend on the streams in use), its limit a constant, and the
// algorithm the heuristic's first, which does not measure. Handle.Tune, which does, gives up that a later run chooses the same.
//
// # Alignment
//
// The library is told the true alignment of every address, up to 256 bytes, and chooses among the algorithms that can
// live with it. Plans are kept per product and alignments.
//
// The calls are for the goroutine that is locked to the thread in which the stream's context is current.
package blas

import (
	"errors"
	"fmt"
	"math"

	"contig-gpu/gpu/internal/driver"
)

// WorkspaceLimit is the most scratch memory, in bytes, that a product takes: what the vendor recommends for Hopper.
const WorkspaceLimit = 32 << 20

// A Stream is where products are queued.
type Stream interface {
	// Stream returns the CUstream.
	Stream() uintptr
	// Fail records a failure, to be returned when the device is next waited for.
	Fail(error)
}

// A Clock marks points in the stream, to tell how long the work between them took.
type Clock interface {
	MainMark() driver.Event
}

// An Error is a call that cuBLASLt refused.
type Error struct {
	Call    string // the function, with the attribute where there is one
	Status  int    // its cublasStatus_t
	Name    string // as the library calls the status, "CUBLAS_STATUS_NOT_SUPPORTED"
	Text    string // and explains it
	Product string // what it was for; may be empty
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s (%d): %s", e.Call, e.Name, e.Status, e.Text)
	if e.Product != "" {
		s += "; product " + e.Product
	}
	return s
}

// errNoAlgorithm says that the library has none within the limits.
var errNoAlgorithm = errors.New("cuBLASLt has no algorithm with a fixed order of summation within the workspace limit")

// text describes a product as in "C [64, 128] f32 = A [64, 32] B [128, 32] transposed, bf16".
func text(p driver.Product) string {
	operand := func(name string, rows, cols int, transposed bool) string {
		if transposed {
			return fmt.Sprintf("%s [%d, %d] transposed", name, cols, rows)
		}
		return fmt.Sprintf("%s [%d, %d]", name, rows, cols)
	}
	s := fmt.Sprintf("C [%d, %d] %v = %s %s, %v", p.M, p.N, p.Out, operand("A", p.M, p.K, p.TransA), operand("B", p.K, p.N, p.TransB), p.In)
	if p.Beta != 0 {
		s += fmt.Sprintf(", beta %g", p.Beta)
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{p.Bias != 0, "bias"}, {p.ReLU, "ReLU"}, {p.TF32 && p.In == driver.F32, "TF32"}} {
		if f.on {
			s += ", " + f.name
		}
	}
	return s
}

// check refuses products that driver.Product does not allow.
func check(p driver.Product) error {
	switch {
	case min(p.M, p.N, p.K) < 1 || max(p.M, p.N, p.K) > math.MaxInt32:
		return fmt.Errorf("blas: product %s: sizes are from 1 to 2147483647", text(p))
	case p.Out != p.In && p.Out != driver.F32:
		return fmt.Errorf("blas: product %s: the result has the inputs' type or f32", text(p))
	case p.ReLU && p.Beta != 0:
		return fmt.Errorf("blas: product %s: ReLU is for beta 0", text(p))
	}
	return nil
}

// fusible reports whether the epilogue's bias has the type of ours.
func fusible(p driver.Product) bool { return p.Out == driver.F32 }

// A key is what a plan depends on: the product with its bias replaced by the bias's alignment, and the alignments of c, a, b.
type key struct {
	p       driver.Product
	c, a, b uint16 // bytes
}

// maxAlignment is the most that the library wants to know of.
const maxAlignment = 256

func alignment(p driver.Ptr) uint16 {
	if p == 0 {
		return maxAlignment
	}
	return uint16(min(maxAlignment, p&-p))
}

// keyOf returns the key of a product at these addresses. Zero addresses count as aligned.
func keyOf(p driver.Product, c, a, b driver.Ptr) key {
	if p.Bias != 0 {
		p.Bias = driver.Ptr(alignment(p.Bias))
	}
	p.TF32 = p.TF32 && p.In == driver.F32
	return key{p, alignment(c), alignment(a), alignment(b)}
}

// aligned returns the key of the same product at the best of addresses.
func (k key) aligned() key {
	if k.p.Bias != 0 {
		k.p.Bias = maxAlignment
	}
	return key{k.p, maxAlignment, maxAlignment, maxAlignment}
}

// A matrix is a dense column-major matrix as the library sees it; its leading dimension is rows.
type matrix struct {
	typ        driver.Type
	rows, cols int
}

// matrices returns the library's A, B and C for a product: our B, A and C, each row-major one seen as its transpose.
func matrices(p driver.Product) (first, second, out matrix) {
	first, second = matrix{p.In, p.N, p.K}, matrix{p.In, p.K, p.M}
	if p.TransB {
		first.rows, first.cols = first.cols, first.rows
	}
	if p.TransA {
		second.rows, second.cols = second.cols, second.rows
	}
	return first, second, matrix{p.Out, p.N, p.M}
}
