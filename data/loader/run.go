package loader

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"contig-gpu/data"
)

var errClosed = errors.New("loader: the source is closed")

// A slot is one batch's memory and its way through the workers.
type slot struct {
	batch data.Batch
	rows  []int      // images to fill it with
	done  chan error // one value when filled, room for it
}

// A run is one epoch under way: a feeder hands slots out in order, workers fill them, the caller takes them
// in order and gives them back. As many batches are prefetched as there are slots.
type run struct {
	free    chan *slot // room for all
	ordered chan *slot // in the order of the batches; closed at the end of the epoch
	jobs    chan *slot
	quit    chan struct{}
	wait    sync.WaitGroup
}

// slots is the number of batches in memory: one with each worker, one with the caller, one ready.
func slots(workers int) int { return workers + 2 }

// start begins to fill batches on workers goroutines.
func start(batches [][]int, epoch, workers int, f *filler) *run {
	n := slots(workers)
	r := &run{free: make(chan *slot, n), ordered: make(chan *slot, n), jobs: make(chan *slot, n), quit: make(chan struct{})}
	for range n {
		r.free <- &slot{done: make(chan error, 1)}
	}
	r.wait.Go(func() { r.feed(batches) })
	for range workers {
		r.wait.Go(func() { r.work(f.worker(epoch)) })
	}
	return r
}

func (r *run) feed(batches [][]int) {
	defer close(r.ordered)
	defer close(r.jobs)
	for _, rows := range batches {
		select {
		case <-r.quit:
			return
		case s := <-r.free:
			s.rows = rows
			r.ordered <- s
			r.jobs <- s
		}
	}
}

func (r *run) work(w *worker) {
	for s := range r.jobs {
		s.done <- filled(func() error { return w.fill(&s.batch, s.rows, r.quit) })
	}
}

// A fault is a panic of a worker, which is to be its caller's: whoever has others to tell can, before the process ends.
type fault struct{ text string }

func (f fault) Error() string { return f.text }

// filled returns fill's error, or its panic as a fault.
func filled(fill func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault{fmt.Sprintf("%v\n\nin a worker of the loader:\n%s", p, debug.Stack())}
		}
	}()
	return fill()
}

// stop ends the goroutines and waits for them; a batch under way ends with its current image.
func (r *run) stop() {
	close(r.quit)
	r.wait.Wait()
}
