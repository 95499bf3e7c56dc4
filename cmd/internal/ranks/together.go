package ranks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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
	all, err := t.digests(digest)
	if err != nil {
		return t.Lost(err, "comparing "+what)
	}
	others := []string(nil)
	for r, d := range all {
		if d != all[0] {
			others = append(others, fmt.Sprint(r))
		}
	}
	if others == nil {
		return nil
	}
	return Shared{&data.Problem{Code: data.CodeRanksDiffer, What: fmt.Sprintf("rank %s: other %s than rank 0 has", strings.Join(others, ", "), what), Expected: "the same on all ranks", Cause: cause,
		Fix: "start all ranks by one command, where all hosts see the same files"}}
}

// Twice returns, on all ranks, the first two that have the same name for what each should have one of its own; "" where none have. A rank that has no
// name for it gives "".
func (t *Team) Twice(name string) (a, b string, err error) {
	all, err := t.digests(name)
	if err != nil {
		return "", "", t.Lost(err, "comparing what each rank has for its own")
	}
	for r, n := range all {
		if first := slices.Index(all, n); n != "" && first < r {
			return t.called(first), t.called(r), nil
		}
	}
	return "", "", nil
}

// findSeat counts the ranks of this one's host and finds its place among them, in the order of ranks, where the launcher does not say: not how many
// there are, and to none of them a place of its own.
func (t *Team) findSeat(host string) error {
	name := sha256.Sum256([]byte(host))
	hosts, err := t.digests(hex.EncodeToString(name[:]))
	if err != nil {
		return t.Lost(err, "counting the ranks of each host")
	}
	places, err := t.World.Gather(float64(t.Local))
	if err != nil {
		return t.Lost(err, "counting the ranks of each host")
	}
	if t.Locals > 0 {
		return nil
	}
	taken, before := map[float64]bool{}, 0
	for r, h := range hosts {
		if h != hosts[t.Rank] {
			continue
		}
		taken[places[r]] = true
		if t.Locals++; r < t.Rank {
			before++
		}
	}
	if len(taken) < t.Locals {
		t.Local = before
	}
	return nil
}

// called is a rank with its host and process, as far as this one knows.
func (t *Team) called(rank int) string {
	for _, m := range t.Members() {
		if m.Rank == rank {
			return m.String()
		}
	}
	return fmt.Sprint("rank ", rank)
}

// digests returns what every rank gives, in their order: up to mostDigest bytes, without zeros.
func (t *Team) digests(own string) ([]string, error) {
	one, all := make([]byte, mostDigest), make([]byte, t.Size*mostDigest)
	if copy(one, own) < len(own) {
		return nil, fmt.Errorf("a digest of %d bytes", len(own))
	}
	if err := world.AllGather(t.World, all, one); err != nil {
		return nil, err
	}
	var out []string
	for d := range slices.Chunk(all, mostDigest) {
		out = append(out, strings.TrimRight(string(d), "\x00"))
	}
	return out, nil
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
