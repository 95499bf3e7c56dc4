package train

import (
	"context"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/eval"
	"contig-gpu/model/objective"
	"contig-gpu/model/train/engine"
)

// Evaluate returns the loss of a loaded network over all batches of src, which are of cohort c, and where it compares tables with images what is
// retrieved among their participants: as a training evaluates a split, without what a report shows beside. nil: src has no batches.
func Evaluate(ctx context.Context, l *checkpoint.Loaded, c *data.Cohort, src data.Source) (*Evaluated, error) {
	if src.Batches() == 0 {
		return nil, nil
	}
	e, err := engine.NewEvaluator(engine.Options{Device: l.Device, DType: l.DType, Dims: src.Dims(), Tables: packed(c, src.Dims()),
		Build: func() (objective.Objective, error) { return build.New(l.Settings.Config) }}, l.Objective)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	obj, dim := l.Objective, l.Settings.Model.Embedding
	sums, rows := newTally(obj), newRows(obj, dim)
	if err := e.Sweep(ctx, src, func(b *data.Batch, s engine.Swept) {
		sums.add(b, s)
		addRows(rows, b, s)
	}); err != nil {
		return nil, err
	}
	out := sums.evaluated()
	out.Heldout = heldout(obj, rows, nil)
	if len(obj.Tables()) == 0 {
		return out, nil
	}
	t := &trainer{engine: e, cfg: Config{Model: l.Settings.Model}}
	defer l.Device.Deal("retrieval", func(a *gpu.Arena) { t.ranker = eval.NewRanker(a, len(obj.Tables()), dim) }).Close()
	return out, t.retrieve(ctx, rows, out)
}
