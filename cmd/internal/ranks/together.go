package ranks

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"contig-gpu/data"
	"contig-gpu/gpu/world"
)

// Together is where all ranks tell what they have come to, err or nil, before they go on: nil where none has failed. Where rank 0 has it reports that,
// and the others are Silent; else those that have failed report what ends them, and rank 0 theirs.
func (t *Team) Together(err error) error {
	if t.Size == 1 {
		return err
	}
	failed, lost := t.World.Verdict(err != nil)
	switch {
	case lost != nil:
		return cmp.Or(err, t.Lost(lost, "asking all ranks how they fare"))
	case len(failed) == 0:
		return nil
	case failed[0] == 0:
		return Shared{cmp.Or(err, errors.New("rank 0 has failed"))}
	case err != nil:
		return err
	}
	return Shared{fmt.Errorf("ranks %v have failed", failed)}
}

// Any reports, on all ranks, whether one of them says so.
func (t *Team) Any(says bool) (bool, error) {
	who, err := t.World.Verdict(says)
	return len(who) > 0, t.Lost(err, "asking all ranks")
}

// Alike is E736, on all ranks, unless each of them has the same of what: a digest of any length up to mostDigest.
func (t *Team) Alike(what, digest, cause string) error {
	if t.Size == 1 {
		return nil
	}
	own, all := make([]byte, mostDigest), make([]byte, t.Size*mostDigest)
	if copy(own, digest) < len(digest) {
		return fmt.Errorf("a digest of %d bytes", len(digest))
	}
	if err := world.AllGather(t.World, all, own); err != nil {
		return t.Lost(err, "comparing "+what)
	}
	first, others := string(all[:mostDigest]), []string(nil)
	for r := range t.Size {
		if string(all[r*mostDigest:(r+1)*mostDigest]) != first {
			others = append(others, fmt.Sprint(r))
		}
	}
	if others == nil {
		return nil
	}
	return Shared{&data.Problem{Code: data.CodeRanksDiffer, What: fmt.Sprintf("rank %s: other %s than rank 0 has", strings.Join(others, ", "), what), Expected: "the same on all ranks", Cause: cause,
		Fix: "start all ranks by one command, where all hosts see the same files"}}
}

// mostDigest is the bytes of a digest, at most.
const mostDigest = 128

// Signal returns the largest of what the ranks give: the number of a signal that one was sent, 0 for none.
func (t *Team) Signal(own int) (int, error) {
	all, err := t.World.Gather(float64(own))
	for _, v := range all {
		own = max(own, int(v))
	}
	return own, err
}
