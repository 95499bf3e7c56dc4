//go:build linux && cgo

package blas

import (
	"errors"
	"fmt"
	"math"

	"contig-gpu/gpu/internal/driver"
)

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
