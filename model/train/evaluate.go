package train

import (
	"context"
	"fmt"
	"math"

	"contig-gpu/data"
	"contig-gpu/model/eval"
)

// allModalities is the key of the retrieval by all modalities together.
const allModalities = "all"

// evaluate computes loss and retrieval over one epoch of src. A source without batches gives nil.
func (w *workspace) evaluate(ctx context.Context, src data.Source) (*Evaluated, error) {
	if src.Batches() == 0 {
		return nil, nil
	}
	modalities := w.model.Config().Modalities
	t := newTally(len(modalities), w.model.Config().Embedding)
	if err := w.sweep(ctx, src, t.add); err != nil {
		return nil, err
	}
	e := &Evaluated{Loss: t.total / max(1, t.images), Losses: map[string]float64{}, Retrieval: map[string]eval.Retrieval{}}
	for i, m := range modalities {
		e.Losses[m.Name] = t.terms[i] / max(1, t.images)
		e.Retrieval[m.Name] = eval.Retrieve(t.rows[i])
	}
	e.Retrieval[allModalities] = eval.RetrieveAll(t.rows)
	if math.IsNaN(e.Loss) || math.IsInf(e.Loss, 0) {
		return nil, &data.Problem{Code: codeNotFinite, What: "the loss of an evaluation is not finite", Found: fmt.Sprint(e.Loss),
			Cause: "training has diverged", Fix: "lower --lr, or clip the gradient with --clip 1, and resume"}
	}
	return e, nil
}

// A tally sums over the batches of an evaluation.
type tally struct {
	rows   []*eval.Rows
	terms  []float64 // sum of loss * images
	total  float64
	images float64
}

func newTally(modalities, dim int) *tally {
	t := &tally{terms: make([]float64, modalities)}
	for range modalities {
		t.rows = append(t.rows, eval.NewRows(dim))
	}
	return t
}

func (t *tally) add(b *data.Batch, s swept) {
	n := float64(b.N)
	t.images += n
	for i, r := range t.rows {
		t.terms[i] += n * s.losses[4*i]
		t.total += n * s.scale[i] * s.losses[4*i]
		dim := len(s.image[i]) / b.N
		for j, person := range b.Person[:b.N] {
			r.AddImage(int(person), s.image[i][j*dim:(j+1)*dim])
			if b.Present[i][j] != 0 && !r.HasGenetics(int(person)) {
				r.SetGenetics(int(person), s.genetics[i][j*dim:(j+1)*dim])
			}
		}
	}
}
