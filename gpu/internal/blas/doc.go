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
// A product of the same shape and types, at addresses equally aligned, gives the same bits on the same GPU and library
// version. Only algorithms with one order of summation are asked for: REDUCTION_SCHEME_MASK is COMPUTE_TYPE, so that a
// sum over K is either made in one go or in parts that are kept in float32 in the workspace and added in a fixed order
// by a second kernel. INPLACE and OUTPUT_TYPE are left out because they round the parts to the result's type. The
// workspace is ours (the library's own one would depend on the streams in use), its limit a constant, and the
// algorithm the heuristic's first, which does not measure.
//
// # Alignment
//
// The library is told the true alignment of every address, up to 256 bytes, and chooses among the algorithms that can
// live with it. Plans are kept per product and alignments.
//
// The calls are for the goroutine that is locked to the thread in which the stream's context is current.
package blas

import (
	"fmt"
)

// WorkspaceLimit is the most scratch memory, in bytes, that a product takes: what the vendor recommends for Hopper.
const WorkspaceLimit = 32 << 20

// A Stream is where products are queued.
type Stream interface {
	// Stream returns the CUstream.
	Stream() uintptr
	// Enter makes its context the calling thread's, since two devices may be driven from one. call is for the error.
	Enter(call string) error
	// Fail records a failure, to be returned when the device is next waited for.
	Fail(error)
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
