package ranks

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"contig-gpu/data"
)

// A Crew keeps the ranks of a run in touch: rank 0 holds a connection to each other, and passes on the first failure to all. Its methods
// may be called from any goroutine.
type Crew struct {
	t       terms
	started chan struct{} // rank 0 has said that all are there
	failed  chan struct{}
	closed  chan struct{} // this rank is done, or has given up
	err     error         // of failed, set before

	words *words // nil: this rank is alone

	mu       sync.Mutex
	peers    []*peer
	own      pace
	warnings []Warning // of peers, not yet asked for
	once     struct{ start, fail, close sync.Once }
	leave    sync.Cond // a peer has left, or the crew has failed; on mu
	gone     sync.WaitGroup
}

// newCrew returns a crew that knows nobody yet, and begins its beats.
func newCrew(t terms) *Crew {
	c := &Crew{t: t, started: make(chan struct{}), failed: make(chan struct{}), closed: make(chan struct{}), own: pace{since: time.Now()}}
	c.leave.L = &c.mu
	if t.me.Size > 1 {
		c.words = newWords(c)
		go c.beat()
	}
	return c
}

// add begins to listen to a peer.
func (c *Crew) add(p *peer) {
	c.mu.Lock()
	p.since = time.Now()
	c.peers = append(c.peers, p)
	c.mu.Unlock()
	c.gone.Add(1)
	go func() {
		defer c.gone.Done()
		c.listen(p)
	}()
}

func (c *Crew) others() []*peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.peers)
}

// Members returns what rank 0 knows of all ranks, in their order; the other ranks know of themselves and rank 0.
func (c *Crew) Members() []Member {
	all := []Member{c.t.me}
	for _, p := range c.others() {
		all = append(all, p.Member)
	}
	slices.SortFunc(all, func(a, b Member) int { return a.Rank - b.Rank })
	return all
}

// listen hears from one peer until it leaves or is lost. After a failure ranks other than 0 stay connected until rank 0 has ended, which reports it:
// launchers end all ranks once one has ended badly.
func (c *Crew) listen(p *peer) {
	there := c.hear(p)
	if c.t.me.Rank == 0 {
		return // the connection stays until this process has said what there is to say, and ends
	}
	if there {
		p.conn.SetReadDeadline(time.Now().Add(outlived))
		_, _ = io.Copy(io.Discard, p.conn) // its end is all that matters
	}
	p.conn.Close()
}

// outlived is how long a rank that fails waits for the end of rank 0, which reports the failure.
const outlived = 4 * time.Second

// hear hears from one peer until nothing more of it matters, and reports whether it may still be there.
func (c *Crew) hear(p *peer) (there bool) {
	for {
		p.conn.SetReadDeadline(time.Now().Add(4 * c.t.beat))
		n, err := p.hear()
		switch {
		case err != nil && c.over():
			return false
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.lose(p, fmt.Sprintf("has not been heard of for %v", 4*c.t.beat))
			return false
		case err != nil:
			c.lose(p, "ended without a word")
			return false
		}
		switch n.Kind {
		case kindStart:
			c.once.start.Do(func() { close(c.started) })
		case kindBeat:
			c.heard(p, n.Step)
		case kindWarn:
			c.warnedBy(p, n.Text)
		case kindWords:
			c.words.hear(p.Rank, n.Words)
		case kindFail:
			c.told(p, n.Problem)
			return true
		case kindBye:
			c.mu.Lock()
			p.left = true
			c.leave.Broadcast()
			c.mu.Unlock()
			if c.t.me.Rank != 0 {
				return false
			}
		}
	}
}

func (c *Crew) heard(p *peer, step int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if step != p.step {
		p.step, p.since = step, time.Now()
	}
}

// over reports whether this rank expects its peers to go.
func (c *Crew) over() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// lose ends the run because a peer is lost.
func (c *Crew) lose(p *peer, how string) {
	c.end(&data.Problem{Code: codeLost, What: fmt.Sprintf("%s %s%s", p.Member, how, c.at(p)),
		Cause: "it was killed, perhaps for memory, or is stopped; its host or the network failed", Fix: "look at its output and its host's log, then start all ranks again"}, p)
}

// at says which step a peer has come to, if any.
func (c *Crew) at(p *peer) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.step == 0 {
		return ""
	}
	return fmt.Sprintf(" at %s %d", c.t.unit, p.step)
}

