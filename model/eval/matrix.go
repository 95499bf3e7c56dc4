package eval

import (
	"math"
	"math/rand/v2"
)

// A gram is the symmetric matrix [n, n] of the products of rows with each other.
type gram struct {
	n int
	v []float64
}

// gramOf multiplies rows, from several goroutines; sums are in the same order whatever their number.
func gramOf(rows [][]float64) gram {
	g := gram{len(rows), make([]float64, len(rows)*len(rows))}
	parallel(0, g.n, func(i int) {
		for j := range i + 1 {
			g.v[i*g.n+j] = dot(rows[i], rows[j])
		}
	})
	for i := range g.n {
		for j := range i {
			g.v[j*g.n+i] = g.v[i*g.n+j]
		}
	}
	return g
}

// centred returns the products of the rows less their mean.
func (g gram) centred() gram {
	means, all := make([]float64, g.n), 0.0
	for i := range means {
		for _, v := range g.v[i*g.n : (i+1)*g.n] {
			means[i] += v / float64(g.n)
		}
		all += means[i] / float64(g.n)
	}
	c := gram{g.n, make([]float64, len(g.v))}
	for i := range g.n {
		for j := range g.n {
			c.v[i*g.n+j] = g.v[i*g.n+j] - means[i] - means[j] + all
		}
	}
	return c
}

// trace returns the sum of the squared lengths of the rows.
func (g gram) trace() float64 {
	sum := 0.0
	for i := range g.n {
		sum += g.v[i*g.n+i]
	}
	return sum
}

// times returns the product of the matrix with x.
func (g gram) times(x []float64) []float64 {
	y := make([]float64, g.n)
	for i := range y {
		y[i] = dot(g.v[i*g.n:(i+1)*g.n], x)
	}
	return y
}

// How long an eigenvector is looked for: until no element moves by more than settled, or so many products. Where the second is
// reached two eigenvalues are nearly equal, and any direction between their vectors is as good.
const (
	mostTurns = 300
	settled   = 1e-9
)

// leading returns the largest eigenvalue and its vector of unit length, whose largest element is positive, by the power method at right
// angles to the vectors given. The matrix must have no negative eigenvalue.
func (g gram) leading(but ...[]float64) (float64, []float64) {
	draw := rand.New(rand.NewPCG(uint64(g.n), uint64(len(but))))
	x, value := make([]float64, g.n), 0.0
	for i := range x {
		x[i] = draw.Float64() - 0.5
	}
	x = unitBut(x, but)
	for range mostTurns {
		y := g.times(x)
		value = dot(x, y)
		if y = unitBut(y, but); dot(y, y) == 0 { // nothing is left at right angles
			return 0, y
		}
		moved := 0.0
		for i := range x {
			moved = max(moved, math.Abs(y[i]-x[i]))
		}
		if x = y; moved < settled {
			break
		}
	}
	return max(0, value), upright(x)
}

// unitBut returns x at right angles to vectors of unit length, with unit length itself; zero where hardly anything is left of it.
func unitBut(x []float64, but [][]float64) []float64 {
	before := math.Sqrt(dot(x, x))
	for _, b := range but {
		p := dot(x, b)
		for i := range x {
			x[i] -= p * b[i]
		}
	}
	left := math.Sqrt(dot(x, x))
	y := make([]float64, len(x))
	if left <= 1e-12*before {
		return y
	}
	for i := range x {
		y[i] = x[i] / left
	}
	return y
}

// upright returns x or -x, whichever has a positive element of the largest size: the first of equals.
func upright(x []float64) []float64 {
	most := 0.0
	for _, v := range x {
		if math.Abs(v) > math.Abs(most) {
			most = v
		}
	}
	if most < 0 {
		for i := range x {
			x[i] = -x[i]
		}
	}
	return x
}
