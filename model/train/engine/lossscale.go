package engine

import (
	"math"

	"contig-gpu/gpu"
	"contig-gpu/model/objective"
)

// A LossScale keeps gradients in 16-bit activations within the range of f16: the loss is multiplied by it, the gradient
// of the parameters divided (Micikevicius et al. 2018, section 3.2). It halves when a gradient leaves the range, and
// that step changes no parameter; it doubles after growAfter steps without. Other types have a range that needs none.
type LossScale struct {
	Log2    int  `json:"log2"` // the scale is 2^Log2
	Good    int  `json:"good"` // steps since it changed
	Skipped int  `json:"skipped"`
	Begun   bool `json:"begun"`
}

// LeastScale is the smallest Log2 of a LossScale.
const LeastScale = -14

const (
	firstScale = 16
	growAfter  = 2000
)

func (s LossScale) factor() float64 { return math.Ldexp(1, s.Log2) }

// BeginScaling sets the scale for the type of activations, where a checkpoint has not.
func (e *Engine) BeginScaling() {
	s := &e.Scaling
	switch {
	case e.dtype != gpu.F16:
		s.Log2, s.Begun = 0, false
	case !s.Begun:
		s.Log2, s.Begun = firstScale, true
	}
}

// A scaling is the scale of the loss on the device, where it follows the gradient step by step, so that no step waits until the host
// has looked at the one before. The host does the same sums when it reads a step: Engine.Scaling is what they come to.
type scaling struct {
	state  gpu.Tensor // F64 [3]: scale, steps since it changed, steps skipped
	choice gpu.Tensor // [7]: the optimiser's values of a step, and how many steps had been skipped for the first of them
	terms  gpu.Tensor // [T]: the weights of the terms, times the scale
}

// newScaling takes the memory of a scaling of terms like those given.
func newScaling(a *gpu.Arena, like gpu.Tensor) *scaling {
	return &scaling{a.New(gpu.F64, 3), a.New(like.DType(), 7), a.New(like.DType(), like.Len())}
}

// weights returns the weights of a batch's terms times the scale.
func (s *scaling) weights(terms gpu.Tensor) gpu.Tensor {
	gpu.ScaleLoss(s.terms, terms, s.state)
	return s.terms
}

func (s *scaling) adapt(u *update, clip float64) {
	gpu.AdaptScale(u.scale, u.opt.Rates(), s.state, s.choice, u.sumsq, clip, gpu.LossScaling{Least: math.Ldexp(1, LeastScale), Grow: growAfter})
}

// beginScaling brings the host's scale to the device where nothing is queued: both are the same from then on.
func (e *Engine) beginScaling() {
	if s := e.update.scaling; s != nil && e.Idling() {
		gpu.Write(s.state, []float64{e.Scaling.factor(), float64(e.Scaling.Good), float64(e.Scaling.Skipped)})
	}
}

// scaled returns a batch whose loss is scaled.
func (e *Engine) scaled(b objective.Batch) objective.Batch {
	if s := e.update.scaling; s != nil {
		b.Scale = s.weights(b.Scale)
	}
	return b
}

// rescale does to the host's scale what a step's gradient did to the device's, and reports whether the step was skipped.
func (e *Engine) rescale(r *Result) bool {
	s := &e.Scaling
	overflow := math.IsNaN(r.GradNorm) || math.IsInf(r.GradNorm, 0)
	s.Good++
	switch {
	case overflow && s.Log2 > LeastScale:
		s.Log2, s.Good, s.Skipped = s.Log2-1, 0, s.Skipped+1
		e.update.opt.SetStepCount(e.update.opt.StepCount() - 1)
		r.GradNorm, r.Skipped = 0, true
		return true
	case !overflow && s.Good >= growAfter:
		s.Log2, s.Good = s.Log2+1, 0
	}
	return false
}
