package train

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/build"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/eval"
	"contig-gpu/model/objective"
	"contig-gpu/model/optim"
	"contig-gpu/model/train/engine"
)

// A trainer is a run between its setting up and its end: an engine that takes the steps, the source of their batches, and
// what is written of them.
type trainer struct {
	o     *Options
	cfg   Config
	dtype gpu.DType
	dev   *gpu.Device
	dims  data.Dims      // of the batches
	count engine.Need    // of a step and an evaluation
	table []*data.Packed // of the cohort, where they stay on the device

	engine   *engine.Engine
	ranker   *eval.Ranker // nil: the objective retrieves nothing
	schedule optim.Schedule
	source   data.Source
	pace     pace
	watch    stopwatch

	report func(StepLine) error // of a step that is done
	omit   engine.Omit

	perEpoch, total int // steps
	at              state
	checked         int  // the last step that was found good; at counts those that are queued too
	open            bool // source is within the epoch that at says
	resumed         bool
	bad             int         // images known to be broken
	saved           time.Time   // when the last checkpoint was written, or this session began
	from            string      // the checkpoint that it was resumed from
	warned          []string    // what the device has complained of
	log             *metricsLog // nil before begin
	batch           data.Batch
	taken           int                   // batches, in this session
	input           error                 // of the source
	buffers         [][]float64           // running averages before the step under way, where they are kept
	outlying        []string              // tables that an evaluation failed by, the fault of some persons' data
	voted           [engine.Votes]float64 // with the last step that is done, since asked
	diverged        bool                  // what an evaluation found was not the fault of some persons' data
}

// newTrainer sets everything up and writes nothing. Whatever happens, close must be called.
func newTrainer(o *Options) (*trainer, error) {
	t := newTrainerOn(o.Device, o)
	return t, t.setUp()
}

// newTrainerOn returns a trainer on dev, nil for the device that the settings name, of which nothing is set up.
func newTrainerOn(dev *gpu.Device, o *Options) *trainer {
	t := &trainer{o: o, cfg: o.Config, dev: dev}
	t.report = t.publish
	return t
}

