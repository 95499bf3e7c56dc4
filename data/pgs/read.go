package pgs

import (
	"context"
	"runtime"
	"sync"

	"contig-gpu/data/genotype"
	"contig-gpu/data/table"
)

// ReadSets reads scoring files, several at a time, and matches their rows. The first that is at fault, in the order of paths, is the error. step is called after each.
func ReadSets(ctx context.Context, paths []string, x *genotype.Index, o Options, step func(done, total int)) ([]*Set, error) {
	sets, errs := make([]*Set, len(paths)), make([]error, len(paths))
	shared := sharing{of: map[uint64][][]term{}}
	workers := min(runtime.GOMAXPROCS(0), len(paths))
	next, done := make(chan int), make(chan struct{})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				if sets[i], errs[i] = ReadSet(paths[i], x, o); errs[i] == nil {
					shared.take(sets[i])
				}
				done <- struct{}{}
			}
		})
	}
	go func() {
		defer close(next)
		for i := range paths {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() { wg.Wait(); close(done) }()
	n := 0
	for range done {
		n++
		step(n, len(paths))
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	bytes := 0
	for i, err := range errs {
		if err != nil {
			return nil, err
		}
		if bytes += sets[i].bytes(); o.Room > 0 && bytes > o.Room {
			return nil, table.NoRoom(paths[i], 0, "the rows of so many scores", bytes, o.Room)
		}
	}
	return sets, CheckNames(sets)
}

// sharing keeps the terms of scores once, of which many have the same: those of one study.
type sharing struct {
	lock sync.Mutex
	of   map[uint64][][]term // by their hash
}

// take gives a set the terms of another that has the same. Their lines may be others: of terms with a weight for each dosage, which are found by them, nothing is shared.
func (h *sharing) take(s *Set) {
	if len(s.by) > 0 {
		return
	}
	key := hashTerms(s.terms)
	h.lock.Lock()
	defer h.lock.Unlock()
	for _, terms := range h.of[key] {
		if sameTerms(terms, s.terms) {
			s.terms = terms
			return
		}
	}
	h.of[key] = append(h.of[key], s.terms)
}
