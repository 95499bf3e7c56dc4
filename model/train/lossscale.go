package train

import (
	"math"

	"contig-gpu/gpu"
)

// A lossScale keeps gradients in 16-bit activations within the range of f16: the loss is multiplied by it, the gradient
// of the parameters divided (Micikevicius et al. 2018, section 3.2). It halves when a gradient leaves the range, and
// that step changes no parameter; it doubles after growAfter steps without. Other types have a range that needs none.
type lossScale struct {
	Log2    int  `json:"log2"` // the scale is 2^Log2
	Good    int  `json:"good"` // steps since it changed
	Skipped int  `json:"skipped"`
	Begun   bool `json:"begun"`
}

const (
	firstScale = 16
	leastScale = -14
	growAfter  = 2000
)

func (s lossScale) factor() float64 { return math.Ldexp(1, s.Log2) }

// beginScaling sets the scale for the type of activations, where a checkpoint has not.
func (t *trainer) beginScaling() {
	s := &t.at.Scaling
	switch {
	case t.dtype != gpu.F16:
		s.Log2, s.Begun = 0, false
	case !s.Begun:
		s.Log2, s.Begun = firstScale, true
	}
}

// rescale adapts the scale to a step's gradient and reports whether the step was skipped.
func (t *trainer) rescale(line *StepLine) bool {
	s := &t.at.Scaling
	overflow := math.IsNaN(line.GradNorm) || math.IsInf(line.GradNorm, 0)
	s.Good++
	switch {
	case overflow && s.Log2 > leastScale:
		t.scaleBy(-1)
		s.Skipped++
		t.opt.SetStepCount(t.opt.StepCount() - 1)
		line.GradNorm, line.Skipped = 0, true
		return true
	case !overflow && s.Good >= growAfter:
		t.scaleBy(1)
	}
	return false
}

// scaleBy multiplies the scale by 2^n, in batches that were loaded ahead too. Recorded updates divide by the old one.
func (t *trainer) scaleBy(n int) {
	t.at.Scaling.Log2, t.at.Scaling.Good = t.at.Scaling.Log2+n, 0
	_ = t.dev.Sync() // the batch loaded ahead may be on its way still, with its old scale; what failed is kept
	for _, s := range t.slots {
		if s.rows > 0 {
			for i := range s.weights {
				s.weights[i] = math.Ldexp(s.weights[i], n)
			}
			gpu.Write(s.input.Scale, s.weights)
		}
		s.forget()
	}
}
