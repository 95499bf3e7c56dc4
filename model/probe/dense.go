package probe

import (
	"math"

	"contig-gpu/gpu"
)

// A Matrix is rows of float64 on the CPU device. V is its memory, row after row. Close gives it back.
type Matrix struct {
	Rows, Cols int
	V          []float64
	t          gpu.Tensor
	arena      *gpu.Arena
}

// NewMatrix returns a matrix of zeros on d, which must be a CPU. It has a row and a column at least.
func NewMatrix(d *gpu.Device, rows, cols int) *Matrix {
	arena := d.NamedArena("a probe", 8*rows*cols)
	t := arena.Zeros(gpu.F64, rows, cols)
	return &Matrix{rows, cols, gpu.Host[float64](t), t, arena}
}

// Close gives the memory back.
func (m *Matrix) Close() {
	if m.arena != nil {
		m.arena.Close()
		m.arena = nil
	}
}

// Row returns row i.
func (m *Matrix) Row(i int) []float64 { return m.V[i*m.Cols : (i+1)*m.Cols] }

// Device returns the CPU that it is on.
func (m *Matrix) Device() *gpu.Device { return m.t.Device() }

// Pick returns a new matrix of some of the rows.
func (m *Matrix) Pick(rows []int) *Matrix {
	out := NewMatrix(m.Device(), max(1, len(rows)), m.Cols)
	for k, i := range rows {
		copy(out.Row(k), m.Row(i))
	}
	return out
}

// some returns the rows from lo to hi, in the same memory.
func (m *Matrix) some(lo, hi int) *Matrix {
	return &Matrix{hi - lo, m.Cols, m.V[lo*m.Cols : hi*m.Cols], m.t.Slice(lo*m.Cols, hi*m.Cols).View(hi-lo, m.Cols), nil}
}

// multiply computes c = op(a) op(b) + beta c.
func multiply(c, a, b *Matrix, transA, transB bool, beta float64) {
	gpu.MatMul(c.t, a.t, b.t, transA, transB, beta)
}

// stripRows is how many rows of a matrix a scaled copy is made of at a time.
const stripRows = 1024

// gram adds the lower half of the product X' diag(w) X to c, which is [columns, columns], and leaves what it likes above; w nil: without weights.
func gram(c, x *Matrix, w []float64) {
	dev, d := x.Device(), x.Cols
	for c0 := 0; c0 < d; c0 += gramColumns {
		c1 := min(d, c0+gramColumns)
		left, right, sums := NewMatrix(dev, min(stripRows, x.Rows), d-c0), NewMatrix(dev, min(stripRows, x.Rows), c1-c0), NewMatrix(dev, d-c0, c1-c0)
		for lo := 0; lo < x.Rows; lo += stripRows {
			hi := min(x.Rows, lo+stripRows)
			for i := lo; i < hi; i++ {
				row := x.Row(i)
				copy(left.Row(i-lo), row[c0:])
				to := right.Row(i - lo)
				for j, v := range row[c0:c1] {
					to[j] = weight(w, i) * v
				}
			}
			multiply(sums, left.some(0, hi-lo), right.some(0, hi-lo), true, false, 1)
		}
		for i := c0; i < d; i++ {
			for j, v := range sums.Row(i - c0) {
				c.Row(i)[c0+j] += v
			}
		}
		closeAll(left, right, sums)
	}
}

func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

// gramColumns is how many columns of a symmetric product are made at a time: what is above them is not.
const gramColumns = 512

// blockRows is the side of matrices that are factored value by value.
const blockRows = 64

// inverseFactor returns the inverse of the lower Cholesky factor of a symmetric positive definite matrix, and whether it has one. Only the lower half of a is read. A matrix is cut into
// quarters, so that nearly all of the work is products.
func inverseFactor(a *Matrix) (*Matrix, bool) {
	n, dev := a.Rows, a.Device()
	if n <= blockRows {
		return smallFactor(a)
	}
	h := (n/2 + blockRows - 1) / blockRows * blockRows
	a11, a21, a22 := quarter(a, 0, h, 0, h), quarter(a, h, n, 0, h), quarter(a, h, n, h, n)
	l21, t := NewMatrix(dev, n-h, h), NewMatrix(dev, n-h, h)
	defer closeAll(a11, a21, a22, l21, t)
	inv1, ok := inverseFactor(a11)
	if !ok {
		return nil, false
	}
	defer inv1.Close()
	multiply(l21, a21, inv1, false, true, 0)
	for i := range a22.Rows { // a22 - l21 l21'
		for j, v := range l21.Row(i) {
			t.Row(i)[j] = -v
		}
	}
	multiply(a22, t, l21, false, true, 1)
	inv2, ok := inverseFactor(a22)
	if !ok {
		return nil, false
	}
	defer inv2.Close()
	multiply(l21, t, inv1, false, false, 0)
	multiply(t, inv2, l21, false, false, 0)
	out := NewMatrix(dev, n, n)
	for i := range n {
		if i < h {
			copy(out.Row(i), inv1.Row(i))
			continue
		}
		copy(out.Row(i), t.Row(i-h))
		copy(out.Row(i)[h:], inv2.Row(i-h))
	}
	return out, true
}

func closeAll(all ...*Matrix) {
	for _, m := range all {
		m.Close()
	}
}

// quarter returns a copy of rows r0 to r1 and columns c0 to c1.
func quarter(a *Matrix, r0, r1, c0, c1 int) *Matrix {
	out := NewMatrix(a.Device(), r1-r0, c1-c0)
	for i := r0; i < r1; i++ {
		copy(out.Row(i-r0), a.Row(i)[c0:c1])
	}
	return out
}

// smallFactor is inverseFactor value by value.
func smallFactor(a *Matrix) (*Matrix, bool) {
	n := a.Rows
	l, inv := NewMatrix(a.Device(), n, n), NewMatrix(a.Device(), n, n)
	defer l.Close()
	for i := range n {
		for j := range i + 1 {
			v := a.Row(i)[j] - dot(l.Row(i)[:j], l.Row(j)[:j])
			if j < i {
				l.Row(i)[j] = v / l.Row(j)[j]
				continue
			}
			if !(v > 0) {
				inv.Close()
				return nil, false
			}
			l.Row(i)[i] = math.Sqrt(v)
		}
	}
	for i := range n {
		to := inv.Row(i)
		to[i] = 1
		for k := range i {
			for c, v := range inv.Row(k)[:k+1] {
				to[c] -= l.Row(i)[k] * v
			}
		}
		for c := range i + 1 {
			to[c] /= l.Row(i)[i]
		}
	}
	return inv, true
}

// invertible returns the inverse of the Cholesky factor of a, which must be positive definite up to rounding: a multiple of its diagonal's mean is added until it is.
func invertible(a *Matrix) *Matrix {
	mean := 0.0
	for i := range a.Rows {
		mean += a.Row(i)[i] / float64(a.Rows)
	}
	for add := 0.0; ; add = max(1e-15*mean, 10*add, math.SmallestNonzeroFloat64) {
		for i := range a.Rows {
			a.Row(i)[i] += add
		}
		if inv, ok := inverseFactor(a); ok {
			return inv
		}
	}
}
