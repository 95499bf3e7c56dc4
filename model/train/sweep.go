package train

import (
	"context"
	"errors"
	"io"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/loss"
	"contig-gpu/model/nn"
)

// outputs are the tensors that an evaluation pass leaves in its arena.
type outputs struct {
	features        gpu.Tensor   // [N, TrunkWidth]
	image, genetics []gpu.Tensor // per modality [N, Embedding], not normalised
}

// forward runs the model without gradients and writes losses [M, 4]. Other images of the same person leave the
// denominators even where training avoids them: here batches are in the order of the data.
func forward(m *model.Model, p *nn.Pass, b model.Batch, chunk int, losses gpu.Tensor) outputs {
	c := m.Config()
	spec := gpu.InfoNCESpec{Tau: c.Tau, Lambda: c.Lambda, Pairs: gpu.MaskPairs}
	if c.Pairs == "positive" {
		spec.Pairs = gpu.PositivePairs
	}
	out := outputs{features: m.FeaturesInChunks(p, b.Image, chunk)}
	for i := range b.Tables {
		z, w := m.ImageEmbedding(p, out.features, i), m.GeneticsEmbedding(p, b.Tables[i], b.Present[i], i)
		pair := loss.Pair{Z: z, W: w, Present: b.Present[i], Group: b.Group, Scale: b.Scale.Slice(i, i+1)}
		loss.Term(losses.Slice(4*i, 4*i+4), gpu.Tensor{}, gpu.Tensor{}, pair, spec)
		out.image, out.genetics = append(out.image, z), append(out.genetics, w)
	}
	return out
}

// A swept batch is what the model made of one batch, on the host.
type swept struct {
	features        []float64   // [N, TrunkWidth]
	image, genetics [][]float64 // per modality [N, Embedding]
	losses          []float64   // [M, 4]
	scale           []float64   // [M]: the weight of each term
}

// sweep runs the model in evaluation mode over all batches of an epoch of src.
func (w *workspace) sweep(ctx context.Context, src data.Source, visit func(*data.Batch, swept)) error {
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
		whole := &b
		if w.resident != nil {
			whole = padded(&b, w.dims.Batch)
		}
		p, err := w.pass(load{whole.N, false})
		if err != nil {
			return err
		}
		in := w.slots[0]
		if err := w.load(in, whole, src.Dims().Work, 1); err != nil {
			return err
		}
		in.upload.Arrive()
		out := forward(w.model, p, w.prepare(p, in.input), w.chunk, w.losses)
		in.upload.Release()
		in.rows = 0 // it is not the batch that training goes on with
		if err := w.dev.Sync(); err != nil {
			return err
		}
		visit(&b, w.fetch(out, b.N, in.weights))
	}
}

// fetch returns the first n rows.
func (w *workspace) fetch(out outputs, n int, weights []float64) swept {
	s := swept{features: host(rows(out.features, n)), losses: host(w.losses), scale: weights}
	for i := range out.image {
		s.image, s.genetics = append(s.image, host(rows(out.image[i], n))), append(s.genetics, host(rows(out.genetics[i], n)))
	}
	return s
}

// host returns a copy of a float tensor's elements.
func host(t gpu.Tensor) []float64 {
	v := make([]float64, t.Len())
	gpu.Read(v, t)
	return v
}
