package train

import (
	"errors"
	"fmt"
	"io"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/optim"
)

// A trainer is a run between its setting up and its end.
type trainer struct {
	o     *Options
	cfg   Config
	dtype gpu.DType
	dev   *gpu.Device
	dims  data.Dims // of the batches
	count need      // of a step and an evaluation
	idle  idleMeter
	*workspace
	opt           *optim.Optimizer
	schedule      optim.Schedule
	source        data.Source
	tables        []*data.Packed // of the cohort, where they stay on the device
	values, grads gpu.Tensor     // flat
	ema, spare    gpu.Tensor     // flat; the zero Tensor without EMA
	sumsq, scale  gpu.Tensor     // [1]: of the gradient, and what it is multiplied by
	decay         gpu.Tensor     // [1]: of the averages, in this step
	turn          int            // the slot of the next batch
	ahead         error          // of loading it ahead
	pending       []pending      // batches, oldest first
	warm          map[part]bool  // has been run
	pace          pace

	report func(StepLine) error // of a step that is done
	omit   Omit

	perEpoch, total int // steps
	at              state
	judged          int  // the last step that was found good; at counts those that are queued too
	open            bool // source is within the epoch that at says
	resumed         bool
	warned          string      // what the device complained of last
	log             *metricsLog // nil before begin
	batch           data.Batch
}

// newTrainer sets everything up and writes nothing. Whatever happens, close must be called.
func newTrainer(o *Options) (*trainer, error) {
	t := newTrainerOn(nil, o)
	return t, t.setUp()
}

// newTrainerOn returns a trainer on dev, nil for the device that the settings name, of which nothing is set up.
func newTrainerOn(dev *gpu.Device, o *Options) *trainer {
	t := &trainer{o: o, cfg: o.Config, dev: dev, warm: map[part]bool{}}
	t.report = t.publish
	return t
}

func (t *trainer) setUp() error {
	t.cfg.Model.Modalities = modalitiesOf(t.o.Cohort)
	if err := t.cfg.Validate(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	for _, f := range []func() error{t.openDevice, t.openSource, t.reserve, t.build, t.load} {
		if err := f(); err != nil {
			return err
		}
	}
	t.beginScaling()
	t.judged = t.at.Step
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
		// Float64 judges: it computes through the portable kernels.
		t.dev, err = gpu.Open(t.cfg.Device, gpu.Options{Threads: t.cfg.Threads, NonDeterministic: !t.cfg.Deterministic, Portable: t.cfg.Precision == "f64"})
		if err != nil {
			return err
		}
	}
	t.idle.dev = t.dev
	t.dtype, t.cfg.Precision, err = t.dev.Precision(t.cfg.Precision)
	return err
}

// feed says what a source is to give. Where the device works beside the host it makes images and tables itself.
func (t *trainer) feed(split data.Split, train bool) Feed {
	return Feed{Split: split, Train: train, Raw: t.dev.Overlaps()}
}

func (t *trainer) openSource() error {
	var err error
	if t.source, err = t.o.NewSource(t.feed(data.Train, true)); err != nil {
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
	t.tables = packed(t.o.Cohort, t.dims)
	return nil
}

// build takes the memory that reserve has counted.
func (t *trainer) build() error {
	if err := t.take(); err != nil {
		return err
	}
	t.grow(t.count)
	t.settle()
	return t.dev.Sync()
}

// take takes the memory that does not depend on what a step does.
func (t *trainer) take() error {
	m, err := model.New(t.cfg.Model)
	if err != nil {
		return err
	}
	if err := m.Place(t.dev, t.dtype); err != nil {
		return err
	}
	if t.workspace, err = newWorkspace(m, t.dev, t.dtype, t.dims, t.tables); err != nil {
		return err
	}
	t.chunk = t.cfg.Chunk
	var decayed int
	t.values, t.grads, decayed = m.Flat()
	t.opt = optim.New(t.cfg.Optimizer, t.values, t.grads, decayed)
	t.opt.Refresh(m.Halves())
	if t.cfg.EMA > 0 {
		// An arena each: its size is then the tensor's, whatever the alignment.
		t.ema = t.dev.NamedArena("averages", t.values.Bytes()).Zeros(t.values.DType(), t.values.Len())
		t.spare = t.dev.NamedArena("averages", t.values.Bytes()).Zeros(t.values.DType(), t.values.Len())
	}
	probe, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		return err
	}
	a := probe.NewArena(0)
	t.takeNumbers(a)
	t.takeNumbers(t.dev.NamedArena("numbers", a.Peak()))
	for _, s := range t.slots {
		if s.results, err = t.dev.NewDownload(t.losses, t.sumsq); err != nil {
			return err
		}
	}
	return nil
}

// takeNumbers deals out the few numbers that an update leaves or reads.
func (t *trainer) takeNumbers(a *gpu.Arena) {
	master := t.values.DType()
	t.sumsq, t.scale, t.decay = a.New(gpu.F64, 1), a.New(master, 1), a.New(master, 1)
}

// load fills the model: fresh, from a file, or from the run's own checkpoint.
func (t *trainer) load() error {
	t.model.Init(t.cfg.Seed)
	if t.o.Resume {
		if err := t.resume(); err != nil || t.resumed {
			return err
		}
	}
	if t.o.InitFrom != "" {
		if err := t.initFrom(t.o.InitFrom); err != nil {
			return err
		}
	}
	if t.ema.Ok() {
		gpu.Copy(t.ema, t.values)
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
	err := t.source.Next(&t.batch)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("train: epoch %d ended after fewer than %d batches", t.at.Epoch+1, t.source.Batches())
	}
	return &t.batch, err
}

// withEMA calls f with the averaged parameters in the model's place.
func (t *trainer) withEMA(f func()) {
	if !t.ema.Ok() {
		f()
		return
	}
	gpu.Copy(t.spare, t.values)
	gpu.Copy(t.values, t.ema)
	t.model.Refresh()
	f()
	gpu.Copy(t.values, t.spare)
	t.model.Refresh()
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
	if t.source != nil {
		t.source.Close()
	}
	if t.workspace != nil {
		t.workspace.close()
	}
	if t.dev != nil {
		t.dev.Close()
	}
}