// told ends the run because a peer says that it fails. What rank 0 passes on is a failure as it is; of all others rank 0 says whose it is.
func (c *Crew) told(p *peer, why *data.Problem) {
	if why == nil {
		c.lose(p, "sent what is no failure")
		return
	}
	if c.t.me.Rank == 0 {
		why = &data.Problem{Code: codeLost, What: fmt.Sprintf("%s gave up%s", p.Member, c.at(p)), Cause: why.Error(), Fix: "that error says what to do; then start all ranks again"}
		c.end(why, p)
		return
	}
	c.end(heard{why}, p)
}

// A heard error is another rank's, which rank 0 reports.
type heard struct{ *data.Problem }

// Unwrap returns the problem, so that it is found as one.
func (h heard) Unwrap() error { return h.Problem }

// end notes the first failure, and rank 0 passes it on before anything can end this process.
func (c *Crew) end(err error, from *peer) {
	c.once.fail.Do(func() {
		if c.t.me.Rank == 0 {
			c.tell(err, from)
		}
		c.err = err
		close(c.failed)
		c.mu.Lock()
		c.leave.Broadcast()
		c.mu.Unlock()
	})
}

// tell sends a failure to all peers but one.
func (c *Crew) tell(err error, but *peer) {
	n := note{Kind: kindFail, Problem: portable(err)}
	var sent sync.WaitGroup
	for _, p := range c.others() {
		if p != but {
			sent.Go(func() { _ = p.send(n) }) // one that is gone is heard of in listen
		}
	}
	sent.Wait()
}

// portable returns an error as a problem without what cannot be sent.
func portable(err error) *data.Problem {
	var p *data.Problem
	if !errors.As(err, &p) {
		return &data.Problem{Code: codeLost, What: err.Error()}
	}
	q := *p
	if q.Err != nil {
		q.What += fmt.Sprintf(" (%v)", q.Err)
		q.Err = nil
	}
	return &q
}

// Failed is closed when another rank has failed or is lost; Err then says which and why.
func (c *Crew) Failed() <-chan struct{} { return c.failed }

// Err returns the first failure of another rank, E733; nil before there is one.
func (c *Crew) Err() error {
	select {
	case <-c.failed:
		return c.err
	default:
		return nil
	}
}

// Done tells rank 0 that this rank has come to a step, of those that are counted from 1: it has done what it has to do by itself, and is about to do the
// rest with the others.
func (c *Crew) Done(step int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own.begin(step, time.Now())
}

// Pause notes that this rank is in no step until the next is Done: an evaluation, a checkpoint, may take any time. One that is behind the others is found all the same.
func (c *Crew) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own.pause(time.Now())
}

// Fail tells all ranks that this one gives up, and why, unless another's failure is known to all. It waits until they have heard, for a moment.
func (c *Crew) Fail(why error) {
	c.once.close.Do(func() {
		close(c.closed)
		if c.Err() == nil {
			c.tell(why, nil)
		}
		c.hangUp(true)
	})
}

// giveUp is Fail for a return.
func (c *Crew) giveUp(why error) error {
	c.Fail(why)
	return why
}

// Close says good-bye. It waits for all ranks to do so, and returns the failure of one that does not.
func (c *Crew) Close() (err error) {
	c.once.close.Do(func() {
		if c.t.me.Rank != 0 {
			for _, p := range c.others() {
				_ = p.send(note{Kind: kindBye}) // if rank 0 is gone, listen says so
			}
		}
		c.mu.Lock()
		for c.Err() == nil && slices.ContainsFunc(c.peers, func(p *peer) bool { return !p.left }) {
			c.leave.Wait()
		}
		c.mu.Unlock()
		err = c.Err()
		close(c.closed)
		if c.t.me.Rank == 0 && err == nil {
			for _, p := range c.others() {
				_ = p.send(note{Kind: kindBye})
			}
		}
		c.hangUp(err != nil)
	})
	return err
}

// hangUp waits a moment for the peers to close their ends: what was sent is lost where a connection is closed with unread notes. A rank 0 that fails
// leaves the connections to the end of its process, for which the others wait.
func (c *Crew) hangUp(failed bool) {
	first := c.t.me.Rank == 0
	for _, p := range c.others() {
		if half, ok := p.conn.(interface{ CloseWrite() error }); ok && !(first && failed) {
			_ = half.CloseWrite()
		}
	}
	done := make(chan struct{})
	go func() {
		c.gone.Wait()
		close(done)
	}()
	most := 2 * time.Second
	if !first {
		most = outlived
	}
	select {
	case <-done:
	case <-time.After(most):
	}
	for _, p := range c.others() {
		if !(first && failed) {
			p.conn.Close()
		}
	}
}
