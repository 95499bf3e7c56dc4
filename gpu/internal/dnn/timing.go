//go:build linux && cgo

package dnn

import (
	"errors"
	"math"
	"slices"

	"contig-gpu/gpu/internal/driver"
)

// How plans are compared: in rounds, so that a clock that drifts drifts for all, each for a window that is long beside the cost of
// queueing it. The best window of a plan counts, since what disturbs only slows down. Before the first round the GPU, whose clock
// is low after the seconds of an idle wait for the compiler, works until its times hold.
const (
	rounds     = 5
	windowTime = 1.0   // milliseconds
	windowRuns = 100   // at most
	warmTime   = 100.0 // milliseconds, at most
	steady     = 0.03  // times of neighbouring windows that differ by less hold
)

// A contestant is what is timed: best is the milliseconds of one run, err why it could not be run.
type contestant struct {
	run  func() error
	runs int // in a window
	best float64
	err  error
}

// race times contestants against each other. One that cannot be run takes no further part; a failure of the device ends the race.
func (h *Handle) race(all []*contestant) error {
	var able []*contestant
	for _, c := range all {
		if c.err = c.run(); c.err != nil { // what is loaded lazily is loaded
			continue
		}
		c.runs, c.best = 1, math.Inf(1)
		ms, err := h.window(c)
		if err != nil {
			return err
		}
		if c.err == nil {
			c.runs = int(min(max(math.Ceil(windowTime/ms), 1), windowRuns))
			able = append(able, c)
		}
	}
	if len(able) == 0 {
		return nil
	}
	if err := h.warm(able[0]); err != nil {
		return err
	}
	for range rounds {
		for _, c := range able {
			ms, err := h.window(c)
			if err != nil {
				return err
			}
			c.best = min(c.best, ms)
		}
	}
	return nil
}

// warm runs a contestant until its times hold.
func (h *Handle) warm(c *contestant) error {
	for last, total := 0.0, 0.0; total < warmTime; {
		ms, err := h.window(c)
		if err != nil || math.Abs(ms-last) < steady*ms {
			return err
		}
		last, total = ms, total+max(ms, 1e-3)*float64(c.runs)
	}
	return nil
}

// window returns the milliseconds of a run, the mean of a window's.
func (h *Handle) window(c *contestant) (float64, error) {
	begin := h.Timer.MainMark()
	for range c.runs {
		if err := c.run(); err != nil {
			c.err = err
		}
	}
	ms, err := since(h.Timer.MainMark(), begin)
	return ms / float64(c.runs), err
}

// since waits for end and returns the milliseconds from begin on. It closes both.
func since(end, begin driver.Event) (float64, error) {
	defer begin.Close()
	defer end.Close()
	if err := errors.Join(begin.Wait(), end.Wait()); err != nil {
		return 0, err
	}
	return end.Since(begin)
}

// timePlans times plans of one Problem against each other, on tensors of arbitrary numbers.
func (h *Handle) timePlans(plans []*plan) ([]*contestant, error) {
	at, work, free, err := h.stage(plans)
	defer free()
	if err != nil {
		return nil, err
	}
	var all []*contestant
	for _, q := range plans {
		all = append(all, &contestant{run: func() error { return h.execute(q, at, work, q.Workspace) }})
	}
	return all, h.race(all)
}

// timeApart times a plan of ForwardStats against what it stands for: Forward, and a pass over y.
func (h *Handle) timeApart(q *plan, pass func(y driver.Ptr) error) error {
	f, err := h.planOf(Problem{Op: Forward, Conv: q.problem.Conv})
	if err != nil {
		return err
	}
	at, work, free, err := h.stage([]*plan{q, f}) // Forward's tensors are the first of these
	defer free()
	if err != nil {
		return err
	}
	y := at[slices.Index(q.roles, roleY)]
	own := &contestant{run: func() error { return h.execute(q, at, work, q.Workspace) }}
	plain := &contestant{run: func() error { return h.execute(f, at, work, f.Workspace) }}
	alone := &contestant{run: func() error { return pass(y) }}
	if err := h.race([]*contestant{own, plain, alone}); err != nil {
		return err
	}
	if err := errors.Join(own.err, plain.err, alone.err); err != nil {
		return err
	}
	q.Milliseconds, q.Apart = own.best, plain.best+alone.best
	return nil
}
