package eval

import "math"

// eigenvalues returns those of the matrix, in no order, to about a millionth of the largest: it is made tridiagonal by reflections
// (Householder, J. ACM 5, 1958), and each is enclosed by halving an interval (Givens, 1954: the signs of the pivots count those below).
func (g gram) eigenvalues() []float64 {
	diagonal, beside := g.tridiagonal()
	reach := 0.0 // no eigenvalue is larger (Gershgorin)
	for i, d := range diagonal {
		r := math.Abs(d) + math.Abs(beside[i])
		if i > 0 {
			r += math.Abs(beside[i-1])
		}
		reach = max(reach, r)
	}
	values := make([]float64, g.n)
	parallel(0, g.n, func(k int) {
		lo, hi := -reach, reach
		for range 24 { // 2 / 2^24 of the reach
			if mid := (lo + hi) / 2; below(diagonal, beside, mid) > k {
				hi = mid
			} else {
				lo = mid
			}
		}
		values[k] = (lo + hi) / 2
	})
	return values
}

// below counts the eigenvalues of a tridiagonal matrix that are less than x.
func below(diagonal, beside []float64, x float64) int {
	n, pivot := 0, 1.0
	for i, d := range diagonal {
		square := 0.0
		if i > 0 {
			square = beside[i-1] * beside[i-1]
		}
		if pivot = d - x - square/pivot; pivot == 0 {
			pivot = 1e-300
		}
		if pivot < 0 {
			n++
		}
	}
	return n
}

// tridiagonal returns the diagonal and the elements beside it of a similar matrix; the last of these is 0.
func (g gram) tridiagonal() (diagonal, beside []float64) {
	n, a := g.n, append([]float64(nil), g.v...)
	diagonal, beside = make([]float64, n), make([]float64, n)
	for k := range n {
		diagonal[k] = a[k*n+k]
		if k+1 < n {
			beside[k] = reflected(a, n, k)
		}
	}
	return diagonal, beside
}

// reflected makes column k of a zero below the element under the diagonal, which it returns, by a reflection from both sides of what is
// to the right and below.
func reflected(a []float64, n, k int) float64 {
	v := make([]float64, n) // of the reflection I - 2 v v' / v'v
	sum := 0.0
	for i := k + 1; i < n; i++ {
		v[i] = a[i*n+k]
		sum += v[i] * v[i]
	}
	if sum == v[k+1]*v[k+1] {
		return v[k+1]
	}
	to := -math.Copysign(math.Sqrt(sum), v[k+1])
	v[k+1] -= to
	scale := 2 / (sum - a[(k+1)*n+k]*a[(k+1)*n+k] + v[k+1]*v[k+1])
	w := make([]float64, n)
	for i := k + 1; i < n; i++ {
		w[i] = scale * dot(a[i*n+k+1:(i+1)*n], v[k+1:])
	}
	half := scale / 2 * dot(v[k+1:], w[k+1:])
	for i := range w {
		w[i] -= half * v[i]
	}
	for i := k + 1; i < n; i++ {
		for j := k + 1; j < n; j++ {
			a[i*n+j] -= v[i]*w[j] + w[i]*v[j]
		}
	}
	return to
}
