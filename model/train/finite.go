package train

import (
	"fmt"
	"math"

	"contig-gpu/data"
	"contig-gpu/gpu"
)

// finite returns E720 with the step and the layer where x, of the step that b ends, is not a finite number.
func (t *trainer) finite(what string, x float64, b pending) error {
	if !math.IsNaN(x) && !math.IsInf(x, 0) {
		return nil
	}
	culprit, err := t.culprit(b)
	if err != nil {
		return err
	}
	return &data.Problem{
		Code: codeNotFinite, What: fmt.Sprintf("the %s of step %d is not finite", what, b.line.Step),
		Expected: "a finite number", Found: fmt.Sprintf("%v; the first layer concerned is %s", x, culprit),
		Cause: "the learning rate is too high, or an input has extreme values",
		Fix:   "lower --lr, lengthen --warmup or set --clip 1; the last checkpoint is as it was, and --resume goes on from it",
	}
}

// culprit names the layer that a number of batch b that is not finite came from: the first with such a value, else the
// first with such running averages (they follow the activations forward), else the last with such a gradient
// (gradients run backward), else the loss itself.
func (t *trainer) culprit(b pending) (string, error) {
	later := len(t.pending) > 1
	if later { // the gradients are those of a batch queued since
		p, err := t.pass(load{b.slot.input.Group.Len(), true})
		if err != nil {
			return "", err
		}
		t.model.ZeroGrad()
		t.gradients(p, b.slot)
	}
	for _, p := range t.model.Params() {
		if !allFinite(p.Value) {
			return p.Name, nil
		}
	}
	for _, b := range t.model.Buffers() {
		if !allFinite(b.Value) {
			return b.Name, nil
		}
	}
	ps := t.model.Params()
	for i := len(ps) - 1; i >= 0; i-- {
		if !allFinite(ps[i].Grad) {
			return ps[i].Name, nil
		}
	}
	if t.cfg.Accumulate > 1 && later {
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
