// Package engine takes the steps of a training on a device, whatever its objective: it brings batches there, runs the
// objective forward and backward, updates the parameters, and reads what a step left. It knows steps and rows, not files or
// epochs. Where the device works beside the host, a step is recorded once and replayed, the next batch travels while it
// runs, and its results are read a step late.
//
//	e, err := engine.New(options)
//	defer e.Close()
//	for step := range steps {
//		err = e.Step(engine.Turn{Step: step, LR: schedule.At(step), Last: step+1 == steps})
//	}
//	err = e.Finish()
package engine

import (
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
	"contig-gpu/model/optim"
)

// Config are the settings of a step.
type Config struct {
	Optimizer  optim.Config
	Clip       float64 // maximum L2 norm of the gradient; 0: not clipped
	Accumulate int     // batches per step
	EMA        float64 // decay of the averaged parameters; 0: none
	Omit       Omit
}

// Omit says what is left out of a step, for measuring it.
type Omit struct {
	Norm  bool // the gradient's norm, and with it clipping; f16 needs it
	Graph bool // recording: every step is queued anew
}

// Options of New.
type Options struct {
	Config
	Device *gpu.Device
	DType  gpu.DType // of activations
	Build  func() (objective.Objective, error)
	Dims   data.Dims      // of the batches
	Tables []*data.Packed // of all persons, where Dims have a PixelSide: they stay on the device
	Over   nn.Over        // where the device has joined others: which rows the norms of a step count; Dims.Batch is a rank's share
	Halved bool           // the gradient travels between ranks in bf16, on GPUs
	Frozen Frozen         // which steps leave the image encoder as it is; Freeze says when

	Next   func() (*data.Batch, error) // the batches of the training, in order
	Begun  func(step int)              // called when a step, from 1, has its first batch and computes; may be nil
	Report func(Result) error          // called when a step is done and found good, or skipped
}

// An Engine has an objective on a device and the memory to train and to evaluate it. Arena and scratch memory grow to what
// a planning device says that a batch takes, before it is run.
type Engine struct {
	Scaling LossScale // of the loss, in f16

	o       Options
	dev     *gpu.Device
	dtype   gpu.DType
	obj     objective.Objective
	weights *nn.Weights // that the engine owns
	feed    feed
	update  *update // nil: for evaluation only

	slots  []*slot    // of Dims.Batch rows
	terms  gpu.Tensor // [T, TermValues]
	votes  gpu.Tensor // [Votes], of ranks; the zero Tensor of one alone
	sums   *sums      // of the gradient, over ranks; nil where there are none
	inputs *gpu.Arena
	arena  *gpu.Arena
	room   Need          // that there is
	needs  map[load]Need // of each kind of batch
	flops  float64       // of the convolutions of a training batch, once its need is known

	turn    int           // the slot of the next batch
	ahead   error         // of loading it ahead
	pending []pending     // batches, oldest first
	warm    map[part]bool // has been run
	frozen  bool          // steps leave the image encoder as it is
	idle    idleMeter
}

// New takes the memory of a training that does not depend on what a step does: see Reserve. Weights are 0. Whatever it
// returns, the Engine can be closed.
func New(o Options) (*Engine, error) {
	e, err := newEngine(o)
	if err != nil {
		return e, err
	}
	return e, e.addUpdate()
}

// NewEvaluator returns an Engine for a placed objective, which stays its owner's, that evaluates and does not train.
func NewEvaluator(o Options, obj objective.Objective) (*Engine, error) {
	e := &Engine{o: o, dev: o.Device, dtype: o.DType, obj: obj, needs: map[load]Need{}}
	if err := e.addInputs(); err != nil {
		e.Close()
		return nil, err
	}
	e.feed.settle()
	return e, nil
}

func newEngine(o Options) (*Engine, error) {
	e := &Engine{o: o, dev: o.Device, dtype: o.DType, needs: map[load]Need{}, warm: map[part]bool{}, idle: idleMeter{dev: o.Device}}
	var err error
	if e.obj, err = o.Build(); err != nil {
		return e, err
	}
	e.weights = e.obj.Weights()
	if err := e.weights.Place(e.dev, e.dtype); err != nil {
		return e, err
	}
	return e, e.addInputs()
}

// addInputs makes room for batches.
func (e *Engine) addInputs() error {
	if err := sameTables(e.obj.Tables(), e.o.Dims); err != nil {
		return err
	}
	n := 1
	if e.dev.Async() {
		n = 2
	}
	e.inputs = e.dev.Deal("staging", func(a *gpu.Arena) { e.dealSlots(a, n) })
	for _, s := range e.slots {
		var err error
		if s.upload, err = e.dev.NewUpload(s.whole.bytes()); err != nil {
			return err
		}
	}
	e.feed = newFeed(e.o, e.obj)
	return nil
}

// dealSlots takes the tensors of n slots from a.
func (e *Engine) dealSlots(a *gpu.Arena, n int) {
	e.slots = nil
	for range n {
		e.slots = append(e.slots, &slot{whole: newInput(a, e.o, e.obj, e.o.Dims.Batch, e.obj.Views())})
	}
	e.terms = newTerms(a, e.obj, e.dtype)
}

func newTerms(a *gpu.Arena, o objective.Objective, dtype gpu.DType) gpu.Tensor {
	return a.New(nn.Master(dtype), len(o.Terms().Names), objective.TermValues)
}

// sameTables compares names and widths: from here on tables, and the rows present in each, go by their place.
func sameTables(want []objective.Table, dims data.Dims) error {
	var have []objective.Table
	for i, name := range dims.Modalities {
		have = append(have, objective.Table{Name: name, Features: dims.Features[i]})
	}
	if fmt.Sprint(want) != fmt.Sprint(have) {
		return fmt.Errorf("engine: the objective has the tables %v, the data %v", want, have)
	}
	return nil
}

// Objective returns what is trained.
func (e *Engine) Objective() objective.Objective { return e.obj }

// Device returns the device, which is borrowed.
func (e *Engine) Device() *gpu.Device { return e.dev }

// Optimizer returns the optimiser.
func (e *Engine) Optimizer() *optim.Optimizer { return e.update.opt }

// Averages returns the averaged parameters, as flat as the parameters; the zero Tensor: there are none.
func (e *Engine) Averages() gpu.Tensor { return e.update.ema }

// WithAverages calls f with the averaged parameters, where there are any, in the parameters' place.
func (e *Engine) WithAverages(f func()) {
	u := e.update
	if !u.ema.Ok() {
		f()
		return
	}
	gpu.Copy(u.spare, u.values)
	gpu.Copy(u.values, u.ema)
	e.weights.Refresh()
	f()
	gpu.Copy(u.values, u.spare)
	e.weights.Refresh()
}

// Idle returns the share of the time between the ends of steps in which the device had nothing to do, over all steps; nil:
// it was not measured.
func (e *Engine) Idle() *float64 { return e.idle.share() }

// Pause says that something else than a step comes next: the time it takes is not idle.
func (e *Engine) Pause() { e.idle.pause() }

// Close gives the memory back, but for the weights of NewEvaluator's objective. The device stays open.
func (e *Engine) Close() {
	for _, s := range e.slots {
		s.close()
	}
	e.idle.pause()
	if e.update != nil {
		e.update.close()
	}
	arenas := []*gpu.Arena{e.inputs, e.arena}
	if e.sums != nil {
		arenas = append(arenas, e.sums.memory)
	}
	for _, a := range arenas {
		if a != nil {
			a.Close()
		}
	}
	if e.feed != nil {
		e.feed.close()
	}
	if e.weights != nil {
		e.weights.Close()
	}
}
