package engine

import (
	"fmt"
	"math"
	"slices"

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
	if e.dev.Ranks() > 1 {
		return e.culpritOfRanks(b)
	}
	later := len(e.pending) > 1
	if later { // the gradients are those of a batch queued since
		p, err := e.pass(e.stepOf(b.slot))
		if err != nil {
			return "", err
		}
		e.weights.ZeroGrad()
		e.obj.Step(p, e.scaled(e.feed.unpack(p, b.slot.input)), e.terms)
	}
	if name, err := e.firstNotFinite(); name != "" || err != nil {
		return name, err
	}
	if e.o.Accumulate > 1 && later {
		return "not known, of an earlier batch of the step", nil
	}
	return "the loss", nil
}

// firstNotFinite returns the name of the first tensor with a NaN or Inf, in the order of culprit; "": there is none.
func (e *Engine) firstNotFinite() (string, error) {
	names, i, err := e.searchNotFinite()
	if i < 0 || err != nil {
		return "", err
	}
	return names[i], nil
}

// searchNotFinite returns the names of all tensors, in the order of culprit, and which is the first with a NaN or Inf; -1: none is.
func (e *Engine) searchNotFinite() ([]string, int, error) {
	var names []string
	var tensors []gpu.Tensor
	add := func(name string, t gpu.Tensor) { names, tensors = append(names, name), append(tensors, t) }
	ps := e.weights.Params()
	for _, p := range ps {
		add(p.Name, p.Value)
	}
	for _, b := range e.weights.Buffers() {
		add(b.Name, b.Value)
	}
	for _, p := range slices.Backward(ps) {
		add(p.Name, p.Grad)
	}
	flags := e.update.flags
	gpu.Fill(flags, 0)
	for i, t := range tensors {
		gpu.Finite(flags.Slice(i, i+1), t)
	}
	bad := make([]int32, flags.Len())
	gpu.Read(bad, flags)
	return names, slices.Index(bad, 1), e.dev.Sync()
}
