package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"contig-gpu/data"
	"contig-gpu/model/train/engine"
)

// Run trains, and returns what it did. When ctx ends it finishes the step, writes a checkpoint and returns
// ErrInterrupted; before the first step it returns the cause, or of several ranks ErrNotBegun, and the run folder is as it was. Errors that a file
// or folder causes are *data.Problem.
func Run(ctx context.Context, o Options) (s Summary, err error) {
	if first := o.Device == nil || o.Device.Rank() == 0; o.Lock == nil && first {
		if o.Lock, err = Take(o.Dir, o.Resume, o.Overwrite); err != nil {
			return Summary{}, err
		}
		defer func() {
			if e := o.Lock.Release(); e != nil {
				err = errors.Join(err, e)
			}
		}()
	}
	t, err := newTrainer(&o)
	defer t.close()
	if err != nil {
		return Summary{}, t.explain(err)
	}
	s, err = t.run(ctx)
	return s, t.explain(err)
}

// run takes the steps that are left. Where the device works beside the host a step is only queued by engine.Step, and done is
// called for it a step late.
func (t *trainer) run(ctx context.Context) (s Summary, err error) {
	t.saved = time.Now()
	switch stop, err := t.stopped(ctx); {
	case err != nil:
		return t.summary(), err
	case stop && t.several():
		return t.summary(), ErrNotBegun
	case stop:
		return t.summary(), context.Cause(ctx)
	}
	if t.resumed {
		if err := t.begin(); err != nil {
			return t.summary(), err
		}
	}
	if t.at.Pending { // the evaluation did not end that was due when the checkpoint was written
		if err := t.halt(ctx); err != nil {
			return t.summary(), err
		}
	}
	for t.at.Step < t.total && !t.at.exhausted(t.cfg) {
		if err := t.thaw(); err != nil {
			return t.summary(), err
		}
		t.keepBuffers()
		if err := t.engine.Step(t.turn(ctx)); err != nil {
			return t.summary(), t.salvage(err)
		}
		t.at.advance()
		t.scan(ctx)
		if err := t.halt(ctx); err != nil {
			return t.summary(), err
		}
		if err := t.badImages(); err != nil {
			return t.summary(), err
		}
	}
	if t.at.Step < t.total {
		t.event(Event{Kind: Noted, Text: fmt.Sprintf("ended after step %d of %d: no better validation than that of step %d in %d (--patience)", t.at.Step, t.total, t.at.BestStep, t.at.Stale)})
	}
	s = t.summary()
	if t.o.Judge != nil {
		return s, nil
	}
	s.Test, s.Tested, err = t.test(ctx)
	return s, err
}

// turn says which step is taken next.
func (t *trainer) turn(ctx context.Context) engine.Turn {
	if t.engine.Idling() {
		t.pace.begin(time.Now())
	}
	return engine.Turn{Step: t.at.Step, LR: t.rate(), Last: t.at.EpochStep+1 == t.perEpoch || t.at.Step+1 == t.total, Votes: t.votes(ctx)}
}

// late reports whether the last checkpoint, or the start of this session, is longer ago than the settings want.
func (t *trainer) late() bool {
	return t.cfg.CheckpointMinutes > 0 && time.Since(t.saved).Minutes() >= t.cfg.CheckpointMinutes
}

// halt ends all queued work where something is due after a step: a validation, at the end of an epoch or of the training, and a
// checkpoint.
func (t *trainer) halt(ctx context.Context) error {
	epochEnd, end := t.at.EpochStep == t.perEpoch, t.at.Step == t.total
	interrupted, late := t.asked(ctx)
	every := t.cfg.CheckpointEvery > 0 && t.at.Step%t.cfg.CheckpointEvery == 0 || late
	if !epochEnd && !end && !every && !interrupted {
		return nil
	}
	if err := t.engine.Finish(); err != nil {
		return err
	}
	if t.o.Paused != nil {
		t.o.Paused()
	}
	isBest := false
	if epochEnd || end {
		var err error
		// A validation is not cut short: where it stands in metrics.jsonl must not depend on interruptions.
		if isBest, err = t.validate(context.WithoutCancel(ctx)); err != nil {
			return t.salvageEvaluation(err)
		}
		t.at.Pending, t.at.Outliers = false, nil
	}
	if epochEnd {
		t.at.Epoch, t.at.EpochStep, t.open = t.at.Epoch+1, 0, false
	}
	t.engine.Pause()
	if err := t.save(isBest, epochEnd); err != nil || !interrupted {
		return err
	}
	return ErrInterrupted
}

// done takes in what a step left.
func (t *trainer) done(r engine.Result) error {
	if err := t.report(t.lineOf(r)); err != nil {
		return err
	}
	t.checked = r.Step
	for i, v := range r.Votes {
		t.voted[i] += v
	}
	return nil
}

