package eval

import (
	"fmt"
	"math"
	"slices"
)

// normFloor is the smallest norm that a row is divided by, as in the loss.
const normFloor = 1e-12

// Rows holds one modality's projected embeddings of persons: image and genetics, one row each, in float64.
type Rows struct {
	image    table // sums of unit rows
	genetics table // unit rows
}

// NewRows returns an empty set of rows of length dim.
func NewRows(dim int) *Rows { return &Rows{newTable(dim), newTable(dim)} }

// AddImage adds the embedding of one image of a person: images count equally, whatever their norms. It panics if z has
// not the length of the rows.
func (r *Rows) AddImage(person int, z []float64) {
	r.image.check("AddImage", z)
	sum, n := r.image.grown(person), norm(z)
	for i, x := range z {
		sum[i] += x / n
	}
}

// SetGenetics sets the embedding of a person's genetics. It panics if w has not the length of the rows.
func (r *Rows) SetGenetics(person int, w []float64) {
	r.genetics.check("SetGenetics", w)
	toUnit(r.genetics.grown(person), w)
}

// HasGenetics reports whether the person's genetics are set.
func (r *Rows) HasGenetics(person int) bool { return r.genetics.row(person) != nil }

// Image returns the person's row: the mean of the unit rows of the images, to unit length; nil without images.
func (r *Rows) Image(person int) []float64 {
	sum := r.image.row(person)
	if sum == nil {
		return nil
	}
	u := make([]float64, len(sum))
	toUnit(u, sum)
	return u
}

// Genetics returns the person's unit row, nil where absent.
func (r *Rows) Genetics(person int) []float64 { return r.genetics.row(person) }

// complete returns the persons who have both rows, in no order.
func (r *Rows) complete() []int {
	var ps []int
	for p := range r.genetics.place {
		if r.image.row(p) != nil {
			ps = append(ps, p)
		}
	}
	return ps
}

// slabRows is how many rows a table takes memory for at a time: what there is is never copied.
const slabRows = 256

// A table has a row of dim elements for some persons.
type table struct {
	dim   int
	place map[int]int32 // by person: the row's number
	slabs [][]float64   // of slabRows rows each
}

func newTable(dim int) table { return table{dim: dim, place: map[int]int32{}} }

// row returns a person's row, nil if there is none.
func (t *table) row(person int) []float64 {
	n, ok := t.place[person]
	if !ok {
		return nil
	}
	lo := int(n) % slabRows * t.dim
	return t.slabs[n/slabRows][lo : lo+t.dim : lo+t.dim]
}

// grown returns a person's row, of zeros if there was none.
func (t *table) grown(person int) []float64 {
	if _, ok := t.place[person]; !ok {
		n := len(t.place)
		if n%slabRows == 0 {
			t.slabs = append(t.slabs, make([]float64, slabRows*t.dim))
		}
		t.place[person] = int32(n)
	}
	return t.row(person)
}

func (t *table) check(op string, x []float64) {
	if len(x) != t.dim {
		panic(fmt.Sprintf("eval: %s: %d elements, want %d", op, len(x), t.dim))
	}
}

// norm returns what a row is divided by to have unit length.
func norm(x []float64) float64 { return max(normFloor, math.Sqrt(dot(x, x))) }

func toUnit(u, x []float64) {
	n := norm(x)
	for i, v := range x {
		u[i] = v / n
	}
}

func hasNaN(x []float64) bool { return slices.ContainsFunc(x, math.IsNaN) }

// dot sums in four strands, always in the same order: what is beyond a multiple of four goes to the first. The conversions keep compilers from
// fusing product and sum, so that it is the same on every machine.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float64(a[i] * b[i])
		s1 += float64(a[i+1] * b[i+1])
		s2 += float64(a[i+2] * b[i+2])
		s3 += float64(a[i+3] * b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i] * b[i])
	}
	return (s0 + s1) + (s2 + s3)
}
