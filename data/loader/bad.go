package loader

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

// Bad knows which images of a cohort cannot be decoded, as far as they were met. It serves all sources of a training, and may
// be used from several goroutines.
type Bad struct {
	images []data.Image
	skips  bool
	good   []atomic.Bool // was decoded
	mu     sync.Mutex
	found  map[int]error
}

// NewBad returns what knows of the images marked Skip, and of no others. With skips sources go on without an image that is
// found, else they end with its problem.
func NewBad(images []data.Image, skips bool) *Bad {
	b := &Bad{images: images, skips: skips, good: make([]atomic.Bool, len(images)), found: map[int]error{}}
	for i, im := range images {
		if im.Skip {
			b.found[i] = nil
		}
	}
	return b
}

// Found returns the images that were found, ascending, and those marked Skip.
func (b *Bad) Found() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.found))
}

// Problem returns why image i cannot be decoded; nil: it can, or is marked Skip.
func (b *Bad) Problem(i int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.found[i]
}

// leftOut reports whether image i is to be left out without looking at it.
func (b *Bad) leftOut(i int) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	err, ok := b.found[i]
	return ok && (b.skips || err == nil)
}

// note takes in how decoding image i went, and reports whether it is to be left out.
func (b *Bad) note(i int, err error) bool {
	if b == nil {
		return false
	}
	if err == nil {
		b.good[i].Store(true)
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.found[i]; !known {
		b.found[i] = err
	}
	return b.skips
}

// A Scan decodes, beside a training, the images that it does not come to by itself in its first epoch: those of held-out
// persons, and what is left over of the training split. It goes no faster than it is told to, on one goroutine, so that steps
// do not wait for it.
type Scan struct {
	bad    *Bad
	held   []int // of held-out persons
	others []int
	allow  chan int // how many of held
	quit   context.CancelFunc
	done   chan struct{}
}

// NewScan begins nothing before Allow.
func NewScan(c *data.Cohort, b *Bad) *Scan {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Scan{bad: b, allow: make(chan int, 1), quit: cancel, done: make(chan struct{})}
	for i, im := range c.Images {
		if c.Persons[im.Person].Split == data.Train {
			s.others = append(s.others, i)
		} else {
			s.held = append(s.held, i)
		}
	}
	go s.run(ctx)
	return s
}

func (s *Scan) run(ctx context.Context) {
	defer close(s.done)
	at := 0
	for {
		select {
		case <-ctx.Done():
			return
		case upTo := <-s.allow:
			for ; at < min(upTo, len(s.held)) && ctx.Err() == nil; at++ {
				s.bad.check(s.held[at])
			}
			if upTo > len(s.held) {
				return
			}
		}
	}
}

// check decodes an image that was not decoded before.
func (b *Bad) check(i int) {
	if b.leftOut(i) || b.good[i].Load() {
		return
	}
	_, err := fundus.Decode(b.images[i].Path)
	b.note(i, err)
}

// Allow lets the scan go on to a share of the held-out images, 0 to 1.
func (s *Scan) Allow(share float64) { s.tell(int(share * float64(len(s.held)))) }

// tell puts a number in the place of what the scan has not taken yet.
func (s *Scan) tell(n int) {
	select {
	case <-s.allow:
	default:
	}
	select {
	case s.allow <- n:
	default:
	}
}

// Finish waits until every image of the cohort was decoded once, or ctx ends.
func (s *Scan) Finish(ctx context.Context) {
	s.tell(len(s.held) + 1)
	select {
	case <-s.done:
	case <-ctx.Done():
		return
	}
	_ = DecodeAll(ctx, s.others, runtime.GOMAXPROCS(0), s.bad.check) // what it ends with is ctx's, which the caller sees too
}

// Close ends the scan.
func (s *Scan) Close() {
	s.quit()
	<-s.done
}

// DecodeAll calls decode with each of the images, on so many goroutines, in any order, until ctx ends.
func DecodeAll(ctx context.Context, images []int, workers int, decode func(i int)) error {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(workers, len(images)) {
		wait.Go(func() {
			for ctx.Err() == nil {
				k := int(next.Add(1)) - 1
				if k >= len(images) {
					return
				}
				decode(images[k])
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}
