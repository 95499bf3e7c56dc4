//go:build linux && cgo

package dnn

import (
	"errors"
	"fmt"
	"slices"
)

// A chooser finds plans for a target.
type chooser struct {
	api    *API
	target target
	Options
	time     func([]*plan) ([]*contestant, error) // of plans of one Problem; nil: the library's first choice is taken
	several  bool                                 // all candidates are wanted though nothing is timed
	packs    []*Pack
	describe func() ([]byte, error) // the target, as the library's JSON; nil: it cannot be
	alone    bool                   // nothing is compiled ahead
	counts   Counts
	bad      error // a pack that could not be read
	untimed  error // why the library's first choice was taken all the same, for the last such plan
}

// choose returns the plan for p: the fastest where plans are timed, else the first one that is acceptable.
func (c *chooser) choose(p Problem) (*plan, error) {
	why := &NoPlanError{Problem: p, Library: "cuDNN " + c.api.Version()}
	plans := c.unpack(p)
	if len(plans) == 0 {
		var err error
		if plans, err = c.ask(p, why); err != nil {
			return nil, err
		}
	}
	best, err := c.fastest(plans, why)
	for _, q := range plans {
		switch {
		case err != nil:
			q.close()
		case q != best:
			q.drop(q.ready) // best may be of the same graph
		}
	}
	return best, err
}

// unpack makes the plans that packs hold of a Problem: one where nothing is timed. What does not load is left out, and c.bad says
// why: then the library is asked.
func (c *chooser) unpack(p Problem) (plans []*plan) {
	for _, k := range c.packs {
		saved, err := k.plans(p)
		if err != nil {
			c.bad = err
		}
		for _, s := range saved {
			if c.time == nil && len(plans) > 0 {
				return plans
			}
			if s.Workspace > c.maxWorkspace() || unwanted(p, s.Notes, c.Options) != "" {
				continue // right where more is allowed than here
			}
			q, err := c.load(p, s)
			if err != nil {
				c.bad = fmt.Errorf("cuDNN: a plan in %s is not used: %w", k.path, err)
				continue
			}
			c.counts.Packed++
			plans = append(plans, q)
		}
	}
	return plans
}

// ask makes plans of what the library proposes, one at least.
func (c *chooser) ask(p Problem, why *NoPlanError) ([]*plan, error) {
	g, err := p.build(c.target)
	if err != nil {
		return nil, err
	}
	plans := c.acceptable(g, p, why)
	if len(plans) == 0 {
		g.close()
		return nil, why
	}
	return plans, nil
}

// acceptable finalizes plans until there are enough. Those that want more memory than Options allow count only where
// there is no other, and of them the most modest. Of those that are compiled at run time, a second each, few are tried.
func (c *chooser) acceptable(g *graph, p Problem, why *NoPlanError) []*plan {
	enough := 1
	if c.time != nil || c.several {
		enough = c.candidates()
	}
	var plans []*plan
	var modest *plan
	var ahead map[string]string
	if enough > 1 {
		ahead = c.compileAhead(g, p, slices.Collect(g.proposals(c.target, &NoPlanError{})))
	}
	for config := range g.proposals(c.target, why) {
		q := c.accept(g, p, config, plans, ahead, why)
		switch {
		case q == nil:
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

// maxCompiled is how many plans of a Problem are compiled at run time.
const maxCompiled = 3

// accept finalizes a configuration, unless it is among the plans, as the library's fallback is, or unwanted.
func (c *chooser) accept(g *graph, p Problem, config desc, plans []*plan, ahead map[string]string, why *NoPlanError) *plan {
	choice, err := g.examine(config)
	if err != nil {
		why.because(err.Error())
		return nil
	}
	if reason := unwanted(p, choice.Notes, c.Options); reason != "" {
		why.because(fmt.Sprintf("engine %d was left out: %s", choice.Engine, reason))
		return nil
	}
	compiled := 0
	for _, q := range plans {
		if q.Engine == choice.Engine && slices.Equal(q.Knobs, choice.Knobs) {
			return nil
		}
		if q.Compiled {
			compiled++
		}
	}
	if choice.Compiled && compiled == maxCompiled {
		return nil
	}
	q, err := c.finalized(g, p, config, choice, ahead)
	if err != nil {
		why.because(err.Error())
		return nil
	}
	c.counts.make(choice)
	q.is(p)
	return q
}

// fastest times plans, if asked to. Where the GPU has no memory to time them on, the library's first choice is taken. The library proposes plans
// that it refuses to run: the others remain, and one that is alone is run once.
func (c *chooser) fastest(plans []*plan, why *NoPlanError) (*plan, error) {
	if c.time == nil {
		return plans[0], nil
	}
	times, err := c.time(plans)
	var full *memoryError
	if errors.As(err, &full) {
		if len(plans) == 1 {
			return plans[0], nil
		}
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
