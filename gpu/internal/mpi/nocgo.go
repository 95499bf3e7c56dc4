//go:build !(linux && cgo)

package mpi

import (
	"context"
	"fmt"

	"contig-gpu/gpu/internal/dl"
)

// A World is all ranks that one launcher started; this build has none.
type World struct {
	Rank, Size       int
	Local, LocalSize int
	Interface        string
	Version, Path    string
}

// Open returns an error that wraps dl.ErrNoCgo.
func Open(context.Context, []string) (*World, error) { return nil, fmt.Errorf("mpi: %w", dl.ErrNoCgo) }

// Sum32 returns an error that wraps dl.ErrNoCgo.
func (w *World) Sum32([]float32) error { return dl.ErrNoCgo }

// Sum64 returns an error that wraps dl.ErrNoCgo.
func (w *World) Sum64([]float64) error { return dl.ErrNoCgo }

// Broadcast returns an error that wraps dl.ErrNoCgo.
func (w *World) Broadcast([]byte) error { return dl.ErrNoCgo }

// AllGather returns an error that wraps dl.ErrNoCgo.
func (w *World) AllGather(_, _ []byte) error { return dl.ErrNoCgo }

// Abandon does nothing.
func (w *World) Abandon(error) {}

// Close returns nil.
func (w *World) Close() error { return nil }

// Find returns that nothing can be opened.
func Find(files []string) []Found { return []Found{{Name: files[0], Err: dl.ErrNoCgo}} }

// Leave does nothing.
func Leave(int) {}
