package train

import (
	"context"
	"math"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/eval"
	"contig-gpu/model/objective"
	"contig-gpu/model/train/engine"
)

// AllName is the key of the retrieval by all modalities together.
const AllName = "all"

// evaluate computes the loss and, where tables are compared with images, retrieval over one epoch of src. A source without
// batches gives nil.
func (t *trainer) evaluate(ctx context.Context, src data.Source, split data.Split) (*Evaluated, error) {
	if src.Batches() == 0 {
		return nil, nil
	}
	obj := t.engine.Objective()
	sums, rows, odd, seen := newTally(obj), newRows(obj, t.cfg.Model.Embedding), newOutliers(obj), glimpseOf(t.o.Cohort, split, mapPersons)
	var judge Judge
	if t.o.Judge != nil {
		judge = t.o.Judge(split)
	}
	err := t.engine.Sweep(ctx, src, func(b *data.Batch, s engine.Swept) {
		if judge != nil {
			judge.Add(b, s)
		}
		sums.add(b, s)
		addRows(rows, b, s)
		odd.add(b, s)
		seen.add(b, s)
	})
	if err != nil {
		return nil, err
	}
	e := sums.evaluated()
	if math.IsNaN(e.Loss) || math.IsInf(e.Loss, 0) {
		if t.diverged = !odd.few(); !t.diverged {
			t.outlying = odd.tables()
		}
		return nil, odd.problem(e.Loss)
	}
	if judge != nil {
		of := judge.Judged()
		e.Judged = &of
		return e, nil
	}
	e.dots = seen.dots(t.o.Cohort)
	e.Heldout = heldout(obj, rows, e.dots)
	if t.ranker != nil {
		if err := t.retrieve(ctx, rows, e); err != nil {
			return nil, err
		}
	}
	if err := t.addMap(ctx, e, split); err != nil {
		return nil, err
	}
	return e, nil
}

// retrieve adds what is found among the participants.
func (t *trainer) retrieve(ctx context.Context, rows []*eval.Rows, e *Evaluated) error {
	r, err := t.ranker.Ranking(ctx, rows)
	if err != nil {
		return err
	}
	tables := t.engine.Objective().Tables()
	e.Heldout.Queries = eval.Queries(rows, queryPersons, nearestPersons)
	e.Heldout.Recall = map[string]eval.Recall{AllName: r.AllRecall.Round()}
	e.Retrieval, e.Sets = map[string]eval.Retrieval{AllName: r.All}, map[string]eval.SetLoss{}
	for i, table := range tables {
		e.Retrieval[table.Name], e.Heldout.Recall[table.Name] = r.Each[i], r.EachRecall[i].Round()
		e.Sets[table.Name] = eval.CandidateLoss(rows[i], t.cfg.Model.Tau, t.cfg.Model.Lambda)
	}
	return nil
}

// newRanker takes the memory of retrieval on dev; nil where an objective compares no tables with images.
func newRanker(dev *gpu.Device, o objective.Objective, dim int) (k *eval.Ranker) {
	if n := len(o.Tables()); n > 0 {
		dev.Deal("retrieval", func(a *gpu.Arena) { k = eval.NewRanker(a, n, dim) })
	}
	return k
}

// A tally sums the loss over the batches of an evaluation.
type tally struct {
	names       []string
	terms, rows []float64 // by term: the sums of loss x rows present, and of rows, of batches that have a loss
	total       float64   // the sum of the weighted loss x images
	images      float64
}

func newTally(o objective.Objective) *tally {
	names := o.Terms().Names
	return &tally{names: names, terms: make([]float64, len(names)), rows: make([]float64, len(names))}
}

func (t *tally) add(b *data.Batch, s engine.Swept) {
	n := float64(b.N)
	t.images += n
	for i, x := range s.Terms {
		t.total += n * s.Weights[i] * x[0]
		if present := x[objective.TermValues-1]; present >= 2 { // else there is nothing to tell apart, and no loss
			t.terms[i] += present * x[0]
			t.rows[i] += present
		}
	}
}

// evaluated returns the means: of the loss over images, of each term over the rows present.
func (t *tally) evaluated() *Evaluated {
	e := &Evaluated{Loss: t.total / max(1, t.images), Losses: map[string]float64{}}
	for i, name := range t.names {
		e.Losses[name] = t.terms[i] / max(1, t.rows[i])
	}
	return e
}

// newRows returns room for the embeddings of each table and of the image head it is compared with.
func newRows(o objective.Objective, dim int) []*eval.Rows {
	var rows []*eval.Rows
	for range o.Tables() {
		rows = append(rows, eval.NewRows(dim))
	}
	return rows
}

func addRows(rows []*eval.Rows, b *data.Batch, s engine.Swept) {
	for i, r := range rows {
		for j, person := range b.Person[:b.N] {
			r.AddImage(int(person), rowOf(s.Images[i], j, b.N))
			if b.Present[i][j] != 0 && !r.HasGenetics(int(person)) {
				r.SetGenetics(int(person), rowOf(s.Tables[i], j, b.N))
			}
		}
	}
}

// rowOf returns row j of x, which has n rows.
func rowOf(x []float64, j, n int) []float64 {
	d := len(x) / n
	return x[j*d : (j+1)*d]
}
