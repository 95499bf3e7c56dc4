package ranks

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"contig-gpu/data"
)

// errStranger is what dial returns of a place where something else than this run's rank 0 listens.
var errStranger = errors.New("what listens there has another secret, or is no rank 0 of this program")

// joinMeeting is the meeting as every other rank sees it: it returns when rank 0 says that all are there.
func joinMeeting(ctx context.Context, t terms) (*Crew, error) {
	c := newCrew(t)
	ctx, cancel := context.WithTimeoutCause(ctx, t.meet, errDeadline)
	defer cancel()
	p, err := reach(ctx, t)
	if err != nil {
		return nil, c.giveUp(err)
	}
	c.add(p)
	// Rank 0 keeps the deadline and says who is missing; past it only rank 0 can be what is slow.
	late := time.NewTimer(t.meet + 4*t.beat)
	defer late.Stop()
	interrupted := ctx.Done()
	for {
		select {
		case <-c.started:
			return c, nil
		case <-c.failed:
			return nil, c.giveUp(c.err)
		case <-interrupted:
			if err := context.Cause(ctx); err != errDeadline {
				return nil, c.giveUp(err)
			}
			interrupted = nil
		case <-late.C:
			c.lose(p, "has not begun, and its deadline is over")
			return nil, c.giveUp(c.err)
		}
	}
}

// reach connects to rank 0 as soon as it is there.
func reach(ctx context.Context, t terms) (*peer, error) {
	var last error
	for {
		strange := 0
		for _, address := range t.addresses {
			p, err := dial(ctx, t, address)
			if err == nil {
				return p, nil
			}
			var refused *data.Problem
			if errors.As(err, &refused) {
				return nil, err
			}
			if errors.Is(err, errStranger) {
				strange++
			}
			if ctx.Err() == nil || last == nil {
				last = err
			}
		}
		if strange == len(t.addresses) {
			return nil, &data.Problem{Code: codeMeeting, What: fmt.Sprintf("%s was not let in at %s", t.me, strings.Join(t.addresses, ", ")), Err: last,
				Cause: "CONTIG_SECRET or the file of --secret-file is another; the port is another program's, or another run's", Fix: "give all ranks one secret; choose another port by MASTER_PORT"}
		}
		select {
		case <-ctx.Done():
			if err := context.Cause(ctx); err != errDeadline {
				return nil, err
			}
			return nil, &data.Problem{Code: codeMeeting, What: fmt.Sprintf("%s did not reach rank 0 at %s within %v", t.me, strings.Join(t.addresses, ", "), t.meet), Err: last,
				Cause: "rank 0 was not started; its address is another host's; a firewall", Fix: "look at the output of rank 0; check MASTER_ADDR and MASTER_PORT; --meet-timeout waits longer"}
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// dial connects and introduces this rank. A *data.Problem is rank 0's refusal.
func dial(ctx context.Context, t terms, address string) (*peer, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	p := connected(conn)
	conn.SetDeadline(time.Now().Add(strangerTime))
	if err := introduce(p, t); err != nil {
		conn.Close()
		return nil, err
	}
	p.trust()
	return p, nil
}

func introduce(p *peer, t terms) error {
	greeting, err := p.hear()
	if err != nil || greeting.Kind != kindGreeting {
		return errStranger
	}
	mine := nonce()
	hello := note{Kind: kindHello, Member: &t.me, Size: t.me.Size, Same: t.same, Nonce: mine, Proof: proof(t.secret, "join", greeting.Nonce, mine, t.me.Rank)}
	if err := p.send(hello); err != nil {
		return err
	}
	n, err := p.hear()
	switch {
	case err != nil:
		return fmt.Errorf("rank 0 closed the connection: %w", err)
	case n.Kind == kindRefuse:
		return &data.Problem{Code: codeMeeting, What: fmt.Sprintf("rank 0 refuses %s: %s", t.me, n.Text),
			Cause: "a process of another run, or started with other flags, secret, version or number of ranks", Fix: "start all ranks by one command, with one secret"}
	case n.Kind != kindWelcome || n.Member == nil || !hmac.Equal(n.Proof, proof(t.secret, "host", mine, greeting.Nonce, t.me.Rank)):
		return errStranger
	}
	p.Member = *n.Member
	return nil
}
