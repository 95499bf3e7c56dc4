// Package world is what the ranks of one run do together: sums over all of them, and verdicts that all share. Between CPUs MPI does it. A
// run of one rank opens nothing.
package world

import (
	"context"
	"errors"
	"fmt"

	"contig-gpu/gpu/internal/mpi"
)

// LibraryEnv names the environment variable that may name the MPI library's file.
const LibraryEnv = mpi.Env

// Gone reports whether err is what collectives return after Abandon: another rank was lost.
func Gone(err error) bool { return errors.Is(err, mpi.ErrGone) }

// A World is the ranks of a run. All ranks call its collectives in the same order with the same lengths, each from one goroutine at a time.
type World struct {
	engine *mpi.World // nil: one rank, alone
}

// Alone returns the world of one rank, in which a sum is what it was.
func Alone() *World { return &World{} }

// OpenMPI opens an MPI library, named ("" for the usual names, MPICH's first or Open MPI's), and begins MPI. It waits for that until ctx ends.
func OpenMPI(ctx context.Context, named string, mpichFirst bool) (*World, error) {
	e, err := mpi.Open(ctx, mpi.Files(named, mpichFirst))
	if err != nil {
		return nil, err
	}
	return &World{engine: e}, nil
}

// An Engine describes what carries the collectives.
type Engine struct {
	Interface string `json:"interface"` // Open MPI, MPICH, MPI 5 standard
	Version   string `json:"version"`   // the library's own words
	Path      string `json:"path"`
}

// Engine describes the library; false in a world of one rank.
func (w *World) Engine() (Engine, bool) {
	if w.engine == nil {
		return Engine{}, false
	}
	return Engine{w.engine.Interface, w.engine.Version, w.engine.Path}, true
}

// Rank returns this process's number, from 0.
func (w *World) Rank() int {
	if w.engine == nil {
		return 0
	}
	return w.engine.Rank
}

// Size returns the number of ranks.
func (w *World) Size() int {
	if w.engine == nil {
		return 1
	}
	return w.engine.Size
}

// Local returns which of the ranks of this host this one is, and how many these are.
func (w *World) Local() (rank, size int) {
	if w.engine == nil {
		return 0, 1
	}
	return w.engine.Local, w.engine.LocalSize
}

// Sum replaces x by its sum over all ranks, element by element. All ranks get the same bytes; with the same number of ranks and the same
// library they are the same each time. After an error x is of no use.
func Sum[E float32 | float64](w *World, x []E) error {
	if w.engine == nil {
		return nil
	}
	return mpi.Sum(w.engine, x)
}

// Broadcast replaces b by rank 0's, of the same length on all, at most 32 MiB.
func (w *World) Broadcast(b []byte) error {
	if w.engine == nil {
		return nil
	}
	return w.engine.Broadcast(b)
}

// Verdict returns of which ranks, in their order, judge is true. All ranks call it, and all get the same answer.
func (w *World) Verdict(judge bool) ([]int, error) {
	said := make([]float32, w.Size())
	if judge {
		said[w.Rank()] = 1
	}
	if err := Sum(w, said); err != nil {
		return nil, err
	}
	var ranks []int
	for r, s := range said {
		if s != 0 {
			ranks = append(ranks, r)
		}
	}
	return ranks, nil
}

// Gather returns every rank's v, in the order of ranks.
func (w *World) Gather(v float64) ([]float64, error) {
	all := make([]float64, w.Size())
	all[w.Rank()] = v
	return all, Sum(w, all)
}

// Abandon ends all collectives, those that wait and those to come, with why: another rank is lost.
func (w *World) Abandon(why error) {
	if w.engine != nil {
		w.engine.Abandon(why)
	}
}

// Close ends MPI, for which all ranks must call it. After Abandon it does nothing.
func (w *World) Close() error {
	if w.engine == nil {
		return nil
	}
	if err := w.engine.Close(); err != nil && !Gone(err) {
		return fmt.Errorf("ending MPI: %w", err)
	}
	return nil
}

// Leave ends the process with code where MPI was begun and ended in it, by libc's exit: the launcher hears of the end there. Elsewhere it
// does nothing. It is for main alone.
func Leave(code int) { mpi.Leave(code) }
