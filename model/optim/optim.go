// Package optim has the optimisers, which step all parameters in one fused pass, and the learning rate's schedule.
package optim

import (
	"contig-gpu/gpu"
	"contig-gpu/model/setting"
)

// Names of the optimisers.
const (
	AdamName  = "adam"  // coupled L2
	AdamWName = "adamw" // decoupled weight decay
	SGDName   = "sgd"
)

// Config of an optimiser. Fields that the named optimiser does not use are ignored.
type Config struct {
	Name        string  `json:"name"`
	LR          float64 `json:"lr"` // the schedule's base; Step takes the rate of each step
	WeightDecay float64 `json:"weight_decay"`
	Beta1       float64 `json:"beta1"`
	Beta2       float64 `json:"beta2"`
	Eps         float64 `json:"eps"`
	Momentum    float64 `json:"momentum"`
	Nesterov    bool    `json:"nesterov"`
	DecayAll    bool    `json:"decay_all"` // decay biases and norms too, as PyTorch does unasked
}

// Settings returns the settings of an optimiser.
func (c *Config) Settings() []setting.Row {
	return []setting.Row{
		setting.New("optimizer", &c.Name, AdamWName, setting.OneOf(AdamName, AdamWName, SGDName), "optimiser: {}").Paper(AdamName),
		setting.New("lr", &c.LR, 1e-3, setting.Between(0, setting.MostNumber), "peak learning rate"),
		setting.New("weight-decay", &c.WeightDecay, 1e-2, setting.Between(0, setting.MostNumber), "weight decay: decoupled for adamw, an L2 penalty for adam and sgd").Paper(1e-6),
		setting.New("decay-all", &c.DecayAll, false, setting.Any(), "weight decay on biases and norms too").Paper(true),
		setting.New("beta1", &c.Beta1, 0.9, setting.Below(0, 1), "decay rate of Adam's first moment"),
		setting.New("beta2", &c.Beta2, 0.999, setting.Below(0, 1), "decay rate of Adam's second moment"),
		setting.New("eps", &c.Eps, 1e-8, setting.Between(0, setting.MostNumber), "Adam's epsilon"),
		setting.New("momentum", &c.Momentum, 0.9, setting.Below(0, 1), "momentum of sgd"),
		setting.New("nesterov", &c.Nesterov, false, setting.Any(), "Nesterov momentum for sgd"),
	}
}

// Defaults returns the settings of recipe default: AdamW, for a learning rate of 1e-3.
func Defaults() Config {
	var c Config
	setting.Apply(c.Settings(), setting.Default)
	return c
}

// Validate reports the first field that makes no sense.
func (c Config) Validate() error { return setting.Check(c.Settings()) }

// StateTensors returns how many tensors of the parameters' size the optimiser keeps.
func (c Config) StateTensors() int {
	if c.Name == SGDName {
		return 1
	}
	return 2
}

// arenaName is what the device calls the optimiser's memory.
const arenaName = "optimizer"

// A NamedTensor is a piece of an optimiser's state, for checkpoints.
type NamedTensor struct {
	Name  string
	Value gpu.Tensor
}

// An Optimizer steps one flat tensor of parameters. It owns its state and borrows values and gradients.
type Optimizer struct {
	cfg           Config
	values, grads gpu.Tensor
	halves        gpu.Tensor // 16-bit copies of values, or none
	decayed       int
	state         []NamedTensor
	rates         gpu.Tensor // [3], of the step being taken
	steps         int
	spans         [][2]int // of the elements that are stepped
	memory        []*gpu.Arena
}

// New returns an optimiser for values and grads [n], whose first decayed elements are subject to weight decay.
func New(cfg Config, values, grads gpu.Tensor, decayed int) *Optimizer {
	o := &Optimizer{cfg: cfg, values: values, grads: grads, decayed: decayed, spans: [][2]int{{0, values.Len()}}}
	if cfg.DecayAll {
		o.decayed = values.Len()
	}
	for _, name := range [][]string{1: {"momentum"}, 2: {"m", "v"}}[cfg.StateTensors()] {
		// An arena each: its size is then the tensor's, whatever the alignment.
		a := values.Device().NamedArena(arenaName, values.Bytes())
		o.memory = append(o.memory, a)
		o.state = append(o.state, NamedTensor{cfg.Name + "." + name, a.Zeros(values.DType(), values.Len())})
	}
	a := values.Device().NamedArena(arenaName, 3*values.DType().Size())
	o.rates, o.memory = a.New(values.DType(), 3), append(o.memory, a)
	return o
}

