package train

import (
	"fmt"
	"math"
	"time"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/loss"
)

// step takes one optimiser step over Accumulate batches. All of it is queued before the device is waited for, once;
// where the loss or the gradient is not finite no parameter changes.
func (t *trainer) step() (stepLine, error) {
	began, images, line := time.Now(), 0, t.newLine()
	for i := range t.cfg.Accumulate {
		s, err := t.loaded()
		if err != nil {
			return line, err
		}
		if err := t.micro(s, i, line.LR); err != nil {
			return line, err
		}
		images += s.rows
		s.rows = 0
		if err := t.loadAhead(i + 1); err != nil {
			return line, err
		}
	}
	if err := t.finish(&line); err != nil {
		return line, err
	}
	t.at.Step, t.at.EpochStep = t.at.Step+1, t.at.EpochStep+1
	line.ImagesPerSecond = float64(images) / math.Max(time.Since(began).Seconds(), 1e-9)
	return line, nil
}

func (t *trainer) newLine() stepLine {
	return stepLine{Kind: "step", Step: t.at.Step + 1, Epoch: t.at.Epoch + 1, Losses: map[string]termLine{}, LR: t.schedule.At(t.at.Step)}
}

// loaded returns the slot of the next batch, loading it unless that was done ahead.
func (t *trainer) loaded() (*slot, error) {
	s := t.slots[t.turn]
	if s.rows == 0 {
		if err := t.fill(s); err != nil {
			return nil, err
		}
	}
	t.turn = (t.turn + 1) % len(t.slots)
	return s, nil
}

// loadAhead loads the batch that follows the first done ones of this step, if the device can do so beside its work and
// the epoch and the training have one.
func (t *trainer) loadAhead(done int) error {
	s := t.slots[t.turn]
	last := done == t.cfg.Accumulate && (t.at.EpochStep+1 == t.perEpoch || t.at.Step+1 == t.total)
	if len(t.slots) == 1 || s.rows > 0 || last {
		return nil
	}
	return t.fill(s)
}

func (t *trainer) fill(s *slot) error {
	b, err := t.next()
	if err != nil {
		return err
	}
	return t.workspace.load(s, b, t.dims.Work, t.at.Scaling.factor()/float64(t.cfg.Accumulate))
}

// micro queues batch i of a step: before the first what a step begins with, after the last the update at learning rate lr.
// Its losses go to row i of terms.
func (t *trainer) micro(s *slot, i int, lr float64) error {
	run, err := t.sweepOf(s)
	if err != nil {
		return err
	}
	s.upload.Arrive()
	t.idle.begin()
	if i == 0 {
		t.opt.Prepare(lr)
		t.model.ZeroGrad()
	}
	run()
	m := t.losses.Len()
	gpu.Copy(t.terms.Slice(i*m, (i+1)*m).View(t.losses.Dims()...), t.losses)
	m = s.input.Scale.Len()
	gpu.Copy(t.scales.Slice(i*m, (i+1)*m), s.input.Scale)
	s.upload.Release()
	if i+1 == t.cfg.Accumulate {
		t.update()
	}
	t.idle.end()
	return nil
}

// sweepOf returns what queues the gradients of the slot's batch. The first time on a slot it runs as it is, so that all is
// there that a recording needs; from the second on it is recorded and replayed.
func (t *trainer) sweepOf(s *slot) (func(), error) {
	p, err := t.pass(load{s.rows, true})
	if err != nil {
		return nil, err
	}
	run := func() { t.model.StepInChunks(p, t.prepare(p, s.input), t.chunk, t.losses) }
	if s.warm && s.step == nil {
		if s.step, err = t.dev.Record(run); err != nil {
			return nil, err
		}
	}
	if s.step != nil {
		return s.step.Replay, nil
	}
	s.warm = true
	return run, nil
}

// update queues clipping, the optimiser's step and the averages.
func (t *trainer) update() {
	gpu.Fill(t.sumsq, 0)
	gpu.SumSquares(t.sumsq, t.grads)
	gpu.ClipScale(t.scale, t.sumsq, t.cfg.Clip, 1/t.at.Scaling.factor())
	t.opt.Apply(t.scale)
	if t.ema.Ok() {
		// Early averages follow faster, or they would hold on to the initial values: (1+n)/(10+n), as TensorFlow's.
		n := float64(t.at.Step)
		gpu.Fill(t.decay, math.Min(t.cfg.EMA, (1+n)/(10+n)))
		gpu.EMA(t.ema, t.values, t.decay)
	}
}

// finish waits for the step and reads what it computed.
func (t *trainer) finish(line *stepLine) error {
	if err := t.dev.Sync(); err != nil {
		return err
	}
	var err error
	if line.GPUIdle, err = t.idle.step(); err != nil {
		return err
	}
	terms, scales, share := host(t.terms), host(t.scales), 1/float64(t.cfg.Accumulate)
	ms := t.cfg.Model.Modalities
	for i := range t.cfg.Accumulate {
		own := terms[4*len(ms)*i:][:4*len(ms)]
		line.Loss += loss.Total(scales[len(ms)*i:][:len(ms)], own)
		for j, m := range ms {
			l, x := line.Losses[m.Name], own[4*j:]
			line.Losses[m.Name] = termLine{l.Loss + share*x[0], l.ImageToGenetics + share*x[1], l.GeneticsToImage + share*x[2], l.Present + int(x[3])}
		}
	}
	line.Loss /= t.at.Scaling.factor()
	if err := t.finite("loss", line.Loss); err != nil {
		return err
	}
	line.GradNorm = math.Sqrt(host(t.sumsq)[0]) / t.at.Scaling.factor()
	if t.dtype == gpu.F16 && t.rescale(line) {
		return nil
	}
	return t.finite("gradient", line.GradNorm)
}

// finite returns E720 with the step and the layer where x is not a finite number.
func (t *trainer) finite(what string, x float64) error {
	if !math.IsNaN(x) && !math.IsInf(x, 0) {
		return nil
	}
	return &data.Problem{
		Code: codeNotFinite, What: fmt.Sprintf("the %s of step %d is not finite", what, t.at.Step+1),
		Expected: "a finite number", Found: fmt.Sprintf("%v; the first layer concerned is %s", x, t.culprit()),
		Cause: "the learning rate is too high, or an input has extreme values",
		Fix:   "lower --lr, lengthen --warmup or set --clip 1; the last checkpoint is as it was, and --resume goes on from it",
	}
}

// culprit names the layer that a number that is not finite came from: the first with such a value, else the
// first with such running averages (they follow the activations forward), else the last with such a gradient
// (gradients run backward), else the loss itself.
func (t *trainer) culprit() string {
	for _, p := range t.model.Params() {
		if !allFinite(p.Value) {
			return p.Name
		}
	}
	for _, b := range t.model.Buffers() {
		if !allFinite(b.Value) {
			return b.Name
		}
	}
	ps := t.model.Params()
	for i := len(ps) - 1; i >= 0; i-- {
		if !allFinite(ps[i].Grad) {
			return ps[i].Name
		}
	}
	return "the loss"
}

func allFinite(t gpu.Tensor) bool {
	for _, v := range host(t) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