func (t *trainer) setUp() error {
	t.cfg.Model.Modalities = nil
	if build.UsesTables(t.cfg.Objective) {
		t.cfg.Model.Modalities = modalitiesOf(t.o.Cohort)
	}
	if err := t.cfg.Validate(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if err := t.ready(t.makeReady()); err != nil {
		return err
	}
	if err := t.load(); err != nil {
		return err
	}
	t.engine.BeginScaling()
	t.checked = t.at.Step
	if err := t.thaw(); err != nil {
		return err
	}
	if t.o.Approve == nil {
		return nil
	}
	flops, err := t.engine.Flops()
	if err != nil {
		return err
	}
	return t.o.Approve(Work{Steps: t.total - t.at.Step, Flops: flops * float64(t.cfg.Accumulate)})
}

// ready tells all ranks how something went that each does by itself.
func (t *trainer) ready(err error) error {
	if t.o.Ready == nil {
		return err
	}
	return t.o.Ready(t.explain(err))
}

// makeReady takes all that a training needs; nothing of it is an exchange between ranks but what auto stands for.
func (t *trainer) makeReady() error {
	err := inTurn(t.openDevice, t.openSource)
	if err = t.settlePrecision(err); err != nil {
		return err
	}
	return inTurn(t.reserve, t.build)
}

// inTurn does what there is to do until something fails.
func inTurn(all ...func() error) error {
	for _, f := range all {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func modalitiesOf(c *data.Cohort) []model.Modality {
	var ms []model.Modality
	for _, t := range c.Tables {
		ms = append(ms, model.Modality{Name: t.Name(), Features: t.Stats().Width()})
	}
	return ms
}

func (t *trainer) openDevice() error {
	var err error
	if t.dev == nil {
		t.dev, err = OpenDevice(t.cfg, func(c gpu.PlanCounts) { t.event(Event{Kind: Planning, Plans: &c}) })
		if err != nil {
			return err
		}
	}
	t.dtype, t.cfg.Precision, err = t.dev.Precision(t.cfg.Precision)
	return err
}

// OpenDevice opens the device that a training by c runs on, for Options.Device; planning is told of plans, or nil.
func OpenDevice(c Config, planning func(gpu.PlanCounts)) (*gpu.Device, error) {
	// Float64 is the reference: it computes through the portable kernels.
	return gpu.Open(c.Device, gpu.Options{Threads: c.Threads, NonDeterministic: !c.Deterministic, Portable: c.Precision == "f64", Planning: planning})
}

// feed says what a source is to give: on a device that works beside the host, what it makes images and tables from. In
// evaluation views are variations too, since one view of an image has nothing to be compared with.
func (t *trainer) feed(split data.Split, train bool) (Feed, error) {
	obj, err := build.New(t.cfg.objective())
	if err != nil {
		return Feed{}, err
	}
	return Feed{Split: split, Rank: t.dev.Rank(), Ranks: t.dev.Ranks(), Train: train, Raw: t.dev.Async(), Views: obj.Views(), NoTables: len(obj.Tables()) == 0}, nil
}

func (t *trainer) openSource() error {
	f, err := t.feed(data.Train, true)
	if err != nil {
		return err
	}
	if t.source, err = t.o.NewSource(f); err != nil {
		return err
	}
	t.perEpoch = t.source.Batches() / t.cfg.Accumulate
	if t.perEpoch == 0 {
		return &data.Problem{Code: codeTooFew, What: "the training split does not fill one step",
			Expected: fmt.Sprintf("%d batches of %d images, of different persons", t.cfg.Accumulate, t.cfg.Batch),
			Found:    fmt.Sprintf("%d", t.source.Batches()), Fix: "lower --batch or --accumulate, or give more persons"}
	}
	t.dims, t.total = t.source.Dims(), t.cfg.steps(t.perEpoch)
	t.schedule = t.cfg.schedule(t.total)
	if t.table == nil {
		t.table = packed(t.o.Cohort, t.dims)
	}
	return nil
}

// packed returns the cohort's tables as a device keeps them; none where batches bring their rows along, or have no tables.
func packed(c *data.Cohort, dims data.Dims) []*data.Packed {
	if dims.PixelSide == 0 || len(dims.Modalities) == 0 {
		return nil
	}
	var ps []*data.Packed
	for _, t := range c.Tables {
		ps = append(ps, data.Pack(t, len(c.Persons)))
	}
	return ps
}

// engineOptions are those of an engine for a training by c on dev.
func (t *trainer) engineOptions(c Config, dev *gpu.Device) engine.Options {
	return engine.Options{
		Config: engine.Config{Optimizer: c.Optimizer, Clip: c.Clip, Accumulate: c.Accumulate, EMA: c.EMA, Omit: t.omit},
		Device: dev, DType: t.dtype, Dims: t.dims, Tables: t.table, Over: c.over(), Halved: c.HalvesGradients(), Frozen: c.frozen(), Next: t.next, Begun: t.o.Begun, Report: t.done,
		Build: func() (objective.Objective, error) { return build.New(c.objective()) },
	}
}

// build takes the memory that reserve has counted.
func (t *trainer) build() error {
	var err error
	if t.engine, err = engine.New(t.engineOptions(t.cfg, t.dev)); err != nil {
		return err
	}
	t.ranker = newRanker(t.dev, t.engine.Objective(), t.cfg.Model.Embedding)
	t.engine.Reserve(t.count)
	return t.dev.Sync()
}

// begins takes parameters from a file.
func (t *trainer) begins() error {
	to := t.engine.Objective().Weights()
	if f, ok := t.engine.Objective().(objective.Freezer); ok {
		to = f.Encoder() // a head that was trained for something else is not begun with
	}
	taken, err := checkpoint.Init(t.o.InitFrom, to)
	if err != nil {
		return err
	}
	t.engine.Objective().Weights().Refresh()
	text := fmt.Sprintf("init: %d of the network's %d tensors are taken from %s, which has %d", taken.From, taken.Of, filepath.Base(t.o.InitFrom), taken.InFile)
	if taken.From < taken.Of {
		text += "; the others are new"
	}
	t.event(Event{Kind: Noted, Text: text})
	return nil
}

// load fills the parameters: fresh, from a file, or from the run's own checkpoint.
func (t *trainer) load() error {
	w := t.engine.Objective().Weights()
	w.Init(t.cfg.Seed)
	if t.o.Resume {
		if err := t.resume(); err != nil || t.resumed {
			return err
		}
	}
	if t.o.InitFrom != "" {
		if err := t.ready(t.begins()); err != nil {
			return err
		}
	}
	if t.o.Begin != nil {
		t.o.Begin(t.engine.Objective())
		w.Refresh()
	}
	if ema := t.engine.Averages(); ema.Ok() {
		values, _, _ := w.Flat()
		gpu.Copy(ema, values)
	}
	return nil
}

// next returns the next batch of the training, beginning an epoch where one ended.
func (t *trainer) next() (*data.Batch, error) {
	if !t.open {
		if err := t.source.Reset(t.at.Epoch, t.at.EpochStep*t.cfg.Accumulate); err != nil {
			return nil, err
		}
		t.open = true
	}
	t.watch.start()
	began := time.Now()
	err := t.source.Next(&t.batch)
	spend(&t.watch.Load, began)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("train: epoch %d ended after fewer than %d batches", t.at.Epoch+1, t.source.Batches())
	}
	if err != nil {
		t.input = err
		return nil, err
	}
	t.taken++
	return &t.batch, nil
}

func (t *trainer) event(e Event) {
	if e.Kind != Stepped {
		e.Step, e.Epoch = t.at.Step, t.at.Epoch+1
	}
	e.Total = t.total
	t.o.emit(e)
}

func (t *trainer) close() {
	t.log.close()
	if t.o.Scan != nil {
		t.o.Scan.Close()
	}
	if t.source != nil {
		t.source.Close()
	}
	if t.engine != nil {
		t.engine.Close()
	}
	if t.dev != nil {
		t.dev.Close()
	}
}
