package assoc

import (
	"math"
	"slices"

	"contig-gpu/gpu"
)

// leading returns the k largest eigenvalues, in descending order, and eigenvectors (rows of [k, d]) of the symmetric positive semidefinite matrix g [d, d], by Lanczos' method with
// full reorthogonalisation (Golub and Van Loan 2013, section 10.3): exact once it has d vectors, and ended before where the wanted ones have converged. What it begins with is
// always the same.
func leading(g []float64, d, k int) (values, vectors []float64) {
	l := &lanczos{g: g, d: d, k: min(k, d)}
	for l.next = 20; ; l.next += 20 {
		l.grow(min(d, max(l.next, 2*k+10)))
		t := l.ritz()
		if len(l.alpha) == d || l.converged(t) {
			return l.result(t)
		}
	}
}

// A lanczos holds the basis so far and the tridiagonal matrix that g is in it.
type lanczos struct {
	g           []float64
	d, k, next  int
	basis       [][]float64
	alpha, beta []float64 // beta[j] couples basis[j] and basis[j+1]
	largest     float64
	restarts    uint64
}

// fresh returns a vector of fixed pseudo-random values (SplitMix64), orthogonal to the basis.
func (l *lanczos) fresh() []float64 {
	u := make([]float64, l.d)
	for {
		l.restarts++
		for i := range u {
			z := l.restarts*0x9E3779B97F4A7C15 + uint64(i+1)*0xBF58476D1CE4E5B9
			z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
			z = (z ^ z>>27) * 0x94D049BB133111EB
			u[i] = float64((z^z>>31)>>11)/(1<<53) - 0.5
		}
		for range 2 {
			takeOff(u, l.basis)
		}
		if n := length(u); n > 1e-8 {
			scale(u, 1/n)
			takeOff(u, l.basis)
			scale(u, 1/length(u))
			return u
		}
	}
}

// grow extends the basis to m vectors.
func (l *lanczos) grow(m int) {
	if len(l.basis) == 0 {
		l.basis = append(l.basis, l.fresh())
	}
	for len(l.alpha) < m {
		j := len(l.alpha)
		w := make([]float64, l.d)
		for i := range w {
			w[i] = dot(l.g[i*l.d:(i+1)*l.d], l.basis[j])
		}
		a := dot(w, l.basis[j])
		l.alpha, l.largest = append(l.alpha, a), max(l.largest, math.Abs(a))
		if len(l.alpha) == l.d {
			return
		}
		for range 2 {
			takeOff(w, l.basis)
		}
		b := length(w)
		l.largest = max(l.largest, b)
		if b <= 1e-14*l.largest || b == 0 { // an invariant subspace: the rest is another
			l.beta, l.basis = append(l.beta, 0), append(l.basis, l.fresh())
			continue
		}
		scale(w, 1/b)
		l.beta, l.basis = append(l.beta, b), append(l.basis, w)
	}
}

// A ritz is the eigenvalues of the tridiagonal matrix, in descending order, and its eigenvectors by column.
type ritz struct {
	values  []float64
	vectors []float64 // [m, m], row-major
	order   []int     // columns, by descending value
}

func (l *lanczos) ritz() ritz {
	m := len(l.alpha)
	d, e, z := slices.Clone(l.alpha), append(slices.Clone(l.beta[:m-1]), 0), make([]float64, m*m)
	for i := range m {
		z[i*m+i] = 1
	}
	tridiagonal(d, e, z)
	t := ritz{values: d, vectors: z}
	for i := range m {
		t.order = append(t.order, i)
	}
	slices.SortStableFunc(t.order, func(a, b int) int {
		if d[a] > d[b] {
			return -1
		} else if d[a] < d[b] {
			return 1
		}
		return 0
	})
	return t
}

// converged says whether what couples the wanted eigenvectors to the rest of the space is rounding.
func (l *lanczos) converged(t ritz) bool {
	m := len(l.alpha)
	if m < l.k {
		return false
	}
	for _, c := range t.order[:l.k] {
		if l.beta[m-1]*math.Abs(t.vectors[(m-1)*m+c]) > 1e-14*t.values[t.order[0]] {
			return false
		}
	}
	return true
}

func (l *lanczos) result(t ritz) (values, vectors []float64) {
	m := len(l.alpha)
	vectors = make([]float64, l.k*l.d)
	for r, c := range t.order[:l.k] {
		values = append(values, max(0, t.values[c]))
		row := vectors[r*l.d : (r+1)*l.d]
		for j := range m {
			w := t.vectors[j*m+c]
			for i, v := range l.basis[j] {
				row[i] += w * v
			}
		}
	}
	return values, vectors
}

// tridiagonal turns a symmetric tridiagonal matrix, d on the diagonal and e beside it, into its eigenvalues (in d), and z into z times its eigenvectors, by the QL
// method with implicit shifts (Golub and Van Loan 2013, section 8.3).
func tridiagonal(d, e, z []float64) {
	n := len(d)
	for l := range n {
		for range 200 {
			m := l
			for ; m < n-1; m++ {
				if s := math.Abs(d[m]) + math.Abs(d[m+1]); math.Abs(e[m]) <= 1e-17*s || e[m] == 0 || s+math.Abs(e[m]) == s {
					break
				}
			}
			if m == l {
				break
			}
			sweepQL(d, e, z, l, m)
		}
	}
}

// sweepQL does one implicit step between l and m.
func sweepQL(d, e, z []float64, l, m int) {
	n := len(d)
	g := (d[l+1] - d[l]) / (2 * e[l])
	r := math.Hypot(g, 1)
	g = d[m] - d[l] + e[l]/(g+math.Copysign(r, g))
	s, c, p := 1.0, 1.0, 0.0
	for i := m - 1; i >= l; i-- {
		f, b := s*e[i], c*e[i]
		r = math.Hypot(f, g)
		if e[i+1] = r; r == 0 {
			d[i+1] -= p
			e[m] = 0
			return
		}
		s, c = f/r, g/r
		g = d[i+1] - p
		r = (d[i]-g)*s + 2*c*b
		p = s * r
		d[i+1] = g + p
		g = c*r - b
		for k := range n {
			row := z[k*n:]
			f := row[i+1]
			row[i+1] = s*row[i] + c*f
			row[i] = c*row[i] - s*f
		}
	}
	d[l] -= p
	e[l], e[m] = g, 0
}

// gram returns x'x [d, d] of strips of centred rows.
func gram(dev *gpu.Device, d int, strips func(visit func(rows []float64) error) error) ([]float64, error) {
	out := make([]float64, d*d)
	var arena *gpu.Arena
	var sum gpu.Tensor
	err := strips(func(x []float64) error {
		if arena == nil {
			arena = dev.NamedArena("covariance", 8*(len(x)+d*d)+4096)
			sum = arena.Zeros(gpu.F64, d, d)
		}
		t := arena.New(gpu.F64, len(x)/d, d)
		gpu.Write(t, x)
		gpu.MatMul(sum, t, t, true, false, 1)
		arena.Free(t)
		return nil
	})
	if arena != nil {
		gpu.Read(out, sum)
		arena.Close()
	}
	return out, err
}
