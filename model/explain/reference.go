package explain

import (
	"fmt"
	"math"

	"contig-gpu/gpu"
)

// unitFloor is the least length that an embedding is divided by, as in the loss.
const unitFloor = 1e-12

// A Reference is the reference batch of one modality: the unit embeddings U (images) and V (genetics) of N persons who have the
// modality, and what their loss keeps when one more person joins.
type Reference struct {
	n, dim int
	tau    float64
	device *gpu.Device
	dtype  gpu.DType
	arena  *gpu.Arena
	sides  [2]referenceSide // by Side
}

// A referenceSide is what belongs to the rows of one side.
type referenceSide struct {
	unit   []float64  // [N, D]
	lse    []float64  // [N] log-sum-exp of each row's logits with the other side
	base   float64    // sum of lse less that of the pairs' own logits: N times the loss of these anchors
	scaled gpu.Tensor // [N, D] unit / tau
	lseOn  gpu.Tensor // F64 [N]
}

// NewReference places on dev the reference batch of n persons whose embeddings, of any length, are the rows of image and
// genetics, n rows of dim each. Type is float32 or float64 (on the CPU). Close gives the memory back.
func NewReference(dev *gpu.Device, dtype gpu.DType, image, genetics []float64, dim int, tau float64) (*Reference, error) {
	if dim < 1 || len(image) != len(genetics) || len(image)%dim != 0 {
		return nil, fmt.Errorf("explain: reference embeddings of %d and %d values are no rows of %d", len(image), len(genetics), dim)
	}
	r := &Reference{n: len(image) / dim, dim: dim, tau: tau, device: dev, dtype: dtype}
	if r.n == 0 {
		return nil, fmt.Errorf("explain: the reference has no person with the modality: want at least 1")
	}
	if !(tau > 0) {
		return nil, fmt.Errorf("explain: temperature %g: want more than 0", tau)
	}
	r.sides[ImageSide].unit, r.sides[GeneticsSide].unit = unitRows(image, dim), unitRows(genetics, dim)
	for _, s := range r.sides {
		for _, v := range s.unit {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("explain: an embedding of the reference is not finite")
			}
		}
	}
	r.sums()
	r.arena = dev.Deal("reference", func(a *gpu.Arena) {
		for i := range r.sides {
			s := &r.sides[i]
			s.scaled, s.lseOn = a.New(dtype, r.n, dim), a.New(gpu.F64, r.n)
		}
	})
	for i := range r.sides {
		s := &r.sides[i]
		gpu.Write(s.scaled, scaled(s.unit, 1/tau))
		gpu.Write(s.lseOn, s.lse)
	}
	return r, nil
}

// Persons returns the number of persons N.
func (r *Reference) Persons() int { return r.n }

// Close gives the device's memory back.
func (r *Reference) Close() { r.arena.Close() }

// sums fills lse and base of both sides.
func (r *Reference) sums() {
	u, v := &r.sides[ImageSide], &r.sides[GeneticsSide]
	logits := make([]float64, r.n*r.n)
	for i := range r.n {
		for j := range r.n {
			logits[i*r.n+j] = dot(u.unit[i*r.dim:][:r.dim], v.unit[j*r.dim:][:r.dim]) / r.tau
		}
	}
	line := make([]float64, r.n)
	for i := range r.n {
		u.lse = append(u.lse, logSumExp(logits[i*r.n:][:r.n]))
		for j := range line {
			line[j] = logits[j*r.n+i]
		}
		v.lse = append(v.lse, logSumExp(line))
		u.base += u.lse[i] - logits[i*r.n+i]
		v.base += v.lse[i] - logits[i*r.n+i]
	}
}

// kept returns what a person's row on a side keeps fixed while the other side moves: gpu.InfoNCEPair's two.
func (r *Reference) kept(side Side, unit []float64) [2]float64 {
	other := &r.sides[side.other()]
	logits, k := make([]float64, r.n), other.base
	for j := range logits {
		logits[j] = dot(unit, other.unit[j*r.dim:][:r.dim]) / r.tau
		k += softplus(logits[j] - other.lse[j])
	}
	return [2]float64{logSumExp(logits), k}
}

// unitRows returns rows of dim values at unit length.
func unitRows(x []float64, dim int) []float64 {
	y := make([]float64, len(x))
	for at := 0; at < len(x); at += dim {
		row := x[at : at+dim]
		n := math.Max(math.Sqrt(dot(row, row)), unitFloor)
		for j, v := range row {
			y[at+j] = v / n
		}
	}
	return y
}

func scaled(x []float64, k float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v * k
	}
	return y
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

func logSumExp(x []float64) float64 {
	top, sum := math.Inf(-1), 0.0
	for _, v := range x {
		top = math.Max(top, v)
	}
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
