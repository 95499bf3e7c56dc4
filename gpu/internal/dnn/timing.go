//go:build linux && cgo

package dnn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"contig-gpu/gpu/internal/driver"
)

// Runs of a plan that are timed together, and how often: the best time counts, since what disturbs only slows down.
const (
	timedRuns    = 3
	timedWindows = 3
)

// timePlan returns the milliseconds that one run of a plan takes on tensors of arbitrary numbers.
func (h *Handle) timePlan(q *plan) (float64, error) {
	at, work, free, err := h.stage(q)
	defer free()
	if err != nil {
		return 0, err
	}
	return h.bestTime(func() error { return h.execute(q, at, work, q.Workspace) })
}

// timeApart times a plan of ForwardStats, and what it stands for: Forward, and a pass over y.
func (h *Handle) timeApart(q *plan, pass func(y driver.Ptr) error) error {
	f, err := h.planOf(Problem{Op: Forward, Conv: q.problem.Conv})
	if err != nil {
		return err
	}
	own, err := h.timePlan(q)
	if err != nil {
		return err
	}
	plain, err := h.timePlan(f)
	if err != nil {
		return err
	}
	at, _, free, err := h.stage(f)
	defer free()
	if err != nil {
		return err
	}
	y := at[slices.Index(f.roles, roleY)]
	alone, err := h.bestTime(func() error { return pass(y) })
	q.Milliseconds, q.Apart = own, plain+alone
	return err
}

// bestTime returns the milliseconds that run takes, after a first time that loads what is loaded lazily.
func (h *Handle) bestTime(run func() error) (float64, error) {
	if err := run(); err != nil {
		return 0, err
	}
	best := math.Inf(1)
	for range timedWindows {
		begin := h.Timer.MainMark()
		for range timedRuns {
			if err := run(); err != nil {
				return 0, err
			}
		}
		end := h.Timer.MainMark()
		ms, err := since(end, begin)
		if err != nil {
			return 0, err
		}
		best = min(best, ms/timedRuns)
	}
	return best, nil
}

// since waits for end and returns the milliseconds from begin on. It closes both.
func since(end, begin driver.Event) (float64, error) {
	defer begin.Close()
	defer end.Close()
	if err := errors.Join(begin.Wait(), end.Wait()); err != nil {
		return 0, err
	}
	return end.Since(begin)
}

// A memoryError is the device's refusal of memory to time a plan on.
type memoryError struct{ error }

func (e *memoryError) Unwrap() error { return e.error }

// stage takes memory for a plan's tensors and its scratch; free gives it back.
func (h *Handle) stage(q *plan) (at tensors, work driver.Ptr, free func(), err error) {
	var taken []driver.Ptr
	free = func() {
		for _, p := range taken {
			h.Timer.Free(p)
		}
	}
	take := func(bytes int) (driver.Ptr, error) {
		p, err := h.Timer.Alloc(max(bytes, alignment))
		if err != nil {
			return 0, &memoryError{fmt.Errorf("timing it takes memory: %w", err)}
		}
		taken = append(taken, p)
		return p, nil
	}
	for i, r := range q.roles {
		bytes, t := q.problem.extent(r)
		if at[i], err = take(bytes); err != nil {
			return at, 0, free, err
		}
		h.fill(at[i], bytes, t)
	}
	work, err = take(q.Workspace)
	return at, work, free, err
}

// fill writes values between -1 and 1: a GPU draws less power, and is faster, on zeros.
func (h *Handle) fill(at driver.Ptr, bytes int, t driver.Type) {
	const block = 1 << 20
	b := make([]byte, min(bytes, block))
	state := uint32(1)
	for i := 0; i+t.Size() <= len(b); i += t.Size() {
		state = state*1664525 + 1013904223
		v := float32(int32(state)) / (1 << 31)
		switch t {
		case driver.F32:
			binary.LittleEndian.PutUint32(b[i:], math.Float32bits(v))
		case driver.BF16:
			binary.LittleEndian.PutUint16(b[i:], uint16(math.Float32bits(v)>>16))
		case driver.F16: // sign and 10 bits of fraction at random, between 0.5 and 1
			binary.LittleEndian.PutUint16(b[i:], uint16(state>>16)&0x83ff|0x3800)
		}
	}
	h.Timer.Upload(at, b)
	for done := len(b); done < bytes; {
		n := min(done, bytes-done)
		h.Timer.Copy(at.Add(done), at, n)
		done += n
	}
}

// extent returns the bytes of a tensor, and its type.
func (p Problem) extent(r role) (int, driver.Type) {
	c := p.Conv
	switch r {
	case roleX:
		return c.N * c.H * c.W * c.C * c.Type.Size(), c.Type
	case roleY:
		return c.N * c.OH() * c.OW() * c.K * c.Type.Size(), c.Type
	case roleSum, roleSquare:
		return c.K * 4, driver.F32
	case roleScale, roleBias:
		return c.C * 4, driver.F32
	}
	if r == roleAdd && p.Op == BackwardDataAdd {
		return p.extent(roleX)
	}
	t := c.Type
	if p.Op == BackwardWeight || p.Op == Accumulate && r != roleInput {
		t = driver.F32
	}
	return c.K * c.R * c.S * c.C * t.Size(), t
}
