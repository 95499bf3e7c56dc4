package eval

import (
	"context"
	"fmt"

	"contig-gpu/gpu"
)

const (
	largestSide = 1024 // persons of a block: products of that size are about as fast as any
	leastSide   = 64
)

// A Ranker computes retrieval among any number of persons, block by block: its memory depends on the size of a block only.
type Ranker struct {
	dev      *gpu.Device
	dim      int
	largest  int
	image    []gpu.Tensor // per modality [largest, dim], unit rows
	genetics gpu.Tensor   // [largest, dim], of one modality at a time
	product  gpu.Tensor   // [largest, largest]
}

// NewRanker returns a Ranker for rows of length dim that takes its memory from a; its products are float32, on the
// arena's device.
func NewRanker(a *gpu.Arena, modalities, dim int) *Ranker {
	return newRanker(a, modalities, dim, largestSide)
}

func newRanker(a *gpu.Arena, modalities, dim, largest int) *Ranker {
	k := &Ranker{dev: a.Device(), dim: dim, largest: largest}
	for range modalities {
		k.image = append(k.image, a.New(gpu.F32, largest, dim))
	}
	k.genetics, k.product = a.New(gpu.F32, largest, dim), a.New(gpu.F32, largest, largest)
	return k
}

// Rehearse asks for the products of all sizes that Rank takes: on a planning device that counts their scratch memory.
func (k *Ranker) Rehearse() {
	for side := k.largest; ; side = smaller(side) {
		gpu.MatMul(square(k.product, side), part(k.genetics, side), part(k.genetics, side), false, true, 0)
		if smaller(side) == side {
			return
		}
	}
}

// smaller returns the next smaller size of a block, the same where there is none.
func smaller(side int) int {
	if side/2 < leastSide {
		return side
	}
	return side / 2
}

// Rank computes the metrics of each modality, among the persons who have both rows of it, and of all together: by the mean
// similarity over the modalities that both persons of a pair have. Candidates are then the persons with any
// modality; a pair without a common one ranks last. rows are by modality.
//
// Similarities are those of float64: whatever the device rounds changes no result. The device computes products in
// float32, and pairs whose order they leave open are computed again on the host, at a bounded cost (see the package's
// documentation). The error is the device's, or ctx's.
func (k *Ranker) Rank(ctx context.Context, rows []*Rows) (each []Retrieval, all Retrieval, err error) {
	r, err := k.Ranking(ctx, rows)
	return r.Each, r.All, err
}

func (k *Ranker) check(rows []*Rows) {
	if len(rows) != len(k.image) {
		panic(fmt.Sprintf("eval: Rank: %d modalities, want %d", len(rows), len(k.image)))
	}
	for _, r := range rows {
		if r.image.dim != k.dim {
			panic(fmt.Sprintf("eval: Rank: rows of %d elements, want %d", r.image.dim, k.dim))
		}
	}
}

// part returns the first n rows of t.
func part(t gpu.Tensor, n int) gpu.Tensor { return t.Slice(0, n*t.Dim(1)).View(n, t.Dim(1)) }

// square returns the beginning of t as a matrix of n rows and columns.
func square(t gpu.Tensor, n int) gpu.Tensor { return t.Slice(0, n*n).View(n, n) }
