package train

import (
	"errors"
	"fmt"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/train/engine"
)

// salvage saves what was learnt before err ended a step, if a batch is to blame and not the training, and says so in the
// error. An error of a batch comes before anything of its step is done; what a device that works beside the host did is
// finished by then. Of several ranks the others are in the middle of the step: there the last checkpoint is what is left.
func (t *trainer) salvage(err error) error {
	var p *data.Problem
	if t.input == nil || !errors.Is(err, t.input) || !errors.As(err, &p) || t.log == nil || t.several() {
		return err
	}
	t.tellBad()
	if !t.restoreBuffers() {
		return err
	}
	return t.saveFor(err, p)
}

// salvageEvaluation saves what was learnt before an evaluation that did not end. Resuming repeats it. Of several ranks all come to a loss that is
// not finite; where one fails at anything else the others are in the middle of the evaluation, and the last checkpoint is what is left.
func (t *trainer) salvageEvaluation(err error) error {
	var p *data.Problem
	if !errors.As(err, &p) || t.diverged || t.several() && p.Code != engine.CodeNotFinite {
		return err
	}
	t.at.Pending, t.at.Outliers = true, t.outlying
	return t.saveFor(err, p)
}

// saveFor writes a checkpoint of this moment and tells in p, which is in err, how to go on.
func (t *trainer) saveFor(err error, p *data.Problem) error {
	t.engine.Pause()
	if failed := t.save(false, false); failed != nil {
		return errors.Join(err, failed)
	}
	told := *p
	if told.Fix != "" {
		told.Fix += ";\n"
	}
	told.Fix += fmt.Sprintf("what was learnt in %d steps is saved: then go on with --resume", t.at.Step)
	return &told
}

// keepBuffers notes the running averages where an error in the middle of a step's batches would find them moved. A device that
// works beside the host would have to wait for it: there the last checkpoint is what such an error leaves.
func (t *trainer) keepBuffers() {
	if t.cfg.Accumulate == 1 || t.dev.Async() {
		return
	}
	bs := t.engine.Objective().Weights().Buffers()
	if t.buffers == nil {
		t.buffers = make([][]float64, len(bs))
	}
	for i, b := range bs {
		if t.buffers[i] == nil {
			t.buffers[i] = make([]float64, b.Value.Len())
		}
		gpu.Read(t.buffers[i], b.Value)
	}
}

// restoreBuffers makes the running averages those before the step under way; false: it began, and they were not kept.
func (t *trainer) restoreBuffers() bool {
	if t.taken%t.cfg.Accumulate == 0 {
		return true
	}
	if t.buffers == nil {
		return false
	}
	for i, b := range t.engine.Objective().Weights().Buffers() {
		gpu.Write(b.Value, t.buffers[i])
	}
	return true
}