// Close gives the memory of the state back.
func (o *Optimizer) Close() {
	for _, a := range o.memory {
		a.Close()
	}
}

// Refresh makes Step write the 16-bit copies of the values too, in the same pass over memory. The zero Tensor: none.
func (o *Optimizer) Refresh(halves gpu.Tensor) { o.halves = halves }

// Step applies the gradients times scale [1] (optional) with the learning rate lr. Every parameter is stepped,
// also where no gradient reached it.
func (o *Optimizer) Step(lr float64, scale gpu.Tensor) {
	o.Prepare(lr)
	o.Apply(scale)
}

// Prepare begins a step: it writes the step's values to the device.
func (o *Optimizer) Prepare(lr float64) {
	o.steps++
	gpu.Write(o.rates, o.ratesOf(lr))
}

// PrepareEither begins a step of which the device decides whether the one before was skipped: it returns the values of a step after
// all those taken, and of one after one less, where there were any. The device writes one of them to Rates.
func (o *Optimizer) PrepareEither(lr float64) (all, less []float64) {
	o.steps++
	all = o.ratesOf(lr)
	if o.steps == 1 {
		return all, all
	}
	o.steps--
	less = o.ratesOf(lr)
	o.steps++
	return all, less
}

// Rates returns where the values of the step being taken lie [3].
func (o *Optimizer) Rates() gpu.Tensor { return o.rates }

// Apply is the device's part of a step after Prepare.
func (o *Optimizer) Apply(scale gpu.Tensor) {
	for _, s := range o.spans {
		o.span(s[0], min(s[1], o.decayed), o.cfg.WeightDecay, scale)
		o.span(max(s[0], o.decayed), s[1], 0, scale)
	}
}

// Only says which elements are stepped, in spans [from, to); the others stay, whatever their gradients.
func (o *Optimizer) Only(spans [][2]int) { o.spans = spans }

// Restart forgets all steps: the next is the first.
func (o *Optimizer) Restart() {
	for _, s := range o.state {
		gpu.Fill(s.Value, 0)
	}
	o.steps = 0
}

func (o *Optimizer) ratesOf(lr float64) []float64 {
	if o.cfg.Name == SGDName {
		return o.sgd(0).Rates(lr)
	}
	return o.adam(0).Rates(lr, o.steps)
}

func (o *Optimizer) sgd(decay float64) gpu.SGDSpec {
	return gpu.SGDSpec{Momentum: o.cfg.Momentum, WeightDecay: decay, Nesterov: o.cfg.Nesterov}
}

func (o *Optimizer) adam(decay float64) gpu.AdamSpec {
	return gpu.AdamSpec{Beta1: o.cfg.Beta1, Beta2: o.cfg.Beta2, Eps: o.cfg.Eps, WeightDecay: decay, Decoupled: o.cfg.Name == AdamWName}
}

func (o *Optimizer) span(lo, hi int, decay float64, scale gpu.Tensor) {
	if lo >= hi {
		return
	}
	part := make([]gpu.Tensor, 2)
	for i, s := range o.state {
		part[i] = s.Value.Slice(lo, hi)
	}
	p, g, half := o.values.Slice(lo, hi), o.grads.Slice(lo, hi), gpu.Tensor{}
	if o.halves.Ok() {
		half = o.halves.Slice(lo, hi)
	}
	if o.cfg.Name == SGDName {
		gpu.SGD(p, half, g, part[0], o.rates, scale, o.sgd(decay))
		return
	}
	gpu.Adam(p, half, g, part[0], part[1], o.rates, scale, o.adam(decay))
}

// State returns what a checkpoint must keep beside StepCount.
func (o *Optimizer) State() []NamedTensor { return o.state }

// StepCount returns the number of steps taken.
func (o *Optimizer) StepCount() int { return o.steps }

// SetStepCount sets the number of steps taken, when State is restored.
func (o *Optimizer) SetStepCount(n int) { o.steps = n }
