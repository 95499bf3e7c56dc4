package train

import (
	"math"
	"time"

	"contig-gpu/gpu"
	"contig-gpu/model/loss"
	"contig-gpu/model/nn"
)

// A step is queued batch by batch. Where the device works beside the host it has the next batch to work on when it is done
// with one: what a batch left is read only then, while the device works on.

// A part says what of a step goes with a batch.
type part struct {
	first bool // the gradients are cleared before
	last  bool // the parameters are updated after
}

// A pending batch is queued, and what it left not yet read.
type pending struct {
	slot *slot
	part part
	line *StepLine // of its step
}

// step queues a step of Accumulate batches and reports those that are done: where the device works beside the host, up to
// the one before. Where the loss or the gradient is not finite no parameter changes.
func (t *trainer) step() error {
	line := t.newLine()
	for i := range t.cfg.Accumulate {
		s, err := t.loaded()
		if err != nil {
			return err
		}
		if err := t.queue(pending{s, part{i == 0, i+1 == t.cfg.Accumulate}, line}); err != nil {
			return err
		}
		if err := t.collectAllBut(1); err != nil {
			return err
		}
		t.loadAhead(i + 1)
		if t.waits() {
			if err := t.collectAllBut(0); err != nil {
				return err
			}
		}
	}
	t.at.Step, t.at.EpochStep = t.at.Step+1, t.at.EpochStep+1
	return nil
}

// waits reports whether a batch must be done before the next is queued: it takes its place, or its gradient decides by what
// the next one's loss is multiplied.
func (t *trainer) waits() bool { return len(t.slots) == 1 || t.dtype == gpu.F16 }

func (t *trainer) newLine() *StepLine {
	if len(t.pending) == 0 {
		t.pace.begin(time.Now())
	}
	return &StepLine{Kind: "step", Step: t.at.Step + 1, Epoch: t.at.Epoch + 1, Losses: map[string]TermLine{}, LR: t.schedule.At(t.at.Step)}
}

// loaded returns the slot of the next batch, loading it unless that was done ahead.
func (t *trainer) loaded() (*slot, error) {
	s, err := t.slots[t.turn], t.ahead
	if s.rows == 0 && err == nil {
		err = t.fill(s)
	}
	if err != nil {
		// The steps before are done all the same, and what is wrong with one of them came first.
		if earlier := t.collectAllBut(0); earlier != nil {
			err = earlier
		}
		return nil, err
	}
	t.turn = (t.turn + 1) % len(t.slots)
	return s, nil
}

// loadAhead loads the batch that follows the first done ones of this step, if the device can do so beside its work and
// the epoch and the training have one. An error is kept until that batch is wanted.
func (t *trainer) loadAhead(done int) {
	s := t.slots[t.turn]
	last := done == t.cfg.Accumulate && (t.at.EpochStep+1 == t.perEpoch || t.at.Step+1 == t.total)
	if len(t.slots) > 1 && s.rows == 0 && !last {
		t.ahead = t.fill(s)
	}
}

func (t *trainer) fill(s *slot) error {
	b, err := t.next()
	if err != nil {
		return err
	}
	return t.workspace.load(s, b, t.dims.Work, t.at.Scaling.factor()/float64(t.cfg.Accumulate))
}

// queue queues a batch, with the numbers of its step's update if it is the last.
func (t *trainer) queue(b pending) error {
	s := b.slot
	run, err := t.workOf(s, b.part)
	if err != nil {
		return err
	}
	if b.part.last {
		t.prepareUpdate(b.line)
	}
	s.upload.Arrive()
	t.idle.mark()
	run()
	s.upload.Release()
	s.results.Mark()
	t.idle.mark()
	b.line.images += s.rows
	s.rows = 0
	t.pending = append(t.pending, b)
	return nil
}

