//go:build linux && cgo

package blas

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"contig-gpu/gpu/internal/driver"
)

// tuneRounds and tuneRuns say how an algorithm is timed: the median of rounds of runs.
const tuneRounds, tuneRuns = 5, 3

// Tune times the heuristic's algorithms for a product at these addresses and makes MatMul use the fastest from now on.
// c is overwritten, and with beta other than 0 grows; a and b should hold values like those of real work, since a GPU
// is slower on random numbers than on zeros. Only algorithms that the scratch memory suffices for are tried. It waits for
// the stream, so it is for the time before work is recorded. Which algorithm is fastest may differ from run to run, and
// with it the last bits of results. A candidate that fails ends the search with its error.
func (h *Handle) Tune(clock Clock, p driver.Product, c, a, b driver.Ptr) error {
	k := keyOf(p, c, a, b)
	q := h.planOf(p, k)
	if q.err != nil {
		return q.err
	}
	d, err := h.api.describe(k, min(h.room, WorkspaceLimit))
	if err != nil {
		return err
	}
	defer d.close()
	all, err := h.candidates(d, min(h.room, WorkspaceLimit))
	if err != nil {
		return err
	}
	best, fastest := q.choice(), math.Inf(1)
	for _, r := range all {
		q.take(h.lt, r)
		ms, e := h.time(clock, q, p.Bias, c, a, b, tuneRounds, tuneRuns)
		if e != nil {
			err = fmt.Errorf("tuning: %w", e)
			break
		}
		if ms < fastest {
			best, fastest = r, ms
		}
	}
	q.take(h.lt, best)
	return err
}

// time returns the milliseconds of one product: the median of rounds, each the mean of runs, after one run to warm up.
func (h *Handle) time(clock Clock, q *plan, bias, c, a, b driver.Ptr, rounds, runs int) (float64, error) {
	if err := h.run(q, bias, c, a, b, h.scratch, h.room); err != nil {
		return 0, err
	}
	var each []float64
	for range rounds {
		ms, err := h.timeRound(clock, q, bias, c, a, b, runs)
		if err != nil {
			return 0, err
		}
		each = append(each, ms/float64(runs))
	}
	slices.Sort(each)
	return each[len(each)/2], nil
}

func (h *Handle) timeRound(clock Clock, q *plan, bias, c, a, b driver.Ptr, runs int) (float64, error) {
	start := clock.MainMark()
	defer start.Close()
	for range runs {
		if err := h.run(q, bias, c, a, b, h.scratch, h.room); err != nil {
			return 0, err
		}
	}
	end := clock.MainMark()
	defer end.Close()
	if err := end.Wait(); err != nil {
		return 0, err
	}
	return end.Since(start)
}

// Rate measures how many floating-point operations a second the GPU reaches in a square product of type t with a result of
// the same type, 2 N^3 operations being counted for matrices of N rows. N is the largest power of two up to 8192 of
// which three matrices fit into bytes of memory at mem, which is overwritten in part. The first two thirds should hold
// random numbers of type t: a GPU draws less power, and is faster, on zeros. tf32 is for F32. It waits for the stream.
func (h *Handle) Rate(clock Clock, t driver.Type, tf32 bool, mem driver.Ptr, bytes int) (flops float64, err error) {
	n := 8192
	for n > 16 && 3*n*n*t.Size() > bytes {
		n /= 2
	}
	size := n * n * t.Size()
	if 3*size > bytes || mem == 0 {
		return 0, fmt.Errorf("blas: measuring products of %v takes at least %d bytes, there are %d", t, 3*size, bytes)
	}
	p := driver.Product{M: n, N: n, K: n, In: t, Out: t, TransB: true, TF32: tf32}
	a, b, c := mem, mem.Add(size), mem.Add(2*size)
	q := h.planOf(p, keyOf(p, c, a, b))
	if q.err != nil {
		return 0, q.err
	}
	if q.workspace > h.room {
		return 0, fmt.Errorf("blas: product %s takes %d bytes of scratch memory, of which there are %d", q.product, q.workspace, h.room)
	}
	ms, err := h.time(clock, q, 0, c, a, b, 7, 10)
	if err != nil {
		return 0, err
	}
	if ms <= 0 {
		return 0, errors.New("blas: the clock stands still")
	}
	return 2 * float64(n) * float64(n) * float64(n) / (ms * 1e-3), nil
}