// publish says that a step is done.
func (t *trainer) publish(line StepLine) error {
	line.ImagesPerSecond, line.Time, line.Seconds = t.pace.step(line.images, time.Now()), clock(), t.watch.read(time.Now())
	if err := t.begin(); err != nil {
		return err
	}
	if err := t.log.append(line); err != nil {
		return err
	}
	t.warn()
	t.event(Event{Kind: Stepped, Step: line.Step, Epoch: line.Epoch, Loss: line.Loss, LR: line.LR, GradNorm: line.GradNorm, ImagesPerSecond: line.ImagesPerSecond})
	return nil
}

// warn tells what the device complains of, each complaint, a line, once.
func (t *trainer) warn() {
	err := t.dev.Warning()
	if err == nil {
		return
	}
	for text := range strings.SplitSeq(err.Error(), "\n") {
		if !slices.Contains(t.warned, text) {
			t.warned = append(t.warned, text)
			t.event(Event{Kind: Warned, Text: text})
		}
	}
}

// validate evaluates the validation split and reports whether it is the best so far.
func (t *trainer) validate(ctx context.Context) (bool, error) {
	e, err := t.evaluateSplit(ctx, data.Validation)
	if e == nil || err != nil {
		return false, err
	}
	if err := t.log.append(t.evaluationOf("validation", t.at.Step, e)); err != nil {
		return false, err
	}
	t.event(Event{Kind: Validated, Split: data.Validation, Loss: e.Loss, Retrieval: e.Retrieval, Sets: e.Sets, Heldout: e.Heldout, Judged: e.Judged})
	return t.keepsBest(e), nil
}

// evaluateSplit evaluates with the averaged parameters where there are any. nil: the split has no images.
func (t *trainer) evaluateSplit(ctx context.Context, split data.Split) (*Evaluated, error) {
	if !hasSplit(t.o.Cohort, split) {
		return nil, nil
	}
	f, err := t.feed(split, false)
	if err != nil {
		return nil, err
	}
	src, err := t.o.NewSource(f)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	t.event(Event{Kind: Evaluating, Split: split})
	defer spend(&t.watch.Evaluation, time.Now())
	var e *Evaluated
	t.engine.WithAverages(func() { e, err = t.evaluate(ctx, src, split) })
	return e, err
}

func hasSplit(c *data.Cohort, split data.Split) bool {
	for _, p := range c.Persons {
		if p.Split == split && len(p.Images) > 0 {
			return true
		}
	}
	return false
}

// test evaluates the test split, once, by the best checkpoint, or the last where nothing was validated or the best is lost.
func (t *trainer) test(ctx context.Context) (*Evaluated, string, error) {
	name, step, err := t.tested()
	if err != nil {
		return nil, name, err
	}
	e, err := t.evaluateSplit(t.whole(ctx), data.Test)
	if err != nil && t.several() {
		return nil, name, err // which the others, in the middle of it, are to hear of
	}
	if stop, failed := t.stopped(ctx); stop || failed != nil {
		return nil, name, cmp.Or(failed, ErrInterrupted)
	}
	if e == nil || err != nil {
		return nil, name, err
	}
	line := t.evaluationOf("test", step, e)
	line.Checkpoint, e.Heldout.Step = name, step
	if err := t.log.append(line); err != nil {
		return nil, name, err
	}
	t.event(Event{Kind: Tested, Split: data.Test, Loss: e.Loss, Retrieval: e.Retrieval, Heldout: e.Heldout})
	return e, name, t.log.sync()
}

// tested restores the checkpoint that the test split is evaluated by, on all ranks, and returns its name and step.
func (t *trainer) tested() (name string, step int, err error) {
	at := standingAt{}
	if t.writes() {
		name, s, err := t.restoreTested()
		if err != nil {
			return name, 0, err
		}
		at = standingAt{name, s.state}
	}
	at, err = t.shareRestored(at)
	return at.Name, at.State.Step, err
}

func (t *trainer) restoreTested() (name string, s *saved, err error) {
	names := []string{"last"}
	if t.at.BestStep > 0 {
		names = []string{"best", "last"}
	}
	for i, name := range names {
		if s, err = readCheckpoint(CheckpointPath(t.o.Dir, name)); err == nil {
			err = t.restore(s)
		}
		if err == nil || i+1 == len(names) {
			return name, s, err
		}
		t.event(Event{Kind: Warned, Text: fmt.Sprintf("%s.safetensors cannot be used (%s): the test split is evaluated by the last checkpoint", name, shortly(err))})
	}
	return name, s, err
}

func (t *trainer) summary() Summary {
	s := Summary{Steps: t.checked, Resumed: t.resumed, Device: t.dev.Name(), Why: t.dev.Why(), Precision: t.cfg.Precision, Parameters: t.engine.Objective().Weights().Count(),
		Memory: t.memory(t.engine, t.dims), BestStep: t.at.BestStep, GPUIdle: t.engine.Idle()}
	if t.at.BestLoss != nil {
		s.ValidationLoss = *t.at.BestLoss
	}
	return s
}
