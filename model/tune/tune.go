// Package tune predicts from images: an image encoder, and one linear layer on its features. It is what fine-tuning trains, the
// encoder with it or left as it is.
package tune

import (
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
	"contig-gpu/model/trunk"
)

// Tasks, by the words of --task.
const (
	Classes = "classes" // one of several: softmax cross-entropy
	Ordinal = "ordinal" // grades: output j says whether the grade is at least j, by binary cross-entropy (Cheng et al. 2008, and ContIG's code)
	Labels  = "labels"  // any of several: binary cross-entropy of what is known
	Traits  = "traits"  // numbers: the sum over traits of the mean square of what is known
)

// A Config says what is predicted.
type Config struct {
	Task  string   `json:"task"`
	Names []string `json:"names"` // of classes, grades, labels or traits: an output each

	Center []float64 `json:"center,omitempty"` // of traits, an element each: a prediction z says center + scale z
	Scale  []float64 `json:"scale,omitempty"`
}

// mostOutputs bounds the outputs of a head.
const mostOutputs = 1 << 16

// kind returns how predictions of a task are compared with what is known.
func (c Config) kind() (gpu.TargetKind, error) {
	switch c.Task {
	case Classes:
		return gpu.TargetClass, nil
	case Ordinal, Labels:
		return gpu.TargetLabels, nil
	case Traits:
		return gpu.TargetValues, nil
	}
	return 0, fmt.Errorf("task %q: want %s, %s, %s or %s", c.Task, Classes, Ordinal, Labels, Traits)
}

// HeadPrefix is what the names of the linear layer's parameters begin with.
const HeadPrefix = "head."

// A Tuner is a trunk and a linear layer on its features, an objective.Supervised and objective.Freezer. Weights are called
// trunk.* and head.*.
type Tuner struct {
	cfg     Config
	kind    gpu.TargetKind
	trunk   *trunk.Trunk
	head    *nn.Linear
	weights *nn.Weights
	frozen  bool
}

// New builds a Tuner with an image encoder as trunk.New takes it, whose weights have no memory yet.
func New(encoder string, c Config) (*Tuner, error) {
	kind, err := c.kind()
	if err != nil {
		return nil, err
	}
	if n := len(c.Names); n < 1 || n > mostOutputs || c.Task == Classes && n < 2 {
		return nil, fmt.Errorf("task %s with %d outputs: want 1 to %d, of classes 2 or more", c.Task, n, mostOutputs)
	}
	if n := map[bool]int{true: len(c.Names)}[len(c.Center) > 0]; len(c.Center) != n || len(c.Scale) != n {
		return nil, fmt.Errorf("%d outputs with %d centers and %d scales", len(c.Names), len(c.Center), len(c.Scale))
	}
	t, err := trunk.New(encoder, model.TrunkPrefix)
	if err != nil {
		return nil, err
	}
	u := &Tuner{cfg: c, kind: kind, trunk: t, head: nn.NewLinear("head", t.Width, len(c.Names))}
	u.weights = nn.NewWeights(t, u.head)
	return u, nil
}

// Weights implements objective.Objective.
func (u *Tuner) Weights() *nn.Weights { return u.weights }

// Tables implements objective.Objective: none.
func (u *Tuner) Tables() []objective.Table { return nil }

// Views implements objective.Objective: one.
func (u *Tuner) Views() int { return 1 }

// Target implements objective.Supervised: a value for each output.
func (u *Tuner) Target(_, _ int) []int { return []int{len(u.cfg.Names)} }

// Terms implements objective.Objective: one, called after the task, whose rows are the values that are known.
func (u *Tuner) Terms() objective.Terms {
	return objective.Terms{Names: []string{u.cfg.Task}, Values: [objective.TermValues]string{"loss", "", "", "known"}}
}

// TermWeights implements objective.Objective.
func (u *Tuner) TermWeights(int, []int) []float64 { return []float64{1} }

// Updated implements objective.Objective: nothing follows the parameters.
func (u *Tuner) Updated() {}

// Freeze implements objective.Freezer.
func (u *Tuner) Freeze(frozen bool) { u.frozen = frozen }

// Encoder implements objective.Freezer.
func (u *Tuner) Encoder() *nn.Weights { return nn.NewWeights(u.trunk) }

// Learns implements objective.Freezer: of a frozen Tuner the linear layer does.
func (u *Tuner) Learns(p *nn.Param) bool {
	return !u.frozen || p == u.head.Weight || p == u.head.Bias
}

// Step implements objective.Objective.
func (u *Tuner) Step(p *nn.Pass, b objective.Batch, terms gpu.Tensor) {
	if dx := u.step(p, b, terms); dx.Ok() {
		p.Free(dx)
	}
	p.Finish()
}

// step is Step without the end of the pass. It returns the gradient of the images where the pass wants it and the image encoder is
// not frozen, else the zero Tensor.
func (u *Tuner) step(p *nn.Pass, b objective.Batch, terms gpu.Tensor) (dx gpu.Tensor) {
	from := p
	if u.frozen {
		from = nn.Evaluation(p.Arena, p.DType)
	}
	z := u.head.Forward(p, u.trunk.Forward(from, b.Image))
	dz := p.Temp(z.Dims()...)
	gpu.TargetLoss(objective.TermAt(terms, 0), dz, z, b.Target, b.Known, b.Scale.Slice(0, 1), u.kind)
	if !u.frozen {
		return u.trunk.Backward(p, u.head.Backward(p, dz))
	}
	if df := nn.BackwardInput(p, u.head, dz); df.Ok() {
		p.Free(df)
	}
	from.Finish()
	return gpu.Tensor{}
}

// Evaluate implements objective.Objective.
func (u *Tuner) Evaluate(p *nn.Pass, b objective.Batch, terms gpu.Tensor) objective.Outputs {
	features := u.trunk.Forward(p, b.Image)
	z := u.head.Forward(p, features)
	gpu.TargetLoss(objective.TermAt(terms, 0), gpu.Tensor{}, z, b.Target, b.Known, gpu.Tensor{}, u.kind)
	return objective.Outputs{Features: features, Predicted: z}
}
