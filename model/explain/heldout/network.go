package heldout

import (
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

const (
	rowStep    = 64  // rows of a batch are padded to a multiple
	columnStep = 64  // columns of a product
	mostMoved  = 512 // features that move in one batch, where a unit has no more by itself
)

// A network computes embeddings of rows behind the first layer, on the device.
type network struct {
	o      *Options
	arena  *gpu.Arena
	weight []float32 // of the first layer, [features, width]: row by row what a feature adds
	width  int
}

func newNetwork(o *Options) *network {
	n := &network{o: o, width: o.Tower.Width()}
	f, rows := o.Tower.Features(), o.Rows
	w := make([]float32, n.width*f)
	gpu.Read(w, o.Tower.First.Weight.Value)
	n.weight = make([]float32, len(w))
	for h := range n.width {
		for j := range f {
			n.weight[j*n.width+h] = w[h*f+j]
		}
	}
	widest := n.width
	for _, p := range o.Tower.Rest.Params() {
		widest = max(widest, p.Dims[0])
	}
	// Beside the rows themselves a Sequential holds what a layer reads and writes, and a norm a little of its own.
	n.arena = o.Device.NamedArena("held-out test", gpu.Room(func(a *gpu.Arena) {
		for range 4 {
			a.New(o.DType, rows, widest)
		}
		a.New(o.DType, personBlock, f)
		a.New(o.DType, rows, columnStep)
		a.New(o.DType, columnStep, n.width)
	}))
	return n
}

func (n *network) close() { n.arena.Close() }

// enter returns h [rows, width] of inputs x [rows, features], rows at most personBlock.
func (n *network) enter(x []float32, rows int) []float32 {
	in, h := n.arena.New(n.o.DType, rows, len(x)/rows), n.arena.New(n.o.DType, rows, n.width)
	gpu.Write(in, x)
	n.o.Tower.Enter(h, in)
	out := make([]float32, rows*n.width)
	gpu.Read(out, h)
	n.arena.Reset()
	return out
}

// leave returns the embeddings of rows h [rows, width] moved by moves [rows, len(features)] of the inputs called features.
func (n *network) leave(h []float32, rows int, moves []float32, features []int) []float64 {
	padded := (rows + rowStep - 1) / rowStep * rowStep
	all := make([]float32, padded*n.width)
	copy(all, h[:rows*n.width])
	t := n.arena.New(n.o.DType, padded, n.width)
	gpu.Write(t, all)
	n.move(t, padded, rows, moves, features)
	p := nn.Evaluation(n.arena, n.o.DType)
	e := n.o.Tower.Rest.Forward(p, t)
	out := make([]float64, e.Len())
	gpu.Read(out, e)
	p.Finish()
	n.arena.Reset()
	return out[:rows*(len(out)/padded)]
}

// move adds moves W to t.
func (n *network) move(t gpu.Tensor, padded, rows int, moves []float32, features []int) {
	c := len(features)
	if c == 0 {
		return
	}
	d, w := n.arena.New(n.o.DType, padded, columnStep), n.arena.New(n.o.DType, columnStep, n.width)
	part, weight := make([]float32, padded*columnStep), make([]float32, columnStep*n.width)
	for lo := 0; lo < c; lo += columnStep {
		hi := min(lo+columnStep, c)
		clear(part)
		clear(weight)
		for r := range rows {
			copy(part[r*columnStep:], moves[r*c+lo:r*c+hi])
		}
		for k, f := range features[lo:hi] {
			copy(weight[k*n.width:(k+1)*n.width], n.weight[f*n.width:])
		}
		gpu.Write(d, part)
		gpu.Write(w, weight)
		gpu.MatMul(t, d, w, false, false, 1)
	}
	n.arena.Free(w)
	n.arena.Free(d)
}
