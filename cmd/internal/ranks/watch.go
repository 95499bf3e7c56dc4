package ranks

import (
	"fmt"
	"slices"
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
		n := note{Kind: kindBeat, Step: c.own.step}
		c.mu.Unlock()
		for _, p := range c.others() {
			_ = p.send(n) // one that is gone is heard of in listen
		}
		if c.t.me.Rank == 0 {
			c.watch(time.Now())
		}
	}
}

// watch ends the run where a rank has been behind the others for too long, or all have been in one step: they live, but something holds them.
func (c *Crew) watch(now time.Time) {
	c.mu.Lock()
	all := []progress{{c.t.me, c.own.step, c.own.since, false}}
	for _, p := range c.peers {
		all = append(all, progress{p.Member, p.step, p.since, p.left})
	}
	own := c.own
	c.mu.Unlock()
	if late, ahead, ok := laggard(all, now, c.t.rank); ok {
		c.end(&data.Problem{Code: codeLost, What: fmt.Sprintf("%s has been at %s %d for %v, and others wait at %d", late.Member, c.t.unit, late.step, c.t.rank, ahead),
			Cause: "its storage or its device is slow or hangs; an image that takes for ever", Fix: "look at its host; --rank-timeout waits longer"}, nil)
	} else if most := own.bound(c.t.rank); abreast(all) && own.hangs(now, most) {
		c.end(&data.Problem{Code: codeLost, What: fmt.Sprintf("all ranks have been at %s %d for %v", c.t.unit, own.step, most.Round(time.Second)),
			Cause: "a GPU, or a call of NCCL or MPI, that hangs on one of them; storage that all read and that does not answer",
			Fix:   "look at all hosts: nvidia-smi shows a GPU that does not answer, or has nothing to do while the others wait at 100 %; --rank-timeout waits longer"}, nil)
	}
}

// A pace is how a rank gets on with its own steps.
type pace struct {
	step    int           // the last that it has come to; 0: none
	since   time.Time     // when
	paused  bool          // it does now what may take any time: an evaluation, a checkpoint
	longest time.Duration // of the steps that are over
}

// begin notes that the rank has come to a step, and pause that it does something else before the next.
func (p *pace) begin(step int, now time.Time) {
	p.pause(now)
	p.step, p.since, p.paused = step, now, false
}

func (p *pace) pause(now time.Time) {
	if p.step > 0 && !p.paused {
		p.longest = max(p.longest, now.Sub(p.since))
	}
	p.paused = true
}

// bound is how long a step may take: most, or where steps are as long as that, several of them.
func (p pace) bound(most time.Duration) time.Duration { return max(most, 3*p.longest) }

// hangs reports whether the rank has been in a step for longer than most. Not in the first, in which a GPU compiles and times what it will do.
func (p pace) hangs(now time.Time, most time.Duration) bool {
	return !p.paused && p.longest > 0 && now.Sub(p.since) > most
}

// abreast reports whether all ranks are there, at one step.
func abreast(all []progress) bool {
	return !slices.ContainsFunc(all, func(p progress) bool { return p.left || p.step != all[0].step })
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
