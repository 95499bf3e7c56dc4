// Package worldtest has ranks that are goroutines of one process, for tests: what they do together is done in the order of the ranks.
package worldtest

import (
	"errors"
	"fmt"
	"sync"

	"contig-gpu/gpu/world"
)

// Together runs f as each of n ranks, on goroutines of their own, and returns their errors. The first error ends the others' collectives.
func Together(n int, f func(w *world.World) error) error {
	m := &meeting{size: n}
	m.all.L = &m.mu
	errs := make([]error, n)
	var done sync.WaitGroup
	for r := range n {
		done.Go(func() {
			w := world.Alone()
			if n > 1 {
				w = world.New(world.Seat{Rank: r, Size: n, Local: r, LocalSize: n}, &rank{m, r})
			}
			if errs[r] = f(w); errs[r] != nil {
				w.Abandon(errs[r])
			}
		})
	}
	done.Wait()
	return errors.Join(errs...)
}

// A meeting is where n ranks bring what they exchange.
type meeting struct {
	size   int
	mu     sync.Mutex
	all    sync.Cond
	came   int
	kind   string
	length int
	parts  []any
	round  *round
	gone   error
}

// A round is one collective, once all have come.
type round struct {
	parts []any
	over  bool
	left  sync.WaitGroup
}

type rank struct {
	*meeting
	number int
}

// meet brings part and waits for all ranks' parts, of the same kind and length. use is called by all with all parts, and nobody goes on before all have
// used them.
func (r *rank) meet(kind string, length int, part any, use func(parts []any)) error {
	m := r.meeting
	m.mu.Lock()
	if m.came == 0 {
		m.kind, m.length, m.parts, m.round = kind, length, make([]any, m.size), &round{}
		m.round.left.Add(m.size)
	}
	here := m.round
	if m.kind != kind || m.length != length {
		m.gone = fmt.Errorf("rank %d comes to a %s of %d, another to a %s of %d", r.number, kind, length, m.kind, m.length)
		m.all.Broadcast()
	}
	if m.gone == nil {
		m.parts[r.number] = part
		if m.came++; m.came == m.size {
			here.parts, here.over, m.came = m.parts, true, 0
			m.all.Broadcast()
		}
	}
	for !here.over && m.gone == nil {
		m.all.Wait()
	}
	over, err := here.over, m.gone
	m.mu.Unlock()
	if !over {
		return world.Lost(err)
	}
	use(here.parts)
	here.left.Done()
	here.left.Wait()
	return nil
}

func sum[E float32 | float64](r *rank, x []E) error {
	total := make([]E, len(x))
	err := r.meet(fmt.Sprintf("sum of %T", x), len(x), x, func(parts []any) {
		for _, p := range parts {
			for i, v := range p.([]E) {
				total[i] += v
			}
		}
	})
	copy(x, total)
	return err
}

func (r *rank) Sum32(x []float32) error { return sum(r, x) }
func (r *rank) Sum64(x []float64) error { return sum(r, x) }

func (r *rank) Broadcast(b []byte) error {
	got := make([]byte, len(b))
	err := r.meet("broadcast", len(b), b, func(parts []any) { copy(got, parts[0].([]byte)) })
	copy(b, got)
	return err
}

func (r *rank) AllGather(dst, src []byte) error {
	if len(dst) != r.size*len(src) {
		return fmt.Errorf("a gather of %d bytes from %d ranks into %d", len(src), r.size, len(dst))
	}
	return r.meet("gather", len(src), src, func(parts []any) {
		for i, p := range parts {
			copy(dst[i*len(src):], p.([]byte))
		}
	})
}

func (r *rank) Abandon(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone == nil {
		r.gone = why
	}
	r.all.Broadcast()
}

func (r *rank) Close() error { return nil }
