package train

import (
	"context"

	"contig-gpu/data"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/objective"
	"contig-gpu/model/train/engine"
)

// Predict runs a loaded network over all batches of src, in order, and calls visit with what it makes of each.
func Predict(ctx context.Context, l *checkpoint.Loaded, src data.Source, visit func(*data.Batch, engine.Swept)) error {
	e, err := engine.NewEvaluator(engine.Options{Device: l.Device, DType: l.DType, Dims: src.Dims(), Build: func() (objective.Objective, error) { return build.New(l.Settings.Config) }}, l.Objective)
	if err != nil {
		return err
	}
	defer e.Close()
	return e.Sweep(ctx, src, visit)
}
