package ranks

import (
	"context"
	"errors"
	"fmt"
	"os"

	"contig-gpu/data"
	"contig-gpu/gpu/world"
)

// Silent is the error of a rank that ends because of what another rank reports: its exit code is 1, and it says nothing.
type Silent struct{ Err error }

func (s Silent) Error() string { return s.Err.Error() }

// Unwrap returns the error that another rank reports.
func (s Silent) Unwrap() error { return s.Err }

// Own is the error of a rank other than 0, which says whose it is.
type Own struct {
	Who string // rank 5 (n2)
	Err error
}

func (o Own) Error() string { return o.Who + ": " + o.Err.Error() }

// Unwrap returns the rank's error.
func (o Own) Unwrap() error { return o.Err }

// Shared is an error that all ranks have alike, such as a verdict: rank 0 reports it.
type Shared struct{ Err error }

func (s Shared) Error() string { return s.Err.Error() }

// Unwrap returns the error.
func (s Shared) Unwrap() error { return s.Err }

// spoken makes an error that all ranks of a kind have Silent on all but one.
func spoken(p Place, here bool, err error) error {
	if !here {
		return Silent{err}
	}
	return err
}

// Named returns err as this rank is to end with: Silent where rank 0 reports it, by its name where this is another rank, and the failure of
// another rank in the place of collectives' that broke off because of it.
func (t *Team) Named(err error) error {
	if err == nil {
		return nil
	}
	if t.Crew != nil && world.Gone(err) && t.Crew.Err() != nil {
		err = t.Crew.Err()
	}
	var told heard
	var quiet Silent
	var shared Shared
	switch {
	case errors.As(err, &quiet), t.Place.Rank == 0:
		return err
	case errors.As(err, &told), errors.As(err, &shared):
		return Silent{err}
	}
	host, failed := os.Hostname()
	if failed != nil {
		host = "host not known"
	}
	return Own{fmt.Sprintf("rank %d (%s)", t.Place.Rank, host), err}
}

// End leaves the run with err, nil where all went well: it tells the other ranks, waits for them, and ends MPI. It returns the error that
// the process is to end with.
func (t *Team) End(err error) error {
	var shared Shared
	if err != nil && !errors.As(err, &shared) {
		t.Crew.Fail(err)
		return t.Named(err)
	}
	if lost := t.Crew.Close(); lost != nil {
		return t.Named(lost)
	}
	return t.Named(errors.Join(err, t.Lost(t.World.Close(), "the end of MPI")))
}

// Lost makes E733 of an error of MPI or NCCL itself; other errors stay, whatever they are of, and those of collectives that broke off because of
// another rank or a signal.
func (t *Team) Lost(err error, doing string) error {
	var p *data.Problem
	brokenOff := world.Gone(err) && (t.Crew == nil || t.Crew.Err() != nil || errors.Is(err, context.Canceled))
	if !world.Failed(err) || errors.As(err, &p) || brokenOff {
		return err
	}
	return &data.Problem{Code: codeLost, What: doing + " failed", Err: err, Cause: "a rank ended; the network failed", Fix: "look at the output of all ranks and at their network, then start all again"}
}

// Differ makes E736 of ranks that do not agree.
func Differ(what, found string) error {
	return &data.Problem{Code: data.CodeRanksDiffer, What: what, Found: found, Cause: "a processor, memory or network that computes or carries wrongly; an MPI whose sums depend on the rank",
		Fix: "run again without these ranks' hosts; try another MPI library"}
}
