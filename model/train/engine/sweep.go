package engine

import (
	"context"
	"errors"
	"io"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// A Swept batch is what an evaluation made of one batch, on the host. Embeddings are not normalised.
type Swept struct {
	Features []float64                       // [N, width] of the image encoder
	Images   [][]float64                     // of each image head [N, D]
	Tables   [][]float64                     // of each table [N, D]
	Terms    [][objective.TermValues]float64 // of the loss
	Weights  []float64                       // of each term

	Predicted []float64 // [N, ...] of a supervised objective; nil of others
}

// Sweep evaluates all batches of an epoch of src, in order, and calls visit with each: with that of all ranks where they share them.
func (e *Engine) Sweep(ctx context.Context, src data.Source, visit func(*data.Batch, Swept)) error {
	if err := src.Reset(0, 0); err != nil {
		return err
	}
	var b data.Batch
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := src.Next(&b); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		s, err := e.evaluate(&b)
		if err != nil {
			return err
		}
		visit(b.Everyone(), s)
	}
}

// evaluate runs a batch forward. It waits for what it leaves.
func (e *Engine) evaluate(b *data.Batch) (Swept, error) {
	whole := e.feed.whole(b, e.o.Dims.Batch)
	p, err := e.pass(load{rows: whole.N, views: whole.Variations()})
	if err != nil {
		return Swept{}, err
	}
	s := e.slots[0]
	if err := e.load(s, whole, 1); err != nil {
		return Swept{}, err
	}
	s.upload.Arrive()
	out := evaluated(p, e.obj, e.feed.unpack(p, s.input), e.terms)
	s.upload.Release()
	s.loaded = false // it is not the batch that training goes on with
	if err := e.dev.Sync(); err != nil {
		return Swept{}, err
	}
	return e.fetch(out, b.Everyone().N, s.weights), nil
}

// evaluated runs a batch forward, and gathers what it leaves where ranks share it.
func evaluated(p *nn.Pass, o objective.Objective, b objective.Batch, terms gpu.Tensor) objective.Outputs {
	out := o.Evaluate(p, b, terms)
	if !b.Shared() {
		return out
	}
	all := objective.Outputs{Features: objective.Gathered(p, out.Features)}
	for _, x := range out.Images {
		all.Images = append(all.Images, objective.Gathered(p, x))
	}
	for _, x := range out.Tables {
		all.Tables = append(all.Tables, objective.Gathered(p, x))
	}
	if out.Predicted.Ok() {
		all.Predicted = objective.Gathered(p, out.Predicted)
	}
	return all
}

// fetch returns the first n rows.
func (e *Engine) fetch(out objective.Outputs, n int, weights []float64) Swept {
	s := Swept{Features: host(firstRows(out.Features, n)), Weights: weights, Terms: make([][objective.TermValues]float64, e.terms.Dim(0))}
	for t, v := range host(e.terms) {
		s.Terms[t/objective.TermValues][t%objective.TermValues] = v
	}
	if out.Predicted.Ok() {
		s.Predicted = host(firstRows(out.Predicted, n))
	}
	for _, x := range out.Images {
		s.Images = append(s.Images, host(firstRows(x, n)))
	}
	for _, x := range out.Tables {
		s.Tables = append(s.Tables, host(firstRows(x, n)))
	}
	return s
}

// host returns a copy of a float tensor's elements.
func host(t gpu.Tensor) []float64 {
	v := make([]float64, t.Len())
	gpu.Read(v, t)
	return v
}
