package ranks

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"contig-gpu/gpu/world"
)

// words carries what ranks tell each other where no MPI does: verdicts, digests and the identity that a library on GPUs needs, a few hundred bytes
// each, over the connections to rank 0. It sums nothing.
type words struct {
	crew *Crew
	mu   sync.Mutex
	said map[int][][]byte // by rank: what was heard of it and not yet taken
	come sync.Cond        // said has more, or the crew has failed; on mu
	gone error
}

// mostWords is the bytes that a rank says at a time, at most.
const mostWords = 64 << 10

func newWords(c *Crew) *words {
	w := &words{crew: c, said: map[int][][]byte{}}
	w.come.L = &w.mu
	go func() {
		select {
		case <-c.failed:
			w.Abandon(c.err)
		case <-c.closed:
			w.Abandon(errors.New("this rank has left"))
		}
	}()
	return w
}

// hear takes in what a peer says.
func (w *words) hear(rank int, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said[rank] = append(w.said[rank], b)
	w.come.Broadcast()
}

// next waits for the next words of a rank.
func (w *words) next(rank int) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.said[rank]) == 0 && w.gone == nil {
		w.come.Wait()
	}
	if len(w.said[rank]) == 0 {
		return nil, world.Lost(w.gone)
	}
	b := w.said[rank][0]
	w.said[rank] = w.said[rank][1:]
	return b, nil
}

// AllGather has rank 0 collect what all say, and tell all.
func (w *words) AllGather(dst, src []byte) error {
	if len(src) > mostWords {
		return fmt.Errorf("ranks: %d bytes to tell, at most %d", len(src), mostWords)
	}
	me := w.crew.t.me
	if me.Rank != 0 {
		if err := w.tell(w.crew.others(), src); err != nil {
			return err
		}
		return w.take(dst, 0)
	}
	copy(dst, src)
	for r := 1; r < me.Size; r++ {
		if err := w.take(dst[r*len(src):(r+1)*len(src)], r); err != nil {
			return err
		}
	}
	return w.tell(w.crew.others(), dst)
}

// Broadcast has rank 0 tell all.
func (w *words) Broadcast(b []byte) error {
	if w.crew.t.me.Rank != 0 {
		return w.take(b, 0)
	}
	for part := range slices.Chunk(b, mostWords) {
		if err := w.tell(w.crew.others(), part); err != nil {
			return err
		}
	}
	return nil
}

// tell sends words to peers.
func (w *words) tell(to []*peer, b []byte) error {
	for _, p := range to {
		if err := p.send(note{Kind: kindWords, Words: b}); err != nil {
			w.crew.lose(p, fmt.Sprintf("cannot be told anything (%v)", err))
			return world.Lost(w.crew.Err())
		}
	}
	return nil
}

// take fills dst with the next words of a rank, which are as many.
func (w *words) take(dst []byte, rank int) error {
	for n := 0; n < len(dst); {
		b, err := w.next(rank)
		if err != nil {
			return err
		}
		if len(b) == 0 || len(b) > len(dst)-n {
			return world.Lost(fmt.Errorf("rank %d tells %d bytes where %d are to come: the ranks do not do the same", rank, len(b), len(dst)-n))
		}
		n += copy(dst[n:], b)
	}
	return nil
}

// Sum32 is an error: no sums are carried.
func (w *words) Sum32([]float32) error { return errNoSums() }

// Sum64 is an error: no sums are carried.
func (w *words) Sum64([]float64) error { return errNoSums() }

func errNoSums() error { return errors.New("ranks: nothing here sums over ranks") }

// Abandon ends what waits.
func (w *words) Abandon(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone == nil {
		w.gone = why
	}
	w.come.Broadcast()
}

// Close does nothing: the crew ends the connections.
func (w *words) Close() error { return nil }
