package explain

import "math"

// GaussLegendre returns the n nodes of Gauss-Legendre quadrature on [0, 1], ascending, and their weights, which add up to 1.
func GaussLegendre(n int) (at, weight []float64) {
	q := gaussLegendre(n)
	return q.at, q.weight
}

// nodes are places on a path from the baseline (0) to the input (1), and their weights, which add up to 1.
type nodes struct{ at, weight []float64 }

// gaussLegendre returns the n nodes of Gauss-Legendre quadrature on [0, 1], ascending, to the accuracy of float64: the roots of
// the Legendre polynomial P_n by Newton's method from their asymptotic places (Press et al. 2007, section 4.6).
func gaussLegendre(n int) nodes {
	q := nodes{make([]float64, n), make([]float64, n)}
	for i := range (n + 1) / 2 {
		z := math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
		var slope float64
		for range 100 {
			var p float64
			p, slope = legendre(n, z)
			step := p / slope
			z -= step
			if math.Abs(step) <= 1e-16 {
				break
			}
		}
		if 2*i+1 == n {
			z = 0
		}
		_, slope = legendre(n, z)
		w := 1 / ((1 - z*z) * slope * slope)
		q.at[i], q.at[n-1-i] = (1-z)/2, (1+z)/2
		q.weight[i], q.weight[n-1-i] = w, w
	}
	return q
}

// legendre returns P_n and its derivative at z, |z| < 1, n >= 1.
func legendre(n int, z float64) (p, slope float64) {
	p, before := 1.0, 0.0
	for k := 1; k <= n; k++ {
		p, before = ((2*float64(k)-1)*z*p-(float64(k)-1)*before)/float64(k), p
	}
	return p, float64(n) * (z*p - before) / (z*z - 1)
}

// end is the path's end alone: the gradient there.
func end() nodes { return nodes{[]float64{1}, []float64{1}} }

// mostTogether is the most nodes of a path that are taken together, and leastTogether the least of more than that.
const mostTogether, leastTogether = 16, 8

// groups cuts nodes into groups of one size, at most most, by their number alone; nodes of weight 0 fill the last one up.
func (q nodes) groups(most int) []nodes {
	n := len(q.at)
	best, waste := 0, n+1
	for c := (n + most - 1) / most; c <= (2*n+most-1)/most; c++ {
		size := (n + c - 1) / c
		if w := c*size - n; size <= most && w < waste {
			best, waste = size, w
		}
	}
	var all []nodes
	for lo := 0; lo < n; lo += best {
		g := nodes{make([]float64, best), make([]float64, best)}
		for i := range g.at {
			g.at[i] = q.at[min(n-1, lo+i)] // ascending to the end
		}
		copy(g.weight, q.weight[lo:min(n, lo+best)])
		all = append(all, g)
	}
	return all
}

// between returns the rows (at, 1 - at) that make a path's points of its end and its baseline.
func (q nodes) between() []float64 {
	var c []float64
	for _, a := range q.at {
		c = append(c, a, 1-a)
	}
	return c
}