// workOf returns what queues a part of a step with the slot's batch. The first time it runs as it is, so that all is there
// that a recording needs; from the second on it is recorded and replayed.
func (t *trainer) workOf(s *slot, of part) (func(), error) {
	p, err := t.pass(load{s.rows, true})
	if err != nil {
		return nil, err
	}
	work := func() { t.work(p, s, of) }
	if !t.warm[of] || t.omit.Graph {
		t.warm[of] = true
		return work, nil
	}
	if s.recorded[of] == nil {
		if s.recorded[of], err = t.dev.Record(work); err != nil {
			return nil, err
		}
	}
	return s.recorded[of].Replay, nil
}

// work is all of a part of a step that the device does.
func (t *trainer) work(p *nn.Pass, s *slot, of part) {
	if of.first {
		t.model.ZeroGrad()
	}
	t.gradients(p, s)
	if of.last {
		t.update()
	}
	s.results.Queue()
}

// gradients adds those of the slot's batch.
func (t *trainer) gradients(p *nn.Pass, s *slot) {
	t.model.StepInChunks(p, t.prepare(p, s.input), t.chunk, t.losses)
}

// prepareUpdate writes the numbers of a step's update.
func (t *trainer) prepareUpdate(line *StepLine) {
	t.opt.Prepare(line.LR)
	if t.ema.Ok() {
		// Early averages follow faster, or they would hold on to the initial values: (1+n)/(10+n), as TensorFlow's.
		n := float64(line.Step - 1)
		gpu.Write(t.decay, []float64{math.Min(t.cfg.EMA, (1+n)/(10+n))})
	}
}

// update clips, steps the optimiser and the averages.
func (t *trainer) update() {
	scale := gpu.Tensor{}
	gpu.Fill(t.sumsq, 0)
	if !t.omit.Norm {
		gpu.SumSquares(t.sumsq, t.grads)
		gpu.ClipScale(t.scale, t.sumsq, t.cfg.Clip, 1/t.at.Scaling.factor())
		scale = t.scale
	}
	t.opt.Apply(scale)
	if t.ema.Ok() {
		gpu.EMA(t.ema, t.values, t.decay)
	}
}

// collectAllBut waits for all queued batches but the n newest, and reports the steps that end with them.
func (t *trainer) collectAllBut(n int) error {
	for len(t.pending) > n {
		b := t.pending[0]
		if err := t.collect(b); err != nil {
			return err
		}
		t.pending = t.pending[1:]
		if b.part.last {
			if err := t.report(*b.line); err != nil {
				return err
			}
			t.judged = b.line.Step
		}
	}
	return nil
}

// collect waits for a batch and reads what it left.
func (t *trainer) collect(b pending) error {
	if err := b.slot.results.Wait(); err != nil {
		return err
	}
	if err := t.idle.piece(); err != nil {
		return err
	}
	t.addTerms(b.line, b.slot)
	if err := t.finite("loss", b.line.Loss, b); err != nil || !b.part.last {
		return err
	}
	return t.conclude(b)
}

// addTerms adds the losses of a batch to its step's.
func (t *trainer) addTerms(line *StepLine, s *slot) {
	terms, share := s.results.Values(0), 1/float64(t.cfg.Accumulate)
	line.Loss += loss.Total(s.weights, terms) / t.at.Scaling.factor()
	for i, m := range t.cfg.Model.Modalities {
		l, x := line.Losses[m.Name], terms[4*i:]
		line.Losses[m.Name] = TermLine{l.Loss + share*x[0], l.ImageToGenetics + share*x[1], l.GeneticsToImage + share*x[2], l.Present + int(x[3])}
	}
}

// conclude ends the line of a step whose last batch is done.
func (t *trainer) conclude(b pending) error {
	line := b.line
	line.GPUIdle = t.idle.step()
	line.GradNorm = math.Sqrt(b.slot.results.Values(1)[0]) / t.at.Scaling.factor()
	if t.dtype == gpu.F16 && t.rescale(line) {
		return nil
	}
	return t.finite("gradient", line.GradNorm, b)
}
