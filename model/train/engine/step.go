package engine

import (
	"math"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// A step is queued batch by batch. Where the device works beside the host it has the next batch to work on when it is done
// with one: what a batch left is read only then, while the device works on.

// A Turn says which step is to be taken.
type Turn struct {
	Step int     // from 0
	LR   float64 // its learning rate
	Last bool    // no step follows at once: the next batch is not to be asked for yet

	Votes [Votes]float64 // of this rank
}

// A Result is what a step left.
type Result struct {
	Step     int // from 1
	LR       float64
	Loss     float64                         // the weighted sum of the terms, mean over the batches of the step
	Terms    [][objective.TermValues]float64 // means over the batches, but of the last value the sum
	GradNorm float64                         // L2 norm of the gradient, before clipping
	Images   int
	GPUIdle  *float64       // share of the time since the step before; nil: not measured
	Votes    [Votes]float64 // the sums of all ranks'
	Skipped  bool           // f16: the gradient left its range, and nothing was changed
}

// A part says what of a step goes with a batch.
type part struct {
	first bool // the gradients are cleared before
	last  bool // the parameters are updated after
}

// A pending batch is queued, and what it left not yet read.
type pending struct {
	slot   *slot
	part   part
	result *Result // of its step
}

// Step queues a step and reports those that are done: where the device works beside the host, up to the one before. Where
// the loss or the gradient is not finite no parameter changes, and the error is E720.
func (e *Engine) Step(turn Turn) error {
	r := &Result{Step: turn.Step + 1, LR: turn.LR, Votes: turn.Votes, Terms: make([][objective.TermValues]float64, e.terms.Dim(0))}
	for i := range e.o.Accumulate {
		of := part{first: i == 0, last: i+1 == e.o.Accumulate}
		s, p, err := e.begin(turn, of)
		if err != nil {
			return err
		}
		if of.first && e.o.Begun != nil {
			e.o.Begun(turn.Step + 1)
		}
		if replay := s.recorded[of]; replay != nil {
			replay.Replay()
		} else {
			e.compute(p, s, of)
		}
		e.queued(pending{s, of, r})
		if err := e.collectAllBut(1); err != nil {
			return err
		}
		if !of.last || !turn.Last {
			e.loadAhead()
		}
		if e.waits() {
			if err := e.Finish(); err != nil {
				return err
			}
		}
	}
	return nil
}

// compute is all that the device does with a batch. It is what a recording records.
func (e *Engine) compute(p *nn.Pass, s *slot, of part) {
	if of.first {
		e.weights.ZeroGrad()
	}
	if of.last {
		e.beginSums(p)
	}
	e.obj.Step(p, e.scaled(e.feed.unpack(p, s.input)), e.terms)
	if of.last {
		e.addRanks()
		e.update.apply(e.o)
		e.obj.Updated()
	}
	s.results.Queue()
}

// begin brings the next batch to its slot, records what is to be done with it if that is due, and writes what changes from step
// to step.
func (e *Engine) begin(turn Turn, of part) (*slot, *nn.Pass, error) {
	s, err := e.nextSlot()
	if err != nil {
		return nil, nil, err
	}
	p, err := e.pass(e.stepOf(s))
	if err != nil {
		return nil, nil, err
	}
	if err := e.record(p, s, of); err != nil {
		return nil, nil, err
	}
	e.beginScaling()
	if of.last {
		e.update.prepare(e.o, turn.Step+1, turn.LR, e.Scaling.Skipped)
		e.vote(turn)
	}
	s.upload.Arrive()
	e.idle.mark()
	return s, p, nil
}

// record records a part of a step with the slot's batch, once. The first time a part runs as it is, so that all is there that a
// recording needs.
func (e *Engine) record(p *nn.Pass, s *slot, of part) error {
	switch {
	case !e.warm[of] || e.o.Omit.Graph:
		e.warm[of] = true
	case s.recorded[of] == nil:
		r, err := e.dev.Record(func() { e.compute(p, s, of) })
		if err != nil {
			return err // there is nothing that close could give back
		}
		s.recorded[of] = r
	}
	return nil
}

// forget drops what is recorded: the steps to come are others.
func (e *Engine) forget() {
	e.warm = map[part]bool{}
	for _, s := range e.slots {
		s.forget()
	}
}

// queued notes a batch whose work is queued.
func (e *Engine) queued(b pending) {
	b.slot.upload.Release()
	b.slot.results.Mark()
	e.idle.mark()
	b.result.Images += b.slot.input.rows() * e.dev.Ranks()
	b.slot.loaded = false
	e.pending = append(e.pending, b)
}

// waits reports whether a batch must be done before the next is queued, which takes its place.
func (e *Engine) waits() bool { return len(e.slots) == 1 }

// Idling reports whether nothing is queued.
func (e *Engine) Idling() bool { return len(e.pending) == 0 }

// Finish waits for all queued batches and reports their steps.
func (e *Engine) Finish() error { return e.collectAllBut(0) }

// nextSlot returns the slot of the next batch, loading it unless that was done ahead.
func (e *Engine) nextSlot() (*slot, error) {
	s, err := e.slots[e.turn], e.ahead
	if !s.loaded && err == nil {
		err = e.fill(s)
	}
	if err != nil {
		// The steps before are done all the same, and what is wrong with one of them came first.
		if earlier := e.Finish(); earlier != nil {
			err = earlier
		}
		return nil, err
	}
	e.turn = (e.turn + 1) % len(e.slots)
	return s, nil
}

// loadAhead loads the next batch, if the device can do so beside its work. An error is kept until that batch is wanted.
func (e *Engine) loadAhead() {
	if s := e.slots[e.turn]; len(e.slots) > 1 && !s.loaded {
		e.ahead = e.fill(s)
	}
}

func (e *Engine) fill(s *slot) error {
	b, err := e.o.Next()
	if err != nil {
		return err
	}
	return e.load(s, b, 1/float64(e.o.Accumulate))
}

// collectAllBut waits for all queued batches but the n newest, and reports the steps that end with them.
func (e *Engine) collectAllBut(n int) error {
	for len(e.pending) > n {
		b := e.pending[0]
		if err := e.collect(b); err != nil {
			return err
		}
		e.pending = e.pending[1:]
		if b.part.last {
			if err := e.o.Report(*b.result); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect waits for a batch and reads what it left.
func (e *Engine) collect(b pending) error {
	if err := b.slot.results.Wait(); err != nil {
		return err
	}
	if err := e.idle.piece(); err != nil {
		return err
	}
	e.addTerms(b.result, b.slot)
	if err := e.finite("loss", b.result.Loss, b); err != nil || !b.part.last {
		return err
	}
	r := b.result
	r.GPUIdle = e.idle.step()
	e.count(r, b.slot)
	r.GradNorm = math.Sqrt(b.slot.results.Values(1)[0]) / e.Scaling.factor()
	if e.dtype == gpu.F16 && e.rescale(r) {
		return nil
	}
	return e.finite("gradient", r.GradNorm, b)
}

// addTerms adds the terms of a batch to its step's.
func (e *Engine) addTerms(r *Result, s *slot) {
	values, share, loss := s.results.Values(0), 1/float64(e.o.Accumulate), 0.0
	for t, weight := range s.weights {
		x := values[t*objective.TermValues:]
		loss += weight * x[0]
		for k := range objective.TermValues - 1 {
			r.Terms[t][k] += share * x[k]
		}
		r.Terms[t][objective.TermValues-1] += x[objective.TermValues-1]
	}
	r.Loss += loss
}
