package ranks

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"contig-gpu/data"
)

// terms are what a meeting is held under.
type terms struct {
	me        Member
	addresses []string // of rank 0, tried in turn
	secret    []byte   // never sent
	same      []Trait
	unit      string // what a step is called
	meet      time.Duration
	rank      time.Duration // how long a rank may be behind the others, or all be in one step
	beat      time.Duration // a sign of life this often; silence of four times as long is death
}

// hostMeeting is the meeting as rank 0 sees it: it returns when all have come, and closes the listener.
func hostMeeting(ctx context.Context, t terms, l net.Listener) (*Crew, error) {
	c := newCrew(t)
	ctx, cancel := context.WithTimeoutCause(ctx, t.meet, errDeadline)
	defer cancel()
	door := &door{crew: c, l: l, came: make(chan *peer)}
	go door.open(ctx)
	defer l.Close() // nobody can come later
	for len(c.others()) < t.me.Size-1 {
		select {
		case p := <-door.came:
			c.add(p)
		case <-c.failed:
			return nil, c.giveUp(c.err)
		case <-ctx.Done():
			err := context.Cause(ctx)
			if err == errDeadline {
				err = door.missing()
			}
			return nil, c.giveUp(err)
		}
	}
	for _, p := range c.others() {
		if err := p.send(note{Kind: kindStart}); err != nil {
			c.lose(p, fmt.Sprintf("cannot be reached (%v)", err))
			return nil, c.giveUp(c.err)
		}
	}
	return c, nil
}

// A door lets ranks in, and remembers whom it did not.
type door struct {
	crew *Crew
	l    net.Listener
	came chan *peer

	mu      sync.Mutex
	in      map[int]Member
	refused []string
}

// mostRefused is how many of those that were refused an error names.
const mostRefused = 5

// open admits whoever connects, each on its own: one that says nothing keeps nobody waiting.
func (d *door) open(ctx context.Context) {
	room := make(chan struct{}, strangers+d.crew.t.me.Size)
	for {
		conn, err := d.l.Accept()
		if err != nil {
			return // closed: the meeting is over
		}
		select {
		case room <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		go func() {
			defer func() { <-room }()
			p := connected(conn)
			conn.SetDeadline(time.Now().Add(strangerTime))
			if why := d.admit(p); why != "" {
				d.refuse(p, why)
				return
			}
			p.trust()
			select {
			case d.came <- p:
			case <-ctx.Done():
				conn.Close()
			}
		}()
	}
}

// admit returns why a peer may not come in. Each side proves that it knows the secret over the other's nonce.
func (d *door) admit(p *peer) string {
	t, mine := d.crew.t, nonce()
	if err := p.send(note{Kind: kindGreeting, Nonce: mine}); err != nil {
		return fmt.Sprintf("it took no greeting: %v", err)
	}
	n, err := p.hear()
	switch {
	case err != nil || n.Kind != kindHello || n.Member == nil:
		return "it is no rank of this program"
	case !hmac.Equal(n.Proof, proof(t.secret, "join", mine, n.Nonce, n.Member.Rank)):
		return "it has another secret"
	}
	p.Member = *n.Member
	if n.Size != t.me.Size || p.Rank < 1 || p.Rank >= t.me.Size {
		return fmt.Sprintf("it is rank %d of %d, and rank 0 is one of %d", p.Rank, n.Size, t.me.Size)
	}
	if differs := difference(t.same, n.Same); differs != "" {
		return differs
	}
	if other, ok := d.enter(p.Member); !ok {
		return fmt.Sprintf("rank %d is there already: %s", p.Rank, other)
	}
	if err := p.send(note{Kind: kindWelcome, Proof: proof(t.secret, "host", n.Nonce, mine, p.Rank), Member: &t.me}); err != nil {
		d.mu.Lock()
		delete(d.in, p.Rank)
		d.mu.Unlock()
		return fmt.Sprintf("it took no welcome: %v", err)
	}
	return ""
}

// enter notes that a rank is there, and returns the one that was there before it.
func (d *door) enter(m Member) (Member, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if other, there := d.in[m.Rank]; there {
		return other, false
	}
	if d.in == nil {
		d.in = map[int]Member{}
	}
	d.in[m.Rank] = m
	return m, true
}

func (d *door) refuse(p *peer, why string) {
	d.mu.Lock()
	who := p.conn.RemoteAddr().String()
	if p.Pid != 0 {
		who = p.Member.String()
	}
	if len(d.refused) < mostRefused {
		d.refused = append(d.refused, who+": "+why)
	}
	d.mu.Unlock()
	_ = p.send(note{Kind: kindRefuse, Text: why}) // it may be gone
	p.conn.Close()
}

// difference says which trait of theirs is another than ours.
func difference(ours, theirs []Trait) string {
	if len(ours) != len(theirs) {
		return "it is of another version of the program"
	}
	for i, o := range ours {
		if o != theirs[i] {
			return fmt.Sprintf("its %s is %s, that of rank 0 is %s", o.Name, theirs[i].Value, o.Value)
		}
	}
	return ""
}

var errDeadline = errors.New("the deadline of the meeting")

// missing is the error of a meeting to which not all have come.
func (d *door) missing() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.crew.t
	there, gone := []string{fmt.Sprintf("0 (%s)", t.me.Host)}, []string{}
	for r := 1; r < t.me.Size; r++ {
		if m, ok := d.in[r]; ok {
			there = append(there, fmt.Sprintf("%d (%s)", r, m.Host))
		} else {
			gone = append(gone, fmt.Sprint(r))
		}
	}
	p := &data.Problem{Code: codeMeeting, What: fmt.Sprintf("%d of %d ranks did not come to %s within %v: %s", len(gone), t.me.Size, t.addresses[0], t.meet, few(gone)),
		Expected: fmt.Sprintf("ranks 0 to %d", t.me.Size-1), Found: few(there),
		Cause: "the scheduler started fewer processes; a firewall; the address of rank 0 is another host's", Fix: "look at the output of those that are missing; --meet-timeout waits longer"}
	if len(d.refused) > 0 {
		p.Found += "\nrefused: " + strings.Join(d.refused, "\nrefused: ")
		p.Cause = "processes of another run, version or secret"
	}
	return p
}

// few joins the first of many.
func few(words []string) string {
	const most = 16
	if len(words) > most {
		return strings.Join(words[:most], ", ") + fmt.Sprintf(" and %d more", len(words)-most)
	}
	return strings.Join(words, ", ")
}

// Hosts counts the ranks on each host, in the order in which the hosts' first ranks are.
func Hosts(all []Member) (names []string, counts map[string]int) {
	counts = map[string]int{}
	for _, m := range all {
		if counts[m.Host]++; !slices.Contains(names, m.Host) {
			names = append(names, m.Host)
		}
	}
	return names, counts
}
