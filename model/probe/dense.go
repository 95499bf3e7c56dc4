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

func (m *Matrix) device() *gpu.Device { return m.t.Device() }

// Pick returns a new matrix of some of the rows.
func (m *Matrix) Pick(rows []int) *Matrix {
	out := NewMatrix(m.device(), max(1, len(rows)), m.Cols)
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

// gram adds the product X' diag(w) X to c, which is [columns, columns]; w nil: without weights.
func gram(c, x *Matrix, w []float64) {
	strip := NewMatrix(x.device(), min(stripRows, x.Rows), x.Cols)
	defer strip.Close()
	for lo := 0; lo < x.Rows; lo += stripRows {
		hi := min(x.Rows, lo+stripRows)
		part := x.some(lo, hi)
		if w == nil {
			multiply(c, part, part, true, false, 1)
			continue
		}
		s := strip.some(0, hi-lo)
		for i := range hi - lo {
			to, f := s.Row(i), w[lo+i]
			for j, v := range part.Row(i) {
				to[j] = f * v
			}
		}
		multiply(c, s, part, true, false, 1)
	}
}

// blockRows is the side of the blocks of a factorisation.
const blockRows = 64

// factor returns the lower Cholesky factor L of a symmetric positive definite matrix, a = L L', and whether it has one. Only the lower half of a is read.
func factor(a *Matrix) (*Matrix, bool) {
	n, dev := a.Rows, a.device()
	l, done := NewMatrix(dev, n, n), NewMatrix(dev, n, blockRows)
	defer done.Close()
	for j := 0; j < n; j += blockRows {
		hi := min(n, j+blockRows)
		panel := &Matrix{n - j, hi - j, done.V[:(n-j)*(hi-j)], done.t.Slice(0, (n-j)*(hi-j)).View(n-j, hi-j), nil}
		multiply(panel, l.some(j, n), l.some(j, hi), false, true, 0)
		for i := j; i < n; i++ {
			row, to, sums := a.Row(i)[j:hi], l.Row(i)[j:hi], panel.Row(i-j)
			for c := 0; c <= min(i-j, hi-j-1); c++ {
				v, other := row[c]-sums[c], l.Row(j + c)[j:hi]
				for k := range c {
					v -= to[k] * other[k]
				}
				if c < i-j {
					to[c] = v / other[c]
					continue
				}
				if !(v > 0) {
					l.Close()
					return nil, false
				}
				to[c] = math.Sqrt(v)
			}
		}
	}
	return l, true
}

// inverse returns the inverse of a lower triangle.
func inverse(l *Matrix) *Matrix {
	n, dev := l.Rows, l.device()
	out, left, sums := NewMatrix(dev, n, n), NewMatrix(dev, blockRows, n), NewMatrix(dev, blockRows, n)
	defer left.Close()
	defer sums.Close()
	for j := 0; j < n; j += blockRows {
		hi := min(n, j+blockRows)
		h := hi - j
		for i := range h {
			row := left.Row(i)
			clear(row[j:])
			copy(row[:j], l.Row(j + i)[:j])
		}
		multiply(sums.some(0, h), left.some(0, h), out, false, false, 0)
		for i := range h {
			to, diagonal := out.Row(j+i), l.Row(j + i)[j:hi]
			for c, v := range sums.Row(i)[:j+i+1] {
				to[c] = -v
			}
			to[j+i]++
			for k := range i {
				f, above := diagonal[k], out.Row(j+k)
				for c := range j + k + 1 {
					to[c] -= f * above[c]
				}
			}
			for c := range j + i + 1 {
				to[c] /= diagonal[i]
			}
		}
	}
	return out
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
		if l, ok := factor(a); ok {
			inv := inverse(l)
			l.Close()
			return inv
		}
	}
}
