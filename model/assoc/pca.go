package assoc

import (
	"math"

	"contig-gpu/gpu"
)

// stripValues is how many values of features are held at a time.
const stripValues = 1 << 21

// A PCA is principal components of rows of features, centred and not whitened. Of each component the loading of largest magnitude is positive, as in scikit-learn 1.5
// and later.
type PCA struct {
	Mean       []float64 // [d]
	Components []float64 // [k, d]
	Variance   []float64 // [k], by n - 1
	Ratio      []float64 // [k], of the whole variance
}

// Features are n rows of d finite values that are read some at a time.
type Features struct {
	N, D int
	Read func(lo, hi int, dst []float64) error
}

// NewPCA returns the first k components of at least two rows, or as many as have any variance (a share of 1e-12 of the first's). dev is a CPU device. Memory: d x d values, and a strip of
// rows. Errors are those of reading.
func NewPCA(dev *gpu.Device, f Features, k int) (*PCA, error) {
	p := &PCA{Mean: make([]float64, f.D)}
	if err := f.strips(nil, func(x []float64) error {
		for i := 0; i < len(x); i += f.D {
			for j, v := range x[i : i+f.D] {
				p.Mean[j] += v
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	scale(p.Mean, 1/float64(f.N))
	g, err := gram(dev, f.D, func(visit func([]float64) error) error { return f.strips(p.Mean, visit) })
	if err != nil {
		return nil, err
	}
	total := 0.0
	for j := range f.D {
		total += g[j*f.D+j]
	}
	values, vectors := leading(g, f.D, min(k, f.D))
	for c, v := range values {
		if v <= 1e-12*values[0] || v == 0 || c >= f.N-1 {
			break
		}
		row := vectors[c*f.D : (c+1)*f.D]
		turn(row)
		p.Components = append(p.Components, row...)
		p.Variance, p.Ratio = append(p.Variance, v/float64(f.N-1)), append(p.Ratio, v/total)
	}
	return p, nil
}

// turn makes the loading of largest magnitude positive, the first of equals.
func turn(row []float64) {
	at := 0
	for i, v := range row {
		if math.Abs(v) > math.Abs(row[at]) {
			at = i
		}
	}
	if row[at] < 0 {
		scale(row, -1)
	}
}

// K returns how many components there are.
func (p *PCA) K() int { return len(p.Variance) }

// Scores returns the components of rows, by component: [k][n].
func (p *PCA) Scores(f Features) ([][]float64, error) {
	out := make([][]float64, p.K())
	for c := range out {
		out[c] = make([]float64, 0, f.N)
	}
	err := f.strips(p.Mean, func(x []float64) error {
		for i := 0; i < len(x); i += f.D {
			for c := range out {
				out[c] = append(out[c], dot(x[i:i+f.D], p.Components[c*f.D:(c+1)*f.D]))
			}
		}
		return nil
	})
	return out, err
}

// strips visits the rows some at a time, less mean where it is not nil.
func (f Features) strips(mean []float64, visit func(rows []float64) error) error {
	step := max(1, stripValues/max(1, f.D))
	buf := make([]float64, min(step, f.N)*f.D)
	for lo := 0; lo < f.N; lo += step {
		hi := min(f.N, lo+step)
		x := buf[:(hi-lo)*f.D]
		if err := f.Read(lo, hi, x); err != nil {
			return err
		}
		for i := 0; mean != nil && i < len(x); i += f.D {
			for j, m := range mean {
				x[i+j] -= m
			}
		}
		if err := visit(x); err != nil {
			return err
		}
	}
	return nil
}
