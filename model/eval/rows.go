package eval

import (
	"math"
	"slices"
)

// normFloor is the smallest norm that a row is divided by, as in the loss.
const normFloor = 1e-12

// Rows holds one modality's projected embeddings of persons: image and genetics, one row each.
type Rows struct {
	dim      int
	image    map[int][]float64 // sums of unit rows
	genetics map[int][]float64 // unit rows
}

// NewRows returns an empty set of rows of length dim.
func NewRows(dim int) *Rows {
	return &Rows{dim: dim, image: map[int][]float64{}, genetics: map[int][]float64{}}
}

// AddImage adds the embedding of one image of a person: images count equally, whatever their norms.
func (r *Rows) AddImage(person int, z []float64) {
	sum := r.image[person]
	if sum == nil {
		sum = make([]float64, r.dim)
		r.image[person] = sum
	}
	for i, x := range unit(z) {
		sum[i] += x
	}
}

// SetGenetics sets the embedding of a person's genetics.
func (r *Rows) SetGenetics(person int, w []float64) { r.genetics[person] = unit(w) }

// HasGenetics reports whether the person's genetics are set.
func (r *Rows) HasGenetics(person int) bool { return r.genetics[person] != nil }

// Image returns the person's row: the mean of the unit rows of the images, to unit length; nil without images.
func (r *Rows) Image(person int) []float64 {
	if r.image[person] == nil {
		return nil
	}
	return unit(r.image[person])
}

// Genetics returns the person's unit row, nil where absent.
func (r *Rows) Genetics(person int) []float64 { return r.genetics[person] }

// complete returns the persons who have both rows, ascending.
func (r *Rows) complete() []int {
	var ps []int
	for p := range r.genetics {
		if r.image[p] != nil {
			ps = append(ps, p)
		}
	}
	slices.Sort(ps)
	return ps
}

// table lays the rows of persons out in order; persons who lack one have nil.
func (r *Rows) table(persons []int) (image, genetics [][]float64) {
	for _, p := range persons {
		image, genetics = append(image, r.Image(p)), append(genetics, r.genetics[p])
	}
	return image, genetics
}

// Retrieve computes the metrics of one modality among the persons who have it.
func Retrieve(r *Rows) Retrieval {
	image, genetics := r.table(r.complete())
	return retrieve(len(image), func(i, j int) float64 { return dot(image[i], genetics[j]) })
}

// RetrieveAll computes the metrics by the mean similarity over the modalities that both persons of a pair have.
// Candidates are the persons with any modality; a pair without a common one ranks last.
func RetrieveAll(rows []*Rows) Retrieval {
	persons := anyOf(rows)
	image, genetics := make([][][]float64, len(rows)), make([][][]float64, len(rows))
	for m, r := range rows {
		image[m], genetics[m] = r.table(persons)
	}
	return retrieve(len(persons), func(i, j int) float64 {
		sum, n := 0.0, 0
		for m := range rows {
			if genetics[m][i] != nil && genetics[m][j] != nil && image[m][i] != nil && image[m][j] != nil {
				sum, n = sum+dot(image[m][i], genetics[m][j]), n+1
			}
		}
		if n == 0 {
			return math.Inf(-1)
		}
		return sum / float64(n)
	})
}

func anyOf(rows []*Rows) []int {
	var ps []int
	for _, r := range rows {
		ps = append(ps, r.complete()...)
	}
	slices.Sort(ps)
	return slices.Compact(ps)
}

func unit(x []float64) []float64 {
	n := max(normFloor, math.Sqrt(dot(x, x)))
	u := make([]float64, len(x))
	for i, v := range x {
		u[i] = v / n
	}
	return u
}

// dot sums in four strands, always in the same order.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}
