package train

import (
	"fmt"
	"math"
	"time"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/loss"
)

// step takes one optimiser step over Accumulate batches. It changes no parameter where the loss or the
// gradient is not finite.
func (t *trainer) step() (stepLine, error) {
	began, images := time.Now(), 0
	t.model.ZeroGrad()
	line := t.newLine()
	for range t.cfg.Accumulate {
		b, err := t.next()
		if err != nil {
			return line, err
		}
		if err := t.micro(b, &line); err != nil {
			return line, err
		}
		images += b.N
	}
	if err := t.update(&line); err != nil {
		return line, err
	}
	t.at.Step, t.at.EpochStep = t.at.Step+1, t.at.EpochStep+1
	line.ImagesPerSecond = float64(images) / math.Max(time.Since(began).Seconds(), 1e-9)
	return line, nil
}

func (t *trainer) newLine() stepLine {
	return stepLine{Kind: "step", Step: t.at.Step + 1, Epoch: t.at.Epoch + 1, Losses: map[string]termLine{}, LR: t.schedule.At(t.at.Step)}
}

// micro adds one batch's gradients and losses.
func (t *trainer) micro(b *data.Batch, line *stepLine) error {
	p, err := t.pass(load{b.N, true})
	if err != nil {
		return err
	}
	v := t.upload(b, t.cfg.Accumulate)
	t.model.Step(p, v, t.losses)
	if err := t.dev.Sync(); err != nil {
		return err
	}
	terms := host(t.losses)
	line.Loss += loss.Total(host(v.Scale), terms)
	share := 1 / float64(t.cfg.Accumulate)
	for i, m := range t.cfg.Model.Modalities {
		l, x := line.Losses[m.Name], terms[4*i:]
		line.Losses[m.Name] = termLine{l.Loss + share*x[0], l.ImageToGenetics + share*x[1], l.GeneticsToImage + share*x[2], l.Present + int(x[3])}
	}
	return t.finite("loss", line.Loss)
}

// update clips, steps the optimiser and the averages.
func (t *trainer) update(line *stepLine) error {
	gpu.Fill(t.sumsq, 0)
	gpu.SumSquares(t.sumsq, t.grads)
	line.GradNorm = math.Sqrt(host(t.sumsq)[0])
	if err := t.finite("gradient", line.GradNorm); err != nil {
		return err
	}
	gpu.ClipScale(t.scale, t.sumsq, t.cfg.Clip, 1)
	t.opt.Step(line.LR, t.scale)
	if t.ema.Ok() {
		// Early averages follow faster, or they would hold on to the initial values: (1+n)/(10+n), as TensorFlow's.
		n := float64(t.at.Step)
		gpu.Fill(t.decay, math.Min(t.cfg.EMA, (1+n)/(10+n)))
		gpu.EMA(t.ema, t.values, t.decay)
	}
	return t.dev.Sync()
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
