package engine

import (
	"math"

	"contig-gpu/gpu"
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

// rescale adapts the scale to a step's gradient and reports whether the step was skipped.
func (e *Engine) rescale(r *Result) bool {
	s := &e.Scaling
	overflow := math.IsNaN(r.GradNorm) || math.IsInf(r.GradNorm, 0)
	s.Good++
	switch {
	case overflow && s.Log2 > LeastScale:
		e.scaleBy(-1)
		s.Skipped++
		e.update.opt.SetStepCount(e.update.opt.StepCount() - 1)
		r.GradNorm, r.Skipped = 0, true
		return true
	case !overflow && s.Good >= growAfter:
		e.scaleBy(1)
	}
	return false
}

// scaleBy multiplies the scale by 2^n, in batches that were loaded ahead too. Recorded updates divide by the old one.
func (e *Engine) scaleBy(n int) {
	e.Scaling.Log2, e.Scaling.Good = e.Scaling.Log2+n, 0
	_ = e.dev.Sync() // the batch loaded ahead may be on its way still, with its old scale; what failed is kept
	for _, s := range e.slots {
		if s.loaded {
			for i := range s.weights {
				s.weights[i] = math.Ldexp(s.weights[i], n)
			}
			gpu.Write(s.input.Scale, s.weights)
		}
		s.forget()
	}
}
