package ranks

import (
	"fmt"
	"time"

	"contig-gpu/data"
)

// beat gives a sign of life, with the last step done, until this rank closes; rank 0 also looks for a rank that is behind.
func (c *Crew) beat() {
	tick := time.NewTicker(c.t.beat)
	defer tick.Stop()
	for {
		select {
		case <-c.closed:
			return
		case <-tick.C:
		}
		c.mu.Lock()
		n := note{Kind: kindBeat, Step: c.step}
		c.mu.Unlock()
		for _, p := range c.others() {
			_ = p.send(n) // one that is gone is heard of in listen
		}
		if c.t.me.Rank == 0 {
			c.watch(time.Now())
		}
	}
}

// watch ends the run where a rank has been behind the others for too long: it lives, but something holds it.
func (c *Crew) watch(now time.Time) {
	c.mu.Lock()
	all := []progress{{c.t.me, c.step, c.since, false}}
	for _, p := range c.peers {
		all = append(all, progress{p.Member, p.step, p.since, p.left})
	}
	c.mu.Unlock()
	if late, ahead, ok := laggard(all, now, c.t.rank); ok {
		why := &data.Problem{Code: codeLost, What: fmt.Sprintf("%s has been at %s %d for %v, and others wait at %d", late.Member, c.t.unit, late.step, c.t.rank, ahead),
			Cause: "its storage or its device is slow or hangs; an image that takes for ever", Fix: "look at its host; --rank-timeout waits longer"}
		c.end(why, nil)
	}
}

// progress is the last step that a rank has done, and since when.
type progress struct {
	Member
	step  int
	since time.Time
	left  bool
}

// laggard returns the rank that is furthest behind, if it and the furthest of all have stood still for longer than most, and that one's step.
func laggard(all []progress, now time.Time, most time.Duration) (late progress, ahead int, ok bool) {
	first, last := all[0], all[0]
	for _, p := range all[1:] {
		if p.step > first.step {
			first = p
		}
		if !p.left && (last.left || p.step < last.step) {
			last = p
		}
	}
	stands := !last.left && last.step < first.step && now.Sub(last.since) > most && now.Sub(first.since) > most
	return last, first.step, stands
}
