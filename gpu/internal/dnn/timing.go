//go:build linux && cgo

package dnn

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"contig-gpu/gpu/internal/driver"
)

// How plans are compared: in rounds, so that a clock that drifts drifts for all, each for a window that is long beside the cost of
// queueing it. The best window of a plan counts, since what disturbs only slows down. Before the first round the GPU works until its times
// hold; and where it has been idle, as while something was compiled, for a time at least: a low clock is steady too.
const (
	rounds     = 5
	windowTime = 1.0   // milliseconds
	windowRuns = 100   // at most
	warmLeast  = 50.0  // milliseconds, after it was idle
	warmMost   = 200.0 // milliseconds
	idle       = 20 * time.Millisecond
	steady     = 0.03 // times of neighbouring windows that differ by less hold
)

// A contestant is what is timed: best is the milliseconds of one run, err why it could not be run.
type contestant struct {
	run  func() error
	runs int // in a window
	best float64
	err  error
}

// timesWays reports whether ways to compute the same are timed against each other.
func (h *Handle) timesWays() bool { return h.time != nil && !h.Untimed }

// race times contestants against each other. One that cannot be run takes no further part, one that is alone is run and not timed; a failure of
// the device ends the race.
func (h *Handle) race(all []*contestant) error {
	var able []*contestant
	for _, c := range all {
		if c.err = c.run(); c.err != nil || len(all) == 1 { // what is loaded lazily is loaded
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
	defer func() { h.raced = time.Now() }()
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
	least := 0.0
	if time.Since(h.raced) > idle {
		least = warmLeast
	}
	for last, total := 0.0, 0.0; total < warmMost; {
		ms, err := h.window(c)
		total += max(ms, 1e-3) * float64(c.runs)
		if err != nil || total >= least && math.Abs(ms-last) < steady*ms {
			return err
		}
		last = ms
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
	room := 0
	for _, q := range plans {
		room = max(room, q.Workspace)
	}
	at, work, free, err := h.stage(plans[0].problem, room)
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

// A comparison is of what is fused with what it stands for.
type comparison struct {
	pays bool    // the fused way is the faster
	own  float64 // milliseconds of the other; 0: they were not timed
}

// compared compares by the times that the cache keeps of a Problem, or by timing both.
func (h *Handle) compared(p Problem, both func() (fused, own float64, err error)) (comparison, error) {
	times := h.cache.times(p)
	if len(times) != 2 {
		fused, own, err := both()
		if err != nil {
			h.untimed = fmt.Errorf("cuDNN: %s was not compared with its parts: %w", p, err)
			return comparison{}, err
		}
		times = h.cache.keepTimes(p, []float64{fused, own})
	}
	return comparison{times[0] < times[1], times[1]}, nil
}

// timeApart returns the milliseconds of a plan of ForwardStats, and of what it stands for: Forward, and a pass over y.
func (h *Handle) timeApart(q *plan, pass func(y driver.Ptr) error) (fused, own float64, err error) {
	f, err := h.planOf(Problem{Op: Forward, Conv: q.problem.Conv})
	if err != nil {
		return 0, 0, err
	}
	at, work, free, err := h.stage(q.problem, max(q.Workspace, f.Workspace)) // Forward's tensors are the first of these
	defer free()
	if err != nil {
		return 0, 0, err
	}
	y := at[slices.Index(q.roles, roleY)]
	return h.compare([]func() error{func() error { return h.execute(q, at, work, q.Workspace) }},
		[]func() error{func() error { return h.execute(f, at, work, f.Workspace) }, func() error { return pass(y) }}, 0)
}

// compare times two ways of several parts. limit, if it is not 0, is what the first part of the second takes at most. The library may refuse
// to run what is fused: then that takes for ever.
func (h *Handle) compare(fused, own []func() error, limit float64) (float64, float64, error) {
	var all []*contestant
	for _, run := range slices.Concat(fused, own) {
		all = append(all, &contestant{run: run})
	}
	if err := h.race(all); err != nil {
		return 0, 0, err
	}
	if limit > 0 {
		all[len(fused)].best = min(all[len(fused)].best, limit)
	}
	sum := func(some []*contestant) (ms float64, err error) {
		for _, c := range some {
			ms, err = ms+c.best, errors.Join(err, c.err)
		}
		return ms, err
	}
	together, refused := sum(all[:len(fused)])
	if refused != nil {
		together = math.MaxFloat64
	}
	apart, err := sum(all[len(fused):])
	return together, apart, err
}
