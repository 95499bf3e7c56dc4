//go:build linux && cgo

package dnn

import (
	"errors"
	"fmt"
	"reflect"
)

// A chooser finds plans for a target.
type chooser struct {
	api    *API
	target target
	Options
	time    func([]*plan) ([]*contestant, error) // of plans of one Problem; nil: the library's first choice is taken
	untimed error                                // why the library's first choice was taken all the same, for the last such plan
}

// choose returns the plan for p: the fastest where plans are timed, else the first one that is acceptable.
func (c *chooser) choose(p Problem) (*plan, error) {
	g, err := p.build(c.target)
	if err != nil {
		return nil, err
	}
	why := &NoPlanError{Problem: p, Library: "cuDNN " + c.api.Version()}
	plans := c.acceptable(g, p, why)
	if len(plans) == 0 {
		g.close()
		return nil, why
	}
	best, err := c.fastest(plans, why)
	if err != nil {
		g.close()
		return nil, err
	}
	for _, q := range plans {
		if q != best {
			g.drop(q.ready)
		}
	}
	return best, nil
}

// acceptable finalizes plans until there are enough. Those that want more memory than Options allow count only where
// there is no other, and of them the most modest.
func (c *chooser) acceptable(g *graph, p Problem, why *NoPlanError) []*plan {
	enough := 1
	if c.time != nil {
		enough = c.candidates()
	}
	var plans []*plan
	var modest *plan
	for config := range g.proposals(c.target, why) {
		q := c.accept(g, p, config, why)
		switch {
		case q == nil || known(plans, q):
		case q.Workspace <= c.maxWorkspace():
			plans = append(plans, q)
		case modest == nil || q.Workspace < modest.Workspace:
			modest = q
		}
		if len(plans) == enough {
			break
		}
	}
	if len(plans) == 0 && modest != nil {
		plans = append(plans, modest)
	}
	return plans
}

// accept finalizes a configuration, unless its engine is unwanted.
func (c *chooser) accept(g *graph, p Problem, config desc, why *NoPlanError) *plan {
	choice, err := g.examine(config)
	if err != nil {
		why.because(err.Error())
		return nil
	}
	if reason := unwanted(p, choice.Notes, c.Options); reason != "" {
		why.because(fmt.Sprintf("engine %d was left out: %s", choice.Engine, reason))
		return nil
	}
	q, err := g.finalize(c.target, config, choice)
	if err != nil {
		why.because(err.Error())
		return nil
	}
	q.is(p)
	return q
}

// known tells whether the library proposed the same before, as its fallback does.
func known(plans []*plan, q *plan) bool {
	for _, p := range plans {
		if p.Engine == q.Engine && reflect.DeepEqual(p.Knobs, q.Knobs) {
			return true
		}
	}
	return false
}

// fastest times plans, if asked to. Where the GPU has no memory to time them on, the library's first choice is taken. The library
// proposes plans that it refuses to run: the others remain.
func (c *chooser) fastest(plans []*plan, why *NoPlanError) (*plan, error) {
	if c.time == nil || len(plans) == 1 {
		return plans[0], nil
	}
	times, err := c.time(plans)
	var full *memoryError
	if errors.As(err, &full) {
		c.untimed = fmt.Errorf("cuDNN: the plan for %s is the library's first proposal and may be slow: %w", plans[0].problem, err)
		return plans[0], nil
	}
	if err != nil {
		return nil, fmt.Errorf("cuDNN: timing plans for %s: %w", plans[0].problem, err)
	}
	var best *plan
	for i, q := range plans {
		if times[i].err != nil {
			why.because(times[i].err.Error())
			continue
		}
		q.Milliseconds, q.Timed = times[i].best, len(plans)
		if best == nil || q.Milliseconds < best.Milliseconds {
			best = q
		}
	}
	if best == nil {
		return nil, why
	}
	return best, nil
}
