package engine

import (
	"errors"
	"io"
	"testing"

	"contig-gpu/data"
	"contig-gpu/data/loader"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
	"contig-gpu/model/optim"
	"contig-gpu/model/train/traintest"
)

// builder builds a small ContIG for the tables of dims.
func builder(dims data.Dims) func() (objective.Objective, error) {
	c := model.Defaults()
	c.Encoder, c.Hidden, c.Embedding = "resnet18", 16, 8
	for i, name := range dims.Modalities {
		c.Modalities = append(c.Modalities, model.Modality{Name: name, Features: dims.Features[i]})
	}
	return func() (objective.Objective, error) { return model.New(c) }
}

func packed(co *data.Cohort, dims data.Dims) (tables []*data.Packed) {
	if dims.PixelSide > 0 {
		for _, t := range co.Tables {
			tables = append(tables, data.Pack(t, len(co.Persons)))
		}
	}
	return tables
}

// evaluator returns an engine for what src gives of the cohort.
func evaluator(t *testing.T, dev *gpu.Device, dtype gpu.DType, src data.Source, co *data.Cohort) *Engine {
	t.Helper()
	build := builder(src.Dims())
	o := Options{Device: dev, DType: dtype, Dims: src.Dims(), Tables: packed(co, src.Dims()), Build: func() (objective.Objective, error) {
		m, err := build()
		return idle{m}, err
	}}
	obj, err := o.Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := obj.Weights().Place(dev, dtype); err != nil {
		t.Fatal(err)
	}
	e, err := NewEvaluator(o, obj)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A rig is an engine that trains on a cohort of files, and the steps that it told of.
type rig struct {
	*Engine
	cohort *data.Cohort
	change func(b *data.Batch) // of every batch, before the engine has it; nil: nothing
	steps  []Result
	step   int
}

// newRig returns a rig on dev that computes in precision, of batches of 4, which the device's ranks share.
func newRig(t *testing.T, dev *gpu.Device, precision string, ema float64) *rig {
	t.Helper()
	dtype, _, err := dev.Precision(precision)
	if err != nil {
		t.Fatal(err)
	}
	co := traintest.Cohort(t, 40)
	r := &rig{cohort: co}
	src, err := loader.New(co, loader.Options{Rank: dev.Rank(), Ranks: dev.Ranks(), Batch: 4, Size: 32, Seed: 5, Shuffle: true, OneImagePerGroup: true, Workers: 2, Raw: dev.Async(),
		Augment: data.Augmentation{CropScale: 0.5, FlipHorizontal: 0.5, Rotation: 20, BlurSigma: 2}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	optimizer := optim.Defaults()
	optimizer.LR = 1e-4
	epoch, batch := 0, data.Batch{}
	o := Options{Config: Config{Optimizer: optimizer, Clip: 1, Accumulate: 1, EMA: ema}, Device: dev, DType: dtype, Dims: src.Dims(), Tables: packed(co, src.Dims()),
		Build: builder(src.Dims()),
		Next: func() (*data.Batch, error) {
			err := src.Next(&batch)
			if errors.Is(err, io.EOF) {
				epoch++
				if err = src.Reset(epoch, 0); err == nil {
					err = src.Next(&batch)
				}
			}
			if r.change != nil && err == nil {
				r.change(&batch)
			}
			return &batch, err
		},
		Report: func(x Result) error {
			r.steps = append(r.steps, x)
			return nil
		}}
	r.Engine, err = New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	need, err := r.Need(0)
	if err != nil {
		t.Fatal(err)
	}
	r.Reserve(need)
	r.weights.Init(1)
	r.BeginScaling()
	if r.update.ema.Ok() {
		gpu.Copy(r.update.ema, r.update.values)
	}
	return r
}

// take takes a step.
func (r *rig) take() error {
	r.step++
	return r.Step(Turn{Step: r.step - 1, LR: 1e-4})
}

// idle is an objective that does nothing with batches of up to two views.
type idle struct{ objective.Objective }

func (idle) Views() int { return 2 }

func (idle) Evaluate(*nn.Pass, objective.Batch, gpu.Tensor) (out objective.Outputs) { return out }
