// Package world is what the ranks of one run do together: sums over all of them, and verdicts that all share. Between CPUs MPI does it. A
// run of one rank opens nothing.
package world

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
	"contig-gpu/gpu/internal/mpi"
)

// LibraryEnv names the environment variable that may name the MPI library's file.
const LibraryEnv = mpi.Env

// Gone reports whether err is what collectives return after Abandon, on devices too: another rank was lost.
func Gone(err error) bool { return errors.Is(err, mpi.ErrGone) || errors.Is(err, driver.ErrGone) }

// An Error is a call that MPI refused.
type Error = mpi.Error

// Failed reports whether err is a collective's: MPI or NCCL refused a call, or another rank was lost.
func Failed(err error) bool {
	var refused *Error
	return errors.As(err, &refused) || Gone(err)
}

// Lost makes such an error of why.
func Lost(why error) error { return fmt.Errorf("%w: %w", mpi.ErrGone, why) }

// A Carrier moves what ranks exchange. All ranks call its collectives in the same order with the same lengths.
type Carrier interface {
	Sum32(x []float32) error         // replaces x by its sum over all ranks
	Sum64(x []float64) error         //
	Broadcast(b []byte) error        // replaces b by rank 0's
	AllGather(dst, src []byte) error // fills dst with the src of every rank, in their order
	Abandon(why error)               // ends collectives, those that wait and those to come, with Lost(why)
	Close() error                    // all ranks call it
}

// A Seat is a rank's place among all, and among those of its host.
type Seat struct{ Rank, Size, Local, LocalSize int }

// A World is the ranks of a run. All ranks call its collectives in the same order with the same lengths, each from one goroutine at a time.
type World struct {
	seat    Seat
	carrier Carrier // nil: one rank, alone
	engine  Engine

	mu     sync.Mutex // of what Abandon does
	why    error      // that it was called
	beside []func(why error)
}

// Alone returns the world of one rank, in which a sum is what it was.
func Alone() *World { return &World{seat: Seat{0, 1, 0, 1}} }

// New returns the world of the ranks that c carries.
func New(s Seat, c Carrier) *World { return &World{seat: s, carrier: c} }

// OpenMPI opens an MPI library, named ("" for the usual names, MPICH's first or Open MPI's), and begins MPI. It waits for that until ctx ends.
func OpenMPI(ctx context.Context, named string, mpichFirst bool) (*World, error) {
	e, err := mpi.Open(ctx, mpi.Files(named, mpichFirst))
	if err != nil {
		return nil, err
	}
	w := New(Seat{e.Rank, e.Size, e.Local, e.LocalSize}, e)
	w.engine = Engine{e.Interface, e.Version, e.Path}
	return w, nil
}

// An Engine describes the library that carries the collectives.
type Engine struct {
	Interface string `json:"interface"` // Open MPI, MPICH, MPI 5 standard
	Version   string `json:"version"`   // the library's own words
	Path      string `json:"path"`
}

// Engine describes the library; false where there is none, as in a world of one rank.
func (w *World) Engine() (Engine, bool) { return w.engine, w.engine != Engine{} }

// Rank returns this process's number, from 0.
func (w *World) Rank() int { return w.seat.Rank }

// Size returns the number of ranks.
func (w *World) Size() int { return w.seat.Size }

// Local returns which of the ranks of this host this one is, and how many these are.
func (w *World) Local() (rank, size int) { return w.seat.Local, w.seat.LocalSize }

// Sum replaces x by its sum over all ranks, element by element. All ranks get the same bytes; with the same number of ranks and the same
// library they are the same each time. After an error x is of no use.
func Sum[E float32 | float64](w *World, x []E) error {
	if w.carrier == nil {
		return nil
	}
	if x, ok := any(x).([]float32); ok {
		return w.carrier.Sum32(x)
	}
	return w.carrier.Sum64(any(x).([]float64))
}

// AllGather fills dst with every rank's src, in the order of ranks. src has the same length on all.
func AllGather[E any](w *World, dst, src []E) error {
	if w.carrier == nil {
		copy(dst, src)
		return nil
	}
	return w.carrier.AllGather(bytesOf(dst), bytesOf(src))
}

func bytesOf[E any](x []E) []byte {
	var e E
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(e)))
}

// Broadcast replaces b by rank 0's, of the same length on all.
func (w *World) Broadcast(b []byte) error {
	if w.carrier == nil {
		return nil
	}
	return w.carrier.Broadcast(b)
}

// Verdict returns of which ranks, in their order, judge is true. All ranks call it, and all get the same answer.
func (w *World) Verdict(judge bool) ([]int, error) {
	said, own := make([]bool, w.Size()), []bool{judge}
	if err := AllGather(w, said, own); err != nil {
		return nil, err
	}
	var ranks []int
	for r, s := range said {
		if s {
			ranks = append(ranks, r)
		}
	}
	return ranks, nil
}

// Gather returns every rank's v, in the order of ranks.
func (w *World) Gather(v float64) ([]float64, error) {
	all := make([]float64, w.Size())
	return all, AllGather(w, all, []float64{v})
}

// Abandon ends all collectives, those that wait and those to come, with why: another rank is lost. Any goroutine may call it.
func (w *World) Abandon(why error) {
	if w.carrier == nil {
		return
	}
	w.mu.Lock()
	first, beside := w.why == nil, w.beside
	if first {
		w.why = why
	}
	w.mu.Unlock()
	w.carrier.Abandon(why)
	if first {
		for _, f := range beside {
			f(why)
		}
	}
}

// Beside has Abandon call f, too, for what else waits for other ranks; at once, where it was called.
func (w *World) Beside(f func(why error)) {
	w.mu.Lock()
	why := w.why
	w.beside = append(w.beside, f)
	w.mu.Unlock()
	if why != nil {
		f(why)
	}
}

// Close ends what carries the collectives, for which all ranks must call it. After Abandon it does nothing.
func (w *World) Close() error {
	if w.carrier == nil {
		return nil
	}
	if err := w.carrier.Close(); err != nil && !Gone(err) {
		return fmt.Errorf("ending MPI: %w", err)
	}
	return nil
}

// Leave ends the process with code where MPI was begun and ended in it, by libc's exit: the launcher hears of the end there. Elsewhere it
// does nothing. It is for main alone.
func Leave(code int) { mpi.Leave(code) }
