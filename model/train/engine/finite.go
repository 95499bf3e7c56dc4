package engine

import (
	"fmt"
	"math"

	"contig-gpu/data"
	"contig-gpu/gpu"
)

// CodeNotFinite numbers the error of a loss or a gradient that is not finite.
const CodeNotFinite = 720

// finite returns E720 with the step and the layer where x, of the step that b ends, is NaN or infinite.
func (e *Engine) finite(what string, x float64, b pending) error {
	if !math.IsNaN(x) && !math.IsInf(x, 0) {
		return nil
	}
	culprit, err := e.culprit(b)
	if err != nil {
		return err
	}
	return &data.Problem{
		Code: CodeNotFinite, What: fmt.Sprintf("the %s of step %d is not finite", what, b.result.Step),
		Expected: "a finite number", Found: fmt.Sprintf("%v; the first layer concerned is %s", x, culprit),
		Cause: "the learning rate is too high, or an input has extreme values",
		Fix:   "lower --lr, lengthen --warmup or set --clip 1; the last checkpoint is as it was, and --resume goes on from it",
	}
}

// culprit finds the layer where NaN or Inf began in batch b. It looks at (1) parameters, (2) running averages, which follow
// the activations, in forward order, (3) gradients in backward order; where all are finite it is the loss itself.
func (e *Engine) culprit(b pending) (string, error) {
	later := len(e.pending) > 1
	if later { // the gradients are those of a batch queued since
		p, err := e.pass(load{b.slot.input.rows(), b.slot.input.views, true})
		if err != nil {
			return "", err
		}
		e.weights.ZeroGrad()
		e.obj.Step(p, e.feed.unpack(p, b.slot.input), e.terms)
	}
	ps := e.weights.Params()
	for _, p := range ps {
		if !allFinite(p.Value) {
			return p.Name, nil
		}
	}
	for _, b := range e.weights.Buffers() {
		if !allFinite(b.Value) {
			return b.Name, nil
		}
	}
	for i := len(ps) - 1; i >= 0; i-- {
		if !allFinite(ps[i].Grad) {
			return ps[i].Name, nil
		}
	}
	if e.o.Accumulate > 1 && later {
		return "not known, of an earlier batch of the step", nil
	}
	return "the loss", nil
}

func allFinite(t gpu.Tensor) bool {
	for _, v := range host(t) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
