package assoc

import (
	"context"
	"sync"
)

// A work is a block on its way: read, tested by one thread, handed over.
type work struct {
	calls *calls
	Block
	err  error
	done chan struct{} // tested, one element
}

// Run tests the given variants of the source, which ascend. Each thread tests a block, and lets make, which may be nil, make something of the results in Block.Text: several blocks at a time, each thread
// by its number below Threads. take gets the blocks in their order, one after the other. An error ends it. Memory: two blocks more than there are threads.
func (s *Scan) Run(ctx context.Context, src Source, variants []int, makeText func(thread int, b *Block) error, take func(b Block) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	all := len(s.benches) + 2
	empty, full, ordered := make(chan *work, all), make(chan *work, all), make(chan *work, all)
	for range all {
		empty <- &work{calls: newCalls(s.persons), Block: Block{Traits: s.traits, Results: make([]Result, blockVariants*s.traits)}, done: make(chan struct{}, 1)}
	}
	var wg sync.WaitGroup
	var read error
	wg.Go(func() {
		defer close(ordered)
		defer close(full)
		read = deal(ctx, src, variants, empty, func(w *work) { full <- w; ordered <- w })
	})
	for thread, b := range s.benches {
		wg.Go(func() {
			for w := range full {
				if ctx.Err() == nil {
					w.err = s.work(b, thread, w, variants, makeText)
				}
				w.done <- struct{}{}
			}
		})
	}
	var failed error
	for {
		w, more := serve(s.benches[0].ask, ordered)
		if !more {
			break
		}
		serve(s.benches[0].ask, w.done)
		if failed == nil {
			if failed = w.err; failed == nil && ctx.Err() == nil {
				failed = take(w.Block)
			}
			if failed != nil {
				cancel(failed)
			}
		}
		empty <- w
	}
	wg.Wait()
	switch {
	case failed != nil:
		return failed
	case read != nil:
		return read
	}
	return context.Cause(ctx)
}

// serve does what is asked for until something comes from a channel, or it is closed.
func serve[T any](ask <-chan func(), from <-chan T) (T, bool) {
	for {
		select {
		case do := <-ask:
			do()
		case x, ok := <-from:
			return x, ok
		}
	}
}

// work tests a block.
func (s *Scan) work(b *bench, thread int, w *work, variants []int, makeText func(thread int, b *Block) error) error {
	w.First, w.Variants, w.Results = w.calls.first, w.calls.n, w.Results[:w.calls.n*s.traits]
	for i, g := range s.groups {
		if err := s.test(b, i, g, w.calls, variants, w.Results); err != nil {
			return err
		}
	}
	if makeText == nil {
		return nil
	}
	return makeText(thread, &w.Block)
}
