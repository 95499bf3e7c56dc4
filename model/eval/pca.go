package eval

import "math"

// A Projection shows rows on the two directions in which they differ most.
type Projection struct {
	X, Y  []float64  // by row
	Share [2]float64 // of the variance of all dimensions that each direction has
}

// Project returns the principal components of rows. The same rows give the same result, whatever the number of processors; the
// direction in which an axis points is that of the row which lies farthest out.
func Project(rows [][]float64) Projection {
	g := gramOf(rows).centred()
	p := Projection{X: make([]float64, g.n), Y: make([]float64, g.n)}
	total := g.trace()
	if g.n < 2 || !(total > 0) || math.IsInf(total, 0) {
		return p
	}
	var found [][]float64
	for k, to := range [][]float64{p.X, p.Y} {
		value, vector := g.leading(found...)
		p.Share[k] = value / total
		for i, v := range vector {
			to[i] = v * math.Sqrt(value)
		}
		found = append(found, vector)
	}
	return p
}
