package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"contig-gpu/cmd/internal/ranks"
	"contig-gpu/gpu/world"
)

// sumCheck is one length and type of which the sum over all ranks was checked and timed.
type sumCheck struct {
	Type  string  `json:"type"`
	Bytes int     `json:"bytes"`
	Rate  float64 `json:"bytes_per_second"` // of one rank's elements, by rank 0's best time
	Wrong []int   `json:"wrong_on_ranks"`
}

// checkSums sums over all ranks, small and large, and compares. All ranks come to the same error.
func (m *meeting) checkSums(team *ranks.Team) error {
	if e, ok := team.World.Engine(); ok {
		m.MPI = &e
	}
	step := 0
	for _, bytes := range []int{1e3, 1e6, 1e8} {
		f32, err := sumOf[float32](team.World, bytes)
		if err != nil {
			return team.Lost(err, "the sum of "+sumSize(bytes))
		}
		team.Done(step + 1)
		f64, err := sumOf[float64](team.World, bytes)
		if err != nil {
			return team.Lost(err, "the sum of "+sumSize(bytes))
		}
		step += 2
		team.Done(step)
		m.Sums = append(m.Sums, f32, f64)
	}
	if err := wrongSums(m.Sums, m.Ranks); err != nil {
		return err
	}
	if err := equalBytes(team, m.Members); err != nil {
		return err
	}
	team.Done(step + 1)
	var err error
	if m.Copies, err = team.World.Gather(copyRate()); err != nil {
		return team.Lost(err, "gathering the ranks' speeds")
	}
	m.Slow = slow(m.Copies)
	return nil
}

// wrongSums is the error of the first sum that is wrong on some ranks.
func wrongSums(all []sumCheck, n int) error {
	for _, s := range all {
		if len(s.Wrong) > 0 {
			return ranks.Shared{Err: ranks.Differ(fmt.Sprintf("the sum of %d bytes of %s over %d ranks is wrong", s.Bytes, s.Type, n), fmt.Sprintf("wrong on ranks %v", s.Wrong))}
		}
	}
	return nil
}

// sumOf checks one sum against its exact value and times others. Whole numbers are summed, to less than 2^24 for up to 4,096 ranks, so
// that every order of summing gives the same.
func sumOf[E float32 | float64](w *world.World, bytes int) (sumCheck, error) {
	x := make([]E, bytes/binary.Size(E(0)))
	for i := range x {
		x[i] = E(i%1009 + w.Rank())
	}
	if err := world.Sum(w, x); err != nil {
		return sumCheck{}, err
	}
	n, right := w.Size(), true
	for i, v := range x {
		right = right && v == E(i%1009*n+n*(n-1)/2)
	}
	wrong, err := w.Verdict(!right)
	if err != nil {
		return sumCheck{}, err
	}
	clear(x)
	best := time.Duration(math.MaxInt64)
	for range max(3, min(20, 1e6/bytes)) {
		begin := time.Now()
		if err := world.Sum(w, x); err != nil {
			return sumCheck{}, err
		}
		best = min(best, time.Since(begin))
	}
	return sumCheck{Type: fmt.Sprintf("%T", E(0)), Bytes: bytes, Rate: float64(bytes) / best.Seconds(), Wrong: wrong}, nil
}

// equalBytes sums values of very different magnitude, whose sum depends on the order, twice: all ranks must have the same bytes each time.
func equalBytes(team *ranks.Team, members []ranks.Member) error {
	const n = 100_003
	var halves [4][]float64 // digests of both sums, in halves of 32 bits, of every rank
	for round := range 2 {
		x := make([]float64, n)
		for i := range x {
			x[i] = math.Sin(float64((i+1)*(team.Rank+1))) * math.Pow(10, float64(i%30-15))
		}
		if err := world.Sum(team.World, x); err != nil {
			return team.Lost(err, "a sum of rounded values")
		}
		h := fnv.New64a()
		if err := binary.Write(h, binary.LittleEndian, x); err != nil {
			return err
		}
		for half := range 2 {
			var err error
			if halves[2*round+half], err = team.World.Gather(float64(uint32(h.Sum64() >> (32 * half)))); err != nil {
				return team.Lost(err, "gathering digests")
			}
		}
	}
	var differ []string
	for r := range team.Size {
		for part, all := range halves {
			if all[r] != halves[part%2][0] {
				differ = append(differ, fmt.Sprint(r))
				break
			}
		}
	}
	if len(differ) > 0 {
		return ranks.Shared{Err: ranks.Differ("the same sum has other bytes on other ranks, or when it is repeated", fmt.Sprintf("rank 0 is %s; other bytes than its first sum: ranks %v", members[0], differ))}
	}
	return nil
}

// copyRate is how many bytes a second this rank copies.
func copyRate() float64 {
	const bytes, rounds = 100_000_000, 3
	from, to := make([]byte, bytes), make([]byte, bytes)
	for i := range from {
		from[i] = byte(i) // pages that nobody has written are all one page
	}
	best := time.Duration(math.MaxInt64)
	for range rounds {
		begin := time.Now()
		copy(to, from)
		best = min(best, time.Since(begin))
	}
	return bytes / best.Seconds()
}

// slow returns the ranks whose rate is less than half of the median rank's.
func slow(rates []float64) (ranks []int) {
	sorted := slices.Sorted(slices.Values(rates))
	for r, rate := range rates {
		if rate < sorted[len(sorted)/2]/2 {
			ranks = append(ranks, r)
		}
	}
	return ranks
}
