// Package objective says what a training minimises, and by what: an Objective is a network with a loss, a Batch what it takes
// of the persons of one step. ContIG (package model) is one, SimCLR (package ssl) another; the engine of training knows no
// more of them than this.
package objective

import (
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/trunk"
)

// A Table is one modality beside the image, a row a person: its name and its number of features.
type Table struct {
	Name     string `json:"name"`
	Features int    `json:"features"`
}

// A Batch is one step's input on the device. Its tensors must not come from the pass's New. Image and Tables are of the
// pass's type or of the parameters'. Tables and Present are in the order of Objective.Tables, whose names are compared with
// those of the data before the first batch.
type Batch struct {
	Image   gpu.Tensor   // [V N, H, W, trunk.Channels of its type], normalised: the first view of all N, then the next
	Tables  []gpu.Tensor // [N, F] each; what absent rows hold does not matter
	Present []gpu.Tensor // U8 [N] each
	Group   gpu.Tensor   // I32 [N], equal for images of one person
	Scale   gpu.Tensor   // [T] of the parameters' type: each term's weight, over the number of accumulated batches

	Whole Whole // the batch of all ranks, where they share one

	Target gpu.Tensor // [N, ...] of the parameters' type, of a Supervised objective: what is to be predicted
	Known  gpu.Tensor // U8 of its shape: 1 where it is known
}

// A Whole is what is known of all rows of a batch that ranks share, of which each has N of its own, in the order of ranks. Its loss is that of the whole:
// each rank compares the embeddings of all with one another, and goes on with the gradient of its own.
type Whole struct {
	Images  int          // rows that are images: the others, which are the last, fill the shares of an evaluation up
	Present []gpu.Tensor // U8 [B] each
	Group   gpu.Tensor   // I32 [B]
}

// Shared reports whether the batch is shared by ranks.
func (b Batch) Shared() bool { return b.Whole.Group.Ok() }

// Gathered returns what all ranks have in x [N, ...], in memory of the pass's New.
func Gathered(p *nn.Pass, x gpu.Tensor) gpu.Tensor {
	d := x.Dims()
	d[0] *= x.Device().Ranks()
	y := p.NewAs(x.DType(), d...)
	gpu.AllGather(y, x)
	return y
}

// Own returns the rows of y, which has those of all ranks, that are this rank's.
func Own(y gpu.Tensor) gpu.Tensor {
	dev, d, n := y.Device(), y.Dims(), y.Len()/y.Device().Ranks()
	d[0] /= dev.Ranks()
	return y.Slice(dev.Rank()*n, (dev.Rank()+1)*n).View(d...)
}

// An Objective is a network and the loss that it is trained by. The loss is a weighted sum of terms. It owns its weights.
type Objective interface {
	Weights() *nn.Weights
	Tables() []Table // that its batches must have, in this order
	Views() int      // variations of each image that a batch of training must have
	Terms() Terms

	// TermWeights returns the weight of each term, given how many rows of a batch of n have each table.
	TermWeights(n int, present []int) []float64

	// Step runs forward and backward in a pass of training: gradients of parameters accumulate, and terms is written. It ends
	// the pass.
	Step(p *nn.Pass, b Batch, terms gpu.Tensor)

	// Evaluate runs forward without gradients and writes terms. What it returns lives until the pass is reset.
	Evaluate(p *nn.Pass, b Batch, terms gpu.Tensor) Outputs

	// Updated is called after the update of the parameters, on the device's queue: what follows them follows here.
	Updated()
}

// A Supervised objective is shown what is to be predicted. Where its batches come without, as for embedding images, nothing is
// known of any row.
type Supervised interface {
	Objective

	// Target returns the shape of a row's Batch.Target, for images of height x width pixels.
	Target(height, width int) []int
}

// A Freezer is an objective of which the image encoder may be left as it is.
type Freezer interface {
	Objective

	// Freeze says whether steps leave the image encoder as it is: it runs as in evaluation, no gradient reaches it, and its
	// running averages stay.
	Freeze(frozen bool)

	// Learns reports whether steps change a parameter.
	Learns(p *nn.Param) bool

	// Encoder returns the image encoder's parameters and running averages, in the objective's memory.
	Encoder() *nn.Weights
}

// Terms names what a loss leaves: row t of the tensor terms [T, TermValues] has the values of term t, not weighted.
type Terms struct {
	Names  []string           // of the terms
	Values [TermValues]string // the loss first, rows last; "" where a term has fewer
}

// TermValues is the number of values of a term: its loss, two parts of it, and the number of rows that it is the mean of.
const TermValues = 4

// Outputs are what an evaluation leaves of a batch. Embeddings are not normalised.
type Outputs struct {
	Features gpu.Tensor   // [N, width] of the image encoder
	Images   []gpu.Tensor // of each image head [N, D]
	Tables   []gpu.Tensor // of each table [N, D], compared with the image head of the same place

	Predicted gpu.Tensor // [N, ...] of a Supervised objective: what it says of the target, before it becomes a probability
}

// TermAt returns the values of term t.
func TermAt(terms gpu.Tensor, t int) gpu.Tensor {
	return terms.Slice(TermValues*t, TermValues*(t+1))
}

// NewBatch takes the tensors of a batch of n images of height x width pixels for o, in views variations, from a,
// uninitialised. They are float32 where activations, of type dtype, have 16 bits.
func NewBatch(o Objective, a *gpu.Arena, dtype gpu.DType, n, views, height, width int) Batch {
	b := NewRows(o, a, dtype, n)
	NewTarget(&b, o, a, dtype, n, height, width)
	NewInputs(&b, o, a, nn.Master(dtype), n, views, height, width)
	return b
}

// NewRows is NewBatch without Image and Tables: what the host says of each row of a batch.
func NewRows(o Objective, a *gpu.Arena, dtype gpu.DType, n int) Batch {
	b := Batch{Group: a.New(gpu.I32, n), Scale: a.New(nn.Master(dtype), len(o.Terms().Names))}
	for range o.Tables() {
		b.Present = append(b.Present, a.New(gpu.U8, n))
	}
	return b
}

// NewWhole gives b what is known of the batches of all of so many ranks, of n rows each.
func NewWhole(b *Batch, o Objective, a *gpu.Arena, n, ranks int) {
	b.Whole = Whole{Images: ranks * n, Group: a.New(gpu.I32, ranks*n)}
	for range o.Tables() {
		b.Whole.Present = append(b.Whole.Present, a.New(gpu.U8, ranks*n))
	}
}

// NewTarget gives b the Target and Known of n rows for images of height x width pixels, where o is Supervised.
func NewTarget(b *Batch, o Objective, a *gpu.Arena, dtype gpu.DType, n, height, width int) {
	if s, ok := o.(Supervised); ok {
		shape := append([]int{n}, s.Target(height, width)...)
		b.Target, b.Known = a.New(nn.Master(dtype), shape...), a.New(gpu.U8, shape...)
	}
}

// NewInputs gives b the Image and Tables that NewRows leaves out, of type dtype.
func NewInputs(b *Batch, o Objective, a *gpu.Arena, dtype gpu.DType, n, views, height, width int) {
	b.Image, b.Tables = a.New(dtype, views*n, height, width, trunk.Channels(dtype)), nil
	for _, t := range o.Tables() {
		b.Tables = append(b.Tables, a.New(dtype, n, t.Features))
	}
}
